"""The known facts of the platform, as data: operations, scopes, permissions, with provenance and source.

Published operations come from the public Genesys OpenAPI (published.json); the brief's operations, which are in no
published catalogue, stand below. Knows only wfm.domain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files

from wfm.catalogue.published_names import (
    nearest_path,
    published_path,
    published_paths,
    published_permissions,
    published_scopes,
)
from wfm.catalogue.similar_names import nearest_name
from wfm.domain.diagnoses import Provenance

__all__ = [
    "BRIEF_OPERATIONS",
    "BRIEF_SCOPES",
    "BRIEF_SOURCE",
    "GET_ADHERENCE",
    "GET_AVAILABILITY",
    "GET_SCHEDULE",
    "PATCH_ADHERENCE",
    "PATCH_ADHERENCE_CURRENT",
    "PATCH_AVAILABILITY",
    "PUBLISHED_SOURCE",
    "PlatformOperation",
    "known_permissions",
    "known_scopes",
    "match",
    "nearest",
    "nearest_name",
    "nearest_path",
    "operation",
    "operations",
    "published_path",
    "published_paths",
    "published_permissions",
    "published_scopes",
]

BRIEF_SOURCE = "the brief: a forum thread; not in Genesys's published catalogue"
PUBLISHED_SOURCE = "Genesys public OpenAPI (/api/v2/docs/swagger)"

BRIEF_SCOPES = ("wfm:schedule:read", "wfm:schedule:write", "wfm:schedule:update")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformOperation:
    """One call of the platform. `path` is a template with {names}. Having any one of `scopes` is enough.

    `any_or_all` says how `permissions` combine ("" where none is declared). `errors` are (status, code) declared for
    it. `key` is "VERB /path/template".
    """

    verb: str
    path: str
    scopes: tuple[str, ...]
    permissions: tuple[str, ...]
    any_or_all: str
    provenance: Provenance
    source: str
    errors: tuple[tuple[int, str], ...] = ()

    @property
    def key(self) -> str:
        return f"{self.verb} {self.path}"

    @property
    def reads(self) -> bool:
        return self.verb in ("GET", "HEAD") or self.path.endswith(("/search", "/query"))

    def fill(self, **parameters: str) -> str:
        """Return the path with its parameters filled in, percent-encoded. Raises KeyError for one that is missing."""
        from urllib.parse import quote

        return re.sub(r"\{(\w+)\}", lambda found: quote(parameters[found.group(1)], safe=""), self.path)


def _brief(verb: str, path: str, scope: str) -> PlatformOperation:
    return PlatformOperation(
        verb=verb, path=path, scopes=(scope,), permissions=(), any_or_all="", provenance=Provenance.BRIEF, source=BRIEF_SOURCE
    )


GET_AVAILABILITY = _brief("GET", "/api/v2/wfm/users/{userId}/availability", "wfm:schedule:read")
PATCH_AVAILABILITY = _brief("PATCH", "/api/v2/wfm/users/{userId}/availability", "wfm:schedule:update")
GET_SCHEDULE = _brief("GET", "/api/v2/wfm/users/{userId}/schedule", "wfm:schedule:read")
GET_ADHERENCE = _brief("GET", "/api/v2/wfm/users/{userId}/schedule/adherence", "wfm:schedule:read")
PATCH_ADHERENCE_CURRENT = _brief("PATCH", "/api/v2/wfm/users/{userId}/schedule/adherence", "wfm:schedule:update")
PATCH_ADHERENCE = _brief("PATCH", "/api/v2/wfm/users/{userId}/schedule/adherence/{adherenceId}", "wfm:schedule:update")

BRIEF_OPERATIONS = (
    GET_AVAILABILITY,
    PATCH_AVAILABILITY,
    GET_SCHEDULE,
    GET_ADHERENCE,
    PATCH_ADHERENCE_CURRENT,
    PATCH_ADHERENCE,
)


@cache
def operations() -> Mapping[str, PlatformOperation]:
    """Every known operation by its key, "VERB /path/template"."""
    rows = json.loads(files(__package__).joinpath("published.json").read_text(encoding="utf-8"))
    published = (
        PlatformOperation(
            verb=row["verb"],
            path=row["path"],
            scopes=tuple(row["scopes"]),
            permissions=tuple(row["permissions"]),
            any_or_all=row["any_or_all"],
            provenance=Provenance.PUBLISHED,
            source=PUBLISHED_SOURCE,
            errors=tuple((error["status"], error["code"]) for error in row["errors"]),
        )
        for row in rows
    )
    return {operation.key: operation for operation in (*published, *BRIEF_OPERATIONS)}


def operation(key: str) -> PlatformOperation:
    """Return the operation of that key. Raises KeyError."""
    return operations()[key]


@cache
def _matchers() -> tuple[tuple[re.Pattern[str], PlatformOperation], ...]:
    def pattern(path: str) -> re.Pattern[str]:
        parts = re.split(r"(\{\w+\})", path)
        return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts) + "/?")

    # Literal segments outrank parameters: …/users/me before …/users/{userId}.
    ordered = sorted(operations().values(), key=lambda known: known.path.count("{"))
    return tuple((pattern(known.path), known) for known in ordered)


def match(verb: str, path: str) -> PlatformOperation | None:
    """Return the operation of a concrete or templated path (without host and query), or None."""
    path = re.sub(r"^https?://[^/]+", "", path).split("?", 1)[0]
    for pattern, known in _matchers():
        if known.verb == verb.upper() and (known.path == path or pattern.fullmatch(path)):
            return known
    return None


def nearest(path: str, among: Iterable[PlatformOperation] | None = None) -> PlatformOperation:
    """Return the published operation whose path resembles this one most."""
    pool = [known for known in (among or operations().values()) if known.provenance is Provenance.PUBLISHED]
    wanted = re.sub(r"\{\w+\}|[0-9a-f]{8}-[0-9a-f-]{27}", "{}", path)
    return max(pool, key=lambda known: SequenceMatcher(None, re.sub(r"\{\w+\}", "{}", known.path), wanted).ratio())


@cache
def known_scopes() -> frozenset[str]:
    """Return the scopes of the published catalogue (of the operations known here)."""
    return frozenset(
        scope for known in operations().values() if known.provenance is Provenance.PUBLISHED for scope in known.scopes
    )


@cache
def known_permissions() -> frozenset[str]:
    """Return the permissions of the published catalogue (of the operations known here)."""
    return frozenset(name for known in operations().values() for name in known.permissions)
