"""Which kinds belong to which HTTP status, and the cases where a code says otherwise.

A code is closer to the cause than the status that it came with, so the code decides. Each pair of status and kind for
which that happens stands here with its reason; a test holds every declared code against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wfm.domain.diagnoses import Diagnosis, Kind

_REQUEST = frozenset(
    {Kind.VALIDATION, Kind.BAD_REQUEST_OTHER, Kind.CONTRACT_VIOLATION, Kind.TRANSLATION_FAILED, Kind.PAYLOAD_TOO_LARGE}
)
_REFUSAL = frozenset(
    {Kind.MISSING_SCOPE, Kind.MISSING_PERMISSION, Kind.MISSING_DIVISION, Kind.MISSING_LICENSE, Kind.FORBIDDEN_OTHER}
)
_ABSENCE = frozenset({Kind.NOT_FOUND_USER, Kind.NOT_FOUND_SCHEDULE, Kind.NOT_FOUND_OTHER})
_SIGN_IN = frozenset({Kind.UNAUTHENTICATED, Kind.INVALID_CLIENT, Kind.EXPIRED_TOKEN})
_SERVER = frozenset({Kind.SERVER_ERROR, Kind.UPSTREAM_UNAVAILABLE})

FAMILIES: Mapping[int, frozenset[Kind]] = {
    400: _REQUEST,
    401: _SIGN_IN,
    402: frozenset({Kind.MISSING_LICENSE}),
    403: _REFUSAL,
    404: _ABSENCE,
    405: frozenset({Kind.METHOD_NOT_ALLOWED}),
    406: frozenset({Kind.BAD_REQUEST_OTHER}),
    407: _SIGN_IN,
    408: frozenset({Kind.TIMEOUT}),
    409: frozenset({Kind.CONFLICT}),
    410: _ABSENCE,
    412: frozenset({Kind.CONFLICT}),
    413: frozenset({Kind.PAYLOAD_TOO_LARGE}),
    414: frozenset({Kind.PAYLOAD_TOO_LARGE}),
    415: frozenset({Kind.BAD_REQUEST_OTHER}),
    422: frozenset({Kind.VALIDATION, Kind.CONTRACT_VIOLATION}),
    423: frozenset({Kind.CONFLICT}),
    424: frozenset({Kind.UPSTREAM_UNAVAILABLE}),
    429: frozenset({Kind.RATE_LIMITED}),
    431: frozenset({Kind.PAYLOAD_TOO_LARGE}),
    500: frozenset({Kind.SERVER_ERROR}),
    501: frozenset({Kind.SERVER_ERROR}),
    502: _SERVER,
    503: _SERVER,
    504: frozenset({Kind.TIMEOUT}),
}
"""The kinds that a status means by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyException:
    """A kind outside the family of its status. `code` is a declared code that shows it."""

    status: int
    kind: Kind
    code: str
    reason: str


def _exception(status: int, kind: Kind, code: str, reason: str) -> FamilyException:
    return FamilyException(status=status, kind=kind, code=code, reason=reason)


EXCEPTIONS: tuple[FamilyException, ...] = (
    _exception(
        400, Kind.NOT_FOUND_USER, "wfm.entity.not.found", "The sentence says that an agent named in the body is not there."
    ),
    _exception(400, Kind.NOT_FOUND_OTHER, "queue.not.found", "Something named in the body, not in the path, is not there."),
    _exception(400, Kind.CONFLICT, "wfm.configuration.conflict", "The code says conflict: correcting a value does not help."),
    _exception(400, Kind.EXPIRED_TOKEN, "credentials.expired", "The credentials ran out; the request itself is right."),
    _exception(400, Kind.UNAUTHENTICATED, "invalid.credentials", "A sign-in failed: the integration's or a third party's."),
    _exception(400, Kind.FORBIDDEN_OTHER, "not.a.user", "The kind of token, or a block of the organization, refuses."),
    _exception(400, Kind.MISSING_PERMISSION, "missing.permissions", "The code names a right that is missing, not a value."),
    _exception(400, Kind.MISSING_LICENSE, "feature.not.enabled", "The feature is switched off; no value helps."),
    _exception(400, Kind.RATE_LIMITED, "invalid_request", "The sentence says rate limit, as the token server does with 400."),
    _exception(400, Kind.UPSTREAM_UNAVAILABLE, "bots.bot.circuit.open", "The service behind is down or too busy; it passes."),
    _exception(400, Kind.SERVER_ERROR, "internal.error", "The code says that the server failed."),
    _exception(
        404, Kind.TIMEOUT, "postino.error.request.timeout", "The code says that time ran out, not that nothing is there."
    ),
    _exception(405, Kind.MISSING_LICENSE, "architect.feature.unavailable", "The verb is right; the feature is switched off."),
    _exception(409, Kind.NOT_FOUND_OTHER, "integration.not.found", "Code and sentence both say that it is not there."),
    _exception(422, Kind.NOT_FOUND_OTHER, "schema.error.schema.not.found", "Code and sentence both say that it is not there."),
    _exception(
        500, Kind.NOT_FOUND_OTHER, "flows.datatables.table.not.found", "Code and sentence both say that it is not there."
    ),
    _exception(
        500, Kind.PAYLOAD_TOO_LARGE, "max.response.size.reached", "The answer would be too large; asking for less helps."
    ),
    _exception(422, Kind.CONFLICT, "term.already.exists", "The value is right and taken already."),
    _exception(500, Kind.TRANSLATION_FAILED, "invalid.substitution", "A template of the Data Action failed, not the server."),
    _exception(501, Kind.MISSING_LICENSE, "not.implemented", "The sentence says that a feature toggle is off."),
    _exception(503, Kind.FORBIDDEN_OTHER, "forbidden", "Code and sentence both refuse; the server is there."),
    _exception(501, Kind.FORBIDDEN_OTHER, "organization.forbidden", "The code says that the organization is refused."),
)


def in_family(status: int, kind: Kind) -> bool:
    """Whether a status by itself means this kind."""
    return kind in FAMILIES.get(status, frozenset())


def contradiction(diagnosis: Diagnosis) -> str:
    """A sentence where status and cause disagree ("HTTP 400, yet …"), else ""."""
    status = diagnosis.status
    if status is None or status not in FAMILIES or in_family(status, diagnosis.kind) or diagnosis.kind is Kind.UNPARSEABLE:
        return ""
    known = next((known for known in EXCEPTIONS if (known.status, known.kind) == (status, diagnosis.kind)), None)
    return f"The HTTP status {status} misleads: {known.reason if known else 'the inner error says otherwise.'}"
