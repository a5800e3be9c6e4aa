"""What an error payload means, as values. The rules that find it out live in wfm/diagnosis."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wfm.domain.plans import LaneName, LaneVerdict

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SPELLING = re.compile(r"[\s_\-.]+")
_HOST = re.compile(r"https?://[^/\s]+")
_PARAMETER = re.compile(r"/(?:\{[^{}/]*\}|\$\{[^{}/]*\}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\d+|custom_[^/]+)(?=/|$)")


def nameless(call: str) -> str:
    """ "VERB /path" without host, query, ids and names of parameters."""
    path = _HOST.sub("", call).partition("?")[0].rstrip("/")
    return _PARAMETER.sub("/{}", _PARAMETER.sub("/{}", path))


class Kind(StrEnum):
    UNAUTHENTICATED = "unauthenticated"
    INVALID_CLIENT = "invalid_client"
    EXPIRED_TOKEN = "expired_token"
    MISSING_SCOPE = "missing_scope"
    MISSING_PERMISSION = "missing_permission"
    MISSING_DIVISION = "missing_division"
    MISSING_LICENSE = "missing_license"
    FORBIDDEN_OTHER = "forbidden_other"
    NOT_FOUND_USER = "not_found_user"
    NOT_FOUND_SCHEDULE = "not_found_schedule"
    NOT_FOUND_OTHER = "not_found_other"
    VALIDATION = "validation"
    CONTRACT_VIOLATION = "contract_violation"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    SERVER_ERROR = "server_error"
    TRANSLATION_FAILED = "translation_failed"
    UNPARSEABLE = "unparseable"
    BAD_REQUEST_OTHER = "bad_request_other"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    METHOD_NOT_ALLOWED = "method_not_allowed"

    @property
    def words(self) -> str:
        """The kind as people read it: "missing scope", "schedule not found"."""
        return _KIND_WORDS.get(self.value, self.value.replace("_", " "))


_KIND_WORDS = {
    "not_found_user": "user not found",
    "not_found_schedule": "schedule not found",
    "not_found_other": "not found",
    "forbidden_other": "forbidden",
    "bad_request_other": "bad request",
}


class Provenance(StrEnum):
    """Where a statement about Genesys comes from."""

    PUBLISHED = "published"
    OBSERVED = "observed"
    BRIEF = "brief"


class Confidence(StrEnum):
    CERTAIN = "certain"
    LIKELY = "likely"
    GUESS = "guess"


GRANT = "CLIENT-CREDENTIALS"
"""The grant with which the desk itself calls the platform; it knows no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known around a payload, to diagnose it better than its text alone allows.

    `call` is "VERB /path/template" where known; `held_scopes` is None where unknown. `reads_ok` and `writes_ok` are
    how many of each have worked with this client (None where not counted). `fault` says why no answer came
    (Exchange.fault), "" where one did. `behind` is the request that a Data Action itself makes, "VERB /path/template":
    when that one was refused, it and not `call` decides.
    """

    call: str | None = None
    via: str = "direct"
    client_name: str | None = None
    grant_type: str | None = None
    held_scopes: tuple[str, ...] | None = None
    reads_ok: int | None = None
    writes_ok: int | None = None
    fault: str = ""
    behind: str | None = None


NO_FAILURES = frozenset({"nothing-failed", "still-processing"})
"""Keys of the rules for answers of a success."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """An error payload, read.

    `missing` are permissions or scopes named or inferred (in the order found); `chain` are the wrapped errors from
    the outside in, one short line each; `rule` is the key of the rule that matched, whose page is docs/errors/.
    `cause`, `confirm`, `fix` and `who` are sentences for people; `retryable` means the same request, unchanged, may
    work later.
    """

    kind: Kind
    status: int | None
    code: str | None
    message: str
    missing: tuple[str, ...]
    divisions: tuple[str, ...]
    correlation_id: str | None
    retryable: bool
    entity: str | None
    chain: tuple[str, ...]
    rule: str
    confidence: Confidence
    provenance: Provenance
    cause: str
    confirm: str
    fix: str
    who: str

    @property
    def nothing_failed(self) -> bool:
        """Whether the answer is that of a success, so that there is no error to explain."""
        return self.rule in NO_FAILURES

    @property
    def what(self) -> str:
        """What it is, as people read it: "missing scope", "no error"."""
        return "no error" if self.nothing_failed else self.kind.words

    def summary(self) -> str:
        """The cause in one line, with the names that are missing unless the cause says them already."""
        return in_one_line(self.cause, self.missing)

    def fingerprint(self, call: str | None) -> str:
        """Groups the runs that failed for the same reason: kind, code, operation template, missing names.

        Ids in a concrete path, its host and its query don't count, nor how a code is spelt, nor the order of the names.
        A division that a right does not reach is a missing name too: granting it is another change.
        """
        code = _SPELLING.sub(".", _CAMEL.sub(".", self.code or "")).casefold().strip(".")
        where = self.divisions if self.kind is Kind.MISSING_DIVISION else ()
        parts = "\x1f".join([self.kind, code, nameless(call or ""), *sorted({*self.missing, *where})])
        return hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:16]


def in_one_line(cause: str, missing: tuple[str, ...]) -> str:
    """A cause with the names that are missing unless it says them already."""
    unsaid = [name for name in missing if name not in cause]
    return f"{cause} Missing: {', '.join(unsaid)}." if unsaid else cause


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePage:
    """What is to be known of one cause, under the fixed headings; docs/errors/ and the panels are made from it.

    `provenance` says where the knowledge comes from, `retry` whether the same request may work later. `variants` are
    the causes and fixes of particular cases. `example` is a payload (its raw text) that this rule explains,
    `example_status` its HTTP status, `example_call` the request where that matters.
    """

    key: str
    kind: Kind
    title: str
    means: str
    confirm: str
    fix: str
    who_can: str
    provenance: str
    retry: str
    example: str
    example_status: int | None
    example_call: str = ""
    variants: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownName:
    """A path, scope or permission in a pasted text that no catalogue holds. `what` says which of the three.

    `nearest` is the known one that resembles it most ("" where none does); `sentence` says both to a person.
    """

    what: str
    given: str
    nearest: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A pasted text, explained: the fields found in it (name, value), what it means, and names that exist nowhere.

    `form` says what the text was read as ("JSON", "plain text", "HTML page", …). `others` are further failures in the
    same text, each cause once. `lanes` is the four-lane verdict where the failure is a refusal, else empty.
    """

    form: str
    fields: tuple[tuple[str, str], ...]
    call: str | None
    diagnosis: Diagnosis
    page: RulePage
    unknown: tuple[UnknownName, ...]
    others: tuple[Diagnosis, ...] = ()
    lanes: Mapping[LaneName, LaneVerdict] = field(default_factory=dict)
