"""An answer, read: every error that it holds, from the outside in, and which of them decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from wfm.payloads import correlation, statuses
from wfm.payloads.error_envelopes import ErrorEnvelope
from wfm.payloads.names import Names, find_names
from wfm.payloads.progress import FAILED

_CALLERS = frozenset({"invalid.token", "invalid.grant", "invalid.client", "invalid.scope", "insufficient.scope"})
"""Codes of OAuth that lay the fault on the caller, whatever the status."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[\s_\-./:#]+")
_CALL = re.compile(
    r"\b(GET|HEAD|POST|PUT|PATCH|DELETE)\b[\s\"':=]{1,4}(?:https?://[^\s/\"']{1,200})?(/[^\s\"'<>\\,;)\]]{2,300})"
)
_PATH = re.compile(r"(?:https?://[^\s/\"']{1,200})?(/api/v\d/[^\s\"'<>\\,;)\]]{2,300})")


class Form(StrEnum):
    """What a body was read as. The value is shown."""

    EMPTY = "nothing"
    JSON = "JSON"
    TEXT = "plain text"
    PAGE = "an HTML page"
    XML = "XML"
    TRUNCATED = "JSON that is cut off or broken"
    OVERSIZE = "text: it is too long or too deep to be taken apart"


@dataclass(frozen=True, kw_only=True)
class ParsedResponse:
    """An answer, read. `status` is the HTTP status given (None where unknown); `text` is bounded and cleaned."""

    form: Form
    status: int | None
    headers: Mapping[str, str]
    envelopes: tuple[ErrorEnvelope, ...]
    text: str

    @property
    def tells_outcome(self) -> bool:
        """Whether the answer says how a request ended; a thing of the platform, or how far a job came, is no answer."""
        return any(
            one.says_something or one.status or one.details or one.params or one.state in FAILED for one in self.envelopes
        )

    @cached_property
    def category(self) -> str:
        """The class of a Data Action failure, details[].errorCode such as ACTION.REMOTE_ENDPOINT (observed)."""
        for envelope in self.envelopes:
            for detail in envelope.details:
                if envelope.level == 0 and detail.code.upper().startswith("ACTION."):
                    return detail.code.upper()
        return ""

    @cached_property
    def level(self) -> int:
        """Which body decides: the innermost that says something, but the outer one when its own sign-in failed."""
        if self.category == "ACTION.AUTHENTICATION":
            return 0
        return max((envelope.level for envelope in self.envelopes if envelope.says_something), default=0)

    @cached_property
    def deciding_body(self) -> list[ErrorEnvelope]:
        """The errors of the body that decides, outermost first."""
        return [envelope for envelope in self.envelopes if envelope.level == self.level]

    @cached_property
    def deciding(self) -> ErrorEnvelope:
        """The error that decides the kind: of the deciding body, the first with a code, else the first with words."""
        here = self.deciding_body
        # What a function was answered says more than its own report.
        by_code = next((envelope for envelope in sorted(here, key=lambda one: one.is_function) if envelope.code), None)
        by_words = next((envelope for envelope in here if envelope.message), None)
        return by_code or by_words or (here[0] if here else ErrorEnvelope(place="nothing"))

    @cached_property
    def inner_text(self) -> str:
        """Everything that the deciding body says, the deciding error first."""
        here = [self.deciding, *self.deciding_body]
        messages = dict.fromkeys(envelope.message for envelope in here if envelope.message)
        if self.form is Form.OVERSIZE or (self.form is Form.TRUNCATED and not messages):
            messages[self.text] = None
        return "\n".join(messages)[:8_000]

    @cached_property
    def outer_text(self) -> str:
        """Everything that the bodies around the deciding one say."""
        return "\n".join(dict.fromkeys(envelope.message for envelope in self.envelopes if envelope.level < self.level))[:8_000]

    @cached_property
    def words(self) -> str:
        """The deciding code as dotted lower-case words: INVALID_CREDENTIALS, invalid.credentials → invalid.credentials."""
        return dotted(self.deciding.code or "")

    @cached_property
    def header_words(self) -> str:
        """The type that an AWS gateway puts into a header, in the same form."""
        return dotted(self.headers.get("x-amzn-errortype", "").split(":")[0])

    @cached_property
    def own_status(self) -> int | None:
        """The status that the deciding body states itself."""
        here = [self.deciding, *self.deciding_body]
        stated = next((envelope.status for envelope in here if envelope.status and envelope.status >= 400), None)
        upstream = statuses.of_remote(self.inner_text) if self.category and self.level == 0 else None
        if stated == 500 and (self.deciding.code or "Error").endswith(("Error", "Exception")):
            upstream = upstream or statuses.status_in(self.deciding.message)  # a program's own 500 around what it was answered
        return upstream or stated

    @cached_property
    def firm_status(self) -> int | None:
        """The status as far as it is sure: a wrapper's 400 or 500 says nothing of the body inside it, and 500 says nothing
        beside a SOAP fault or a code that lays the fault on the caller."""
        status = self.effective_status
        inside = self.level > 0 and self.own_status is None and status in (400, 500)
        inside = inside or (status == 400 and self.level == 0 and self.category == "ACTION.REMOTE_ENDPOINT")
        misleads = inside or (status == 500 and (self.form is Form.XML or self.words in _CALLERS))
        return None if misleads else status

    @cached_property
    def effective_status(self) -> int | None:
        """The status that counts: the deciding body's own, since a wrapper's may mislead; else the HTTP status."""
        if self.own_status is not None:
            return self.own_status
        if self.status is not None and self.status >= 300:
            return self.status
        named = next((envelope.status for envelope in self.envelopes if envelope.status), None)
        if (named or 0) < 400 and self.form in (Form.JSON, Form.TRUNCATED, Form.TEXT):
            named = statuses.status_in(self.deciding.message) or named  # "Request failed with status code 403"
        return named or statuses.of_phrase(self.deciding.message) or self.status

    @cached_property
    def correlation_id(self) -> str | None:
        """The id to quote: a body's contextId or correlationId (outermost first), one in brackets, the header,
        else one that the text names."""
        for envelope in self.envelopes:
            if envelope.correlation_id:
                return envelope.correlation_id
        for envelope in self.envelopes:
            found = correlation.trailing_id(envelope.message)
            if found:
                return found
        if self.form in (Form.TEXT, Form.TRUNCATED, Form.OVERSIZE, Form.PAGE):
            found = correlation.trailing_id(self.text) or correlation.named_id(self.text)
            if found:
                return found
        texts = (self.text, *(envelope.message for envelope in self.envelopes))
        return correlation.in_headers(self.headers) or next(filter(None, map(correlation.named_id, texts)), None)

    @cached_property
    def names(self) -> Names:
        """Permissions, scopes, licences and divisions named by the deciding body."""
        params = tuple(pair for envelope in self.deciding_body for pair in envelope.params)
        details = [detail for envelope in self.deciding_body for detail in envelope.details]
        params += tuple(("field", name) for one in details for name in (one.field, one.entity_name) if ":" in name)
        params += tuple(
            ("division", one.entity_id) for one in details if "division" in f"{one.field} {one.entity_name}".casefold()
        )
        found = find_names(self.inner_text, params, self.correlation_id, of_scopes="scope" in self.words)
        if not self.deciding.truncated:
            return found
        # Where a text breaks off, its last word may be half a name.
        ends = (*(envelope.message for envelope in self.envelopes if envelope.truncated), self.text.rstrip("\\"))
        whole = tuple(name for name in found.permissions if not any(end.endswith(name) for end in ends))
        scopes = tuple(name for name in found.scopes if not any(end.endswith(name) for end in ends))
        return replace(found, permissions=whole, scopes=scopes)

    @cached_property
    def call(self) -> str | None:
        """The request that the answer itself names, "VERB /path", where it does."""
        for envelope in self.envelopes:
            if envelope.path.startswith(("/", "http")):
                found = _PATH.search(envelope.path)
                path = found.group(1) if found else envelope.path
                return f"{envelope.method} {path}".strip()
        if call := call_in(self.text):
            return call
        found = _PATH.search(self.text) if "/api/v" in self.text else None
        return found.group(1) if found else None


def dotted(code: str) -> str:
    """A machine code in any spelling as dotted lower-case words; of a URI or an AWS type the last part."""
    code = code.rsplit("/", 1)[-1] if "://" in code else code.rpartition("#")[2] or code
    words = _SEPARATORS.sub(".", _CAMEL.sub(".", code)).casefold().strip(".")
    return words.removesuffix(".exception") or words


def call_in(text: str) -> str | None:
    """Return the first call that a text names with its verb, "VERB /path"."""
    found = _CALL.search(text) if "/" in text else None
    return f"{found.group(1)} {found.group(2)}" if found else None
