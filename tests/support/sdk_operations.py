"""What the official SDK knows of an operation: its method, parameters, body and answer, and the members of its models.

The SDK is generated from the published OpenAPI; its sources and models are read, nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.official_sdk import sdk

_PRIMITIVES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "datetime": (str,),
    "date": (str,),
    "object": (object,),
    "LocalDateTime": (str,),
}
_PARAM = re.compile(r":param (?P<type>\S+(?: \S+\))?) (?P<name>\w+): (?P<text>.*)")


@dataclass(frozen=True, slots=True)
class SdkOperation:
    """One method of the SDK. `path_params` and `query_params` are pairs of the name on the wire and the method's own."""

    api: str
    method: str
    verb: str
    path: str
    path_params: tuple[tuple[str, str], ...]
    query_params: tuple[tuple[str, str], ...]
    types: dict[str, str]
    required: frozenset[str]
    answer: str | None

    @property
    def key(self) -> str:
        return f"{self.verb} {self.path}"

    @property
    def body_type(self) -> str | None:
        return self.types.get("body")


@cache
def sdk_operations() -> dict[str, SdkOperation]:
    """Every operation of the SDK by "VERB /path/template"."""
    folder = Path(sdk.__file__).parent / "apis"
    found: dict[str, SdkOperation] = {}
    for file in sorted(folder.glob("*_api.py")):
        source = file.read_text(encoding="utf-8")
        name = re.search(r"^class (\w+)", source, re.MULTILINE)
        if name is None:
            continue
        for text in source.split("\n    def ")[1:]:
            operation = _operation(name.group(1), text)
            if operation is not None:
                found.setdefault(operation.key, operation)
    return found


def _operation(api: str, text: str) -> SdkOperation | None:
    path = re.search(r"resource_path = '([^']+)'", text)
    verb = re.search(r"call_api\(resource_path, '(\w+)'", text)
    if path is None or verb is None:
        return None
    answer = re.search(r"response_type='?([^,'\n]+(?:, [^']+\))?)'?,", text)
    params = list(_PARAM.finditer(text))
    return SdkOperation(
        api=api,
        method=text.split("(", 1)[0],
        verb=verb.group(1),
        path=path.group(1),
        path_params=tuple(re.findall(r"path_params\['(\w+)'\] = params\['(\w+)'\]", text)),
        query_params=tuple(re.findall(r"query_params\['(\w+)'\] = params\['(\w+)'\]", text)),
        types={row["name"]: row["type"] for row in params},
        required=frozenset(row["name"] for row in params if "(required)" in row["text"]),
        answer=None if answer is None or answer.group(1) == "None" else answer.group(1),
    )


def inner_type(kind: str) -> tuple[str, str]:
    """Return ("list" | "dict" | "", the type inside)."""
    if kind.startswith("list["):
        return "list", kind[5:-1]
    if kind.startswith("dict("):
        return "dict", kind[5:-1].split(", ", 1)[1]
    return "", kind


@cache
def members(model: str) -> dict[str, str]:
    """The members of a model, as on the wire, with their types."""
    made = getattr(sdk, model)()
    return {made.attribute_map[name]: kind for name, kind in made.swagger_types.items()}


@cache
def enums(model: str) -> dict[str, tuple[str, ...]]:
    """The values that a model's members may have, by the member as on the wire, where the SDK lists them."""
    made = getattr(sdk, model)()
    source = Path(getattr(sdk, model).__module__.replace(".", "/") + ".py")
    text = (Path(sdk.__file__).parent.parent / source).read_text(encoding="utf-8")
    listed: dict[str, tuple[str, ...]] = {}
    for name, body in re.findall(r"\.setter\n    def (\w+)\(.*?\n(.*?)(?=\n    @property|\n    def )", text, re.DOTALL):
        values = re.search(r"allowed_values = \[(.*?)\]", body)
        if values is not None and name in made.attribute_map and not made.swagger_types[name].startswith("list"):
            listed[made.attribute_map[name]] = tuple(re.findall(r'"([^"]*)"', values.group(1)))
    return listed


def misfits(value: Any, kind: str, where: str = "") -> Iterator[str]:
    """What of an answer the SDK's model would lose or misread: unknown members, wrong types, values that it does not list."""
    if value is None:
        return
    outer, inner = inner_type(kind)
    if outer == "list":
        if not isinstance(value, list):
            yield f"{where}: no list"
            return
        for number, row in enumerate(value):
            yield from misfits(row, inner, f"{where}[{number}]")
    elif outer == "dict":
        for name, row in value.items():
            yield from misfits(row, inner, f"{where}.{name}")
    elif inner in _PRIMITIVES:
        yield from _primitive(value, inner, where)
    else:
        if not isinstance(value, dict):
            yield f"{where}: no object"
            return
        known, listed = members(inner), enums(inner)
        for name, row in value.items():
            if name not in known:
                yield f"{where}.{name}: not in {inner}"
                continue
            if name in listed and row not in listed[name]:
                yield f"{where}.{name}: {row!r} is none of {listed[name]}"
            yield from misfits(row, known[name], f"{where}.{name}")


def _primitive(value: Any, kind: str, where: str) -> Iterator[str]:
    if not isinstance(value, _PRIMITIVES[kind]) or (kind in ("int", "float") and isinstance(value, bool)):
        yield f"{where}: {value!r} is no {kind}"
    elif kind in ("datetime", "date"):
        try:
            (datetime if kind == "datetime" else date).fromisoformat(str(value))
        except ValueError:
            yield f"{where}: {value!r} is no {kind}"
