"""Errors between the desk and the tenant. One tree; every error carries its evidence.

GenesysError                 has call, status, code, message, correlation_id, exchanges, headers, body
├── Refused4xx               the tenant understood and said no
│   ├── BadRequest           400, 405, 413 and other 4xx: the request itself is wrong
│   ├── Unauthenticated      401, also with a fresh token
│   │   └── AuthenticationFailed   the token endpoint refused the client's id or secret
│   ├── Forbidden            403: scope, permission, division or licence
│   ├── ResourceNotFound     404
│   ├── Conflict             409: re-read before trying again
│   └── RateLimited          429, longer than the caller's patience
├── ServerFault              5xx of a read, 503 of a write, 408: nothing was accepted
├── ConnectionProblem        no answer; the request was not sent, or it was a read
│   └── TimedOut             the same, by time-out
├── BadAnswer                an answer that can't be read as what it should be
├── OutcomeUnknown           a write was sent and no clear answer came: read back before sending again
├── BudgetTimeout            no permit of the shared request budget in time; nothing was sent
└── Cancelled                the caller gave up waiting for a permit; nothing was sent

`str(error)` is a sentence for people. Bodies and headers are redacted before they get here; no error refers to the
HTTP library's own exception, whose request holds the token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Self

from wfm.domain.errors import DeskError
from wfm.domain.operations import Exchange
from wfm.domain.redaction import redact_text
from wfm.domain.text import echoed

TOKEN_CALL = "POST /oauth/token"
"""The call of errors that happened on the way to a token."""


class GenesysError(DeskError):
    """Something between the desk and the tenant failed.

    `call` is the catalogue key ("PATCH /api/v2/…"), `status` None when no answer came, `code` the platform's machine
    code, `correlation_id` what Genesys support asks for. `exchanges` are all attempts, the last one last. `headers`
    and `body` are of the last answer, redacted. `read` names the bulk read it broke ("schedules"), "" otherwise.
    """

    happened = "{call} failed{detail}."

    def __init__(
        self,
        call: str,
        *,
        status: int | None = None,
        code: str | None = None,
        message: str = "",
        correlation_id: str | None = None,
        exchanges: tuple[Exchange, ...] = (),
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        retry_after: float | None = None,
        read: str = "",
    ) -> None:
        self.call = call
        self.status = status
        self.code = code
        self.message = message
        self.correlation_id = correlation_id
        self.exchanges = exchanges
        self.headers: Mapping[str, str] = dict(headers or {})
        self.body = body
        self.retry_after = retry_after
        self.read = read
        super().__init__(call, message)

    def __str__(self) -> str:
        facts = " ".join(str(part) for part in (self.status, self.code) if part)
        detail = (f" ({facts})" if facts else "") + (f": {self.message.rstrip('. ')}" if self.message else "")
        sentence = self.happened.format(call=self.call, detail=detail)
        if self.read:
            sentence = f"Reading the {self.read} failed. {sentence}"
        if self.correlation_id:
            sentence = f"{sentence} Correlation id {self.correlation_id}."
        return echoed(redact_text(sentence))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(call={self.call!r}, status={self.status!r}, code={self.code!r})"

    @property
    def fault(self) -> str:
        """Why no answer came to the last attempt, "" where one did."""
        last = self.exchanges[-1] if self.exchanges else None
        return last.fault if last is not None and self.status is None else ""

    def at(self, read: str) -> Self:
        """Return this error with the bulk read that it broke."""
        self.read = self.read or read
        return self


class Refused4xx(GenesysError):
    happened = "The tenant refused {call}{detail}."


class BadRequest(Refused4xx):
    """400 and its like: the same request will be refused again."""

    happened = "The tenant could not use {call}{detail}."


class Unauthenticated(Refused4xx):
    """401, although a new token was fetched once."""

    happened = "The tenant did not accept the token for {call}{detail}."


class AuthenticationFailed(Unauthenticated):
    """The token endpoint refused the client: its id or secret is wrong, or it was switched off or deleted."""

    happened = (
        "The tenant did not accept the OAuth client{detail}. Check WFM_GENESYS_CLIENT_ID and WFM_GENESYS_CLIENT_SECRET, "
        "that the region is the organization's own, and that the client is active and of grant type client credentials."
    )


class Forbidden(Refused4xx):
    """403."""


class ResourceNotFound(Refused4xx):
    """404: no such path, or no such agent, schedule or action; the platform does not say which."""

    happened = "The tenant does not find what {call} is about{detail}."


class Conflict(Refused4xx):
    """409: somebody else changed it, or an update is still running. Read again before writing."""


class RateLimited(Refused4xx):
    """429, and the caller's patience ran out. Nothing was accepted."""

    happened = "The tenant's rate limit refused {call}{detail}. Nothing was changed by it; try again in a minute."


class ServerFault(GenesysError):
    """The tenant failed. Nothing was accepted: for writes only 408 and 503 end here."""

    happened = "The tenant failed at {call}{detail}. Nothing was changed by it; the fault is the tenant's and may pass."


class ConnectionProblem(GenesysError):
    """No answer came. A write that ends here was not sent."""

    happened = "The tenant can't be reached for {call}{detail}. Nothing was changed by it."


class TimedOut(ConnectionProblem):
    """No connection in time, or no answer in time to a read."""

    happened = "The tenant did not answer {call} in time{detail}. Nothing was changed by it."


class BadAnswer(GenesysError):
    """A 2xx whose body is not what the call promises."""

    happened = "The tenant's answer to {call} can't be read{detail}."


class OutcomeUnknown(GenesysError):
    """A write was sent and may or may not have taken effect. Never resent blindly: it is read back first.

    `status` is None when no answer came, else 500, 502 or 504.
    """

    happened = "{call} was sent, but whether it took effect is unknown{detail}. It is read back before it is sent again."


class BudgetTimeout(GenesysError):
    """The shared request budget had no permit in time. Nothing was sent."""

    happened = "The request budget had no room for {call} in time{detail}. Nothing was sent; it will fit into a later minute."


class Cancelled(GenesysError):
    """The wait for a permit was cancelled. Nothing was sent."""

    happened = "{call} was given up before it was sent{detail}."


_BY_STATUS: Mapping[int, type[GenesysError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: ResourceNotFound,
    408: ServerFault,
    409: Conflict,
    429: RateLimited,
}

NOT_DONE = frozenset({501, 503, 505})
"""Server faults after which nothing was done: not implemented, takes no work now (RFC 9110, 15.6.4), wrong protocol.

The others leave a write unknown: 500 may be a fault in the middle of it, 502 and 504 a gateway that lost it.
"""


def class_for(status: int, *, reads: bool) -> type[GenesysError]:
    """Return the error class of an HTTP status that is not a success."""
    if status >= 500:
        return ServerFault if reads or status in NOT_DONE else OutcomeUnknown
    return _BY_STATUS.get(status, BadRequest)


def parse_body(text: str | None) -> tuple[str | None, str, str | None]:
    """Return (code, message, correlation id) of an error body, as far as its outer layer has them.

    Knows the platform's ErrorBody, the older errorCode/userMessage form, the OAuth form (RFC 6749, 5.2) and the
    brief's two keys. What a payload means in depth is the diagnosis' work. Never raises.
    """
    try:
        body = json.loads(text or "")
    except (ValueError, RecursionError):
        return None, "", None
    if not isinstance(body, dict):
        return None, "", None

    def first(*names: str) -> str | None:
        for name in names:
            value = body.get(name)
            if isinstance(value, str) and value.strip():
                return value.strip()[:500]
        return None

    message = first("message", "userMessage", "error_description", "description") or ""
    return first("code", "errorCode", "error"), redact_text(message), first("contextId", "correlationId")
