"""What handlers take and return: calls, answers, and the table that finds the handler of a path."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

from wfm.demo.problems import Json, Problem, bad_field, missing_in_division

if TYPE_CHECKING:
    from wfm.demo.clients import Token
    from wfm.demo.tenant import DemoTenant

MAX_BODY_BYTES = 512_000
"""Bytes a request body may have. Source: the platform limit request.bytes.max, as quoted in public code."""

_LISTS = frozenset({"id", "ids", "expand", "userId", "divisionId", "managementUnitIds"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response. `headers` are added to those that every response has."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def answer(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer."""
    return Answer(status, orjson.dumps(payload), headers or {})


@dataclass(frozen=True, slots=True)
class Rights:
    """Where the caller has what the call needs: `permissions` (any one or `every`) in these divisions, by id."""

    permissions: tuple[str, ...]
    every: bool
    divisions: frozenset[str]


@dataclass(slots=True)
class Call:
    """One request, read. `token` is None outside /api, `rights` where scopes decide. `params` are the path's parameters."""

    tenant: DemoTenant
    verb: str
    path: str
    raw_query: bytes
    headers: Mapping[str, str]
    body: bytes
    correlation_id: str
    base_url: str
    token: Token | None = None
    rights: Rights | None = None
    params: dict[str, str] = field(default_factory=dict)
    dispatch: Callable[[Call], Answer] | None = None
    """Answers a request that the handler makes itself, as the token of that request may; None within such a request."""
    _query: dict[str, list[str]] | None = None

    def allows(self, division_id: str) -> bool:
        """Return whether the caller has what the call needs in that division. Always, where scopes decide."""
        return self.rights is None or division_id in self.rights.divisions

    def require(self, division_id: str) -> None:
        """Raise Problem 403 unless the caller has what the call needs in that division."""
        if self.rights is not None and division_id not in self.rights.divisions:
            raise missing_in_division(self.rights.permissions, division_id)

    @property
    def query(self) -> dict[str, list[str]]:
        """Query parameters, all values. Lists come repeated or with commas, as the platform takes them."""
        if self._query is None:
            parsed = parse_qs(self.raw_query.decode("latin-1"), keep_blank_values=True)
            for name in _LISTS & parsed.keys():
                parsed[name] = [part for value in parsed[name] for part in value.split(",") if part]
            self._query = parsed
        return self._query

    def first(self, name: str, default: str = "") -> str:
        values = self.query.get(name)
        return values[0] if values else default

    def whole(self, name: str, lowest: int, highest: int, default: int) -> int:
        """Return a whole number from the query. Raises Problem 400."""
        given = self.first(name)
        if not given:
            return default
        try:
            value = int(given)
        except ValueError:
            raise bad_field(name, given, f"a whole number from {lowest} to {highest}") from None
        if not lowest <= value <= highest:
            raise bad_field(name, given, f"a whole number from {lowest} to {highest}")
        return value

    def json(self) -> Any:
        """Return the body as JSON. Raises Problem 400."""
        try:
            return orjson.loads(self.body or b"null")
        except orjson.JSONDecodeError:
            raise Problem(400, "bad.request", "The request body is not valid JSON.", field="body") from None

    def members(self) -> Json:
        """Return the body as a JSON object. Raises Problem 400."""
        value = self.json()
        if not isinstance(value, dict):
            raise Problem(400, "bad.request", "The request body must be a JSON object.", field="body")
        return value


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the table. `scopes`: having any one of them is enough; empty means that every client may.

    `brief` selects the dialect of errors. `denied` are code and message of the 403. A `heavy` handler reads only, and
    runs beside the event loop. `permissions`, any one of them, count where roles decide; None: those of the catalogue.
    """

    verb: str
    template: str
    handler: Handler
    scopes: tuple[str, ...] = ()
    brief: bool = False
    denied: tuple[str, str] = ("forbidden", "Insufficient permissions for resource access")
    heavy: bool = False
    permissions: tuple[str, ...] | None = None

    @property
    def writes(self) -> bool:
        return self.verb not in ("GET", "HEAD") and not self.template.endswith(("/search", "/query"))


class Table:
    """Finds the endpoint of a verb and a path. Literal segments outrank parameters."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._rows: dict[int, list[tuple[tuple[str, ...], Endpoint]]] = {}
        for endpoint in sorted(endpoints, key=lambda row: row.template.count("{")):
            segments = tuple(endpoint.template.strip("/").split("/"))
            self._rows.setdefault(len(segments), []).append((segments, endpoint))

    def find(self, verb: str, path: str) -> tuple[Endpoint, dict[str, str]] | frozenset[str]:
        """Return the endpoint and its path parameters, or the verbs that the path takes (none: unknown path).

        `path` comes decoded from the server.
        """
        parts = path.strip("/").split("/")
        verbs: set[str] = set()
        for segments, endpoint in self._rows.get(len(parts), ()):
            params: dict[str, str] = {}
            for segment, part in zip(segments, parts, strict=True):
                if segment.startswith("{"):
                    params[segment[1:-1]] = part
                elif segment != part:
                    break
            else:
                if endpoint.verb == verb:
                    return endpoint, params
                verbs.add(endpoint.verb)
        return frozenset(verbs)


def page_links(call: Call, number: int, size: int, total: int) -> Json:
    """Return the paging members of a published listing (SDK: UserEntityListing and its like)."""
    pages = max(1, -(-total // size))
    kept = "".join(
        f"&{name}={value}" for name, values in call.query.items() if name not in ("pageNumber", "pageSize") for value in values
    )

    def uri(page: int) -> str:
        return f"{call.path}?pageSize={size}&pageNumber={page}{kept}"

    links: Json = {
        "pageSize": size,
        "pageNumber": number,
        "total": total,
        "pageCount": pages if total else 0,
        "firstUri": uri(1),
        "lastUri": uri(pages),
        "selfUri": uri(number),
    }
    if number < pages:
        links["nextUri"] = uri(number + 1)
    if number > 1:
        links["previousUri"] = uri(min(number - 1, pages))
    return links


def is_id(value: str) -> bool:
    """Return whether this has the form of the platform's ids."""
    try:
        return bool(uuid.UUID(value))
    except ValueError:
        return False
