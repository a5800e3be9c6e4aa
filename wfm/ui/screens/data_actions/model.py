"""Data Actions as values: the list, the contract as a form, what an execution will do, what its result says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from wfm.desk import ActionResult, DataAction
from wfm.domain.errors import BadInput
from wfm.ui.components.markdown import cell

AGENT_INPUTS = frozenset({"userid", "user_id", "agentid", "agent_id"})
"""Names of inputs that hold an agent's id: the form takes a name or an e-mail for them as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input of a contract, as the form asks for it. `choices` is () where anything of `kind` goes."""

    name: str
    kind: str
    required: bool
    choices: tuple[str, ...]
    default: str
    help: str

    @property
    def agent(self) -> bool:
        return self.name.casefold() in AGENT_INPUTS


def fields(action: DataAction) -> tuple[Field, ...]:
    """The inputs of an action's contract, required ones first, with what its schema says of each."""
    properties = _inside(action.raw, "contract", "input", "inputSchema", "properties")
    found = []
    for name, kind, required in action.inputs:
        spec = properties.get(name) if isinstance(properties, Mapping) else None
        spec = spec if isinstance(spec, Mapping) else {}
        choices = spec.get("enum")
        default = spec.get("default")
        found.append(
            Field(
                name=name,
                kind=kind,
                required=required,
                choices=tuple(str(choice) for choice in choices) if isinstance(choices, list) else (),
                default="" if default is None else str(default),
                help=str(spec.get("description") or ""),
            )
        )
    return tuple(sorted(found, key=lambda field: not field.required))


def _inside(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def timeout_seconds(action: DataAction) -> int | None:
    """How long the action waits for its web service, where its configuration says."""
    value = _inside(action.raw, "config", "timeoutSeconds")
    return value if isinstance(value, int) else None


def table(actions: Iterable[DataAction]) -> pd.DataFrame:
    rows = list(actions)
    return pd.DataFrame(
        {
            "name": pd.Series([cell(action.name) for action in rows], dtype="str"),
            "category": pd.Series([cell(action.category) for action in rows], dtype="str"),
            "request": pd.Series([cell(f"{action.request_type} {action.request_url}".strip()) for action in rows], dtype="str"),
            "inputs": pd.Series([cell(", ".join(name for name, _, _ in action.inputs)) for action in rows], dtype="str"),
        }
    )


def matching(actions: Sequence[DataAction], text: str) -> list[DataAction]:
    """The actions whose name, category or request contains every word of the text."""
    words = text.casefold().split()
    return [
        action
        for action in actions
        if all(word in f"{action.name} {action.category} {action.request_url}".casefold() for word in words)
    ]


def checked(asked: Sequence[Field], given: Mapping[str, str]) -> dict[str, str]:
    """What was typed, without the empty inputs. Raises BadInput for a required one that is missing."""
    values = {}
    for field in asked:
        value = given.get(field.name, "").strip()
        if not value and field.required:
            raise BadInput(field.name, "nothing", f"a {field.kind}: the contract requires it")
        if value and field.choices and value not in field.choices:
            raise BadInput(field.name, value, " or ".join(field.choices))
        if value:
            values[field.name] = value
    return values


def verdict(result: ActionResult) -> str:
    """What came of it, in a sentence; a test that answers 200 and failed says so."""
    answered = f"HTTP {result.status}" if result.status is not None else "no answer"
    if result.success:
        return f"It worked ({answered})."
    if result.status is not None and result.status < 400:
        return f"It failed, although the answer is {answered}: the body says success: false."
    return f"It failed ({answered})."


def steps_table(result: ActionResult) -> dict[str, list[str]]:
    """The trace of a test as plain text: step, outcome, what it gave or why it failed."""
    rows = sorted(result.steps, key=lambda step: step.step)
    return {
        "step": [str(step.step) for step in rows],
        "what": [step.name or "–" for step in rows],
        "outcome": ["worked" if step.success else "failed" for step in rows],
        "result or error": [(step.error or step.result or "–") for step in rows],
    }
