"""The case that a rule looks at, and what several rules ask of it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from wfm import catalogue
from wfm.catalogue import PlatformOperation
from wfm.domain.diagnoses import Evidence
from wfm.payloads.correlation import UUID, without_trailing_id
from wfm.payloads.parsed_response import ParsedResponse
from wfm.payloads.statuses import only_repeats

EXECUTE = re.compile(r"/integrations/actions/[^/]+(?:/draft)?/(?:execute|test)\b")
_URL = re.compile(r"https?://[^\s\"'<>\\)\]]{4,300}")
_TOKEN_PATH = re.compile(r"/oauth/(?:v\d/)?(?:token|authorize)\b|/oauth2?/v?[\d.]*/?token\b")
_ADDRESS = re.compile(r"https?://([\w.-]{3,100})(?::\d{1,5})?([^\s\"'<>]{0,300})")
_CALLED = re.compile(  # an address that was called, not one of a manual: "for url: …", "PATCH https://…", "endpoint = …"
    r"(?:\bfor url:? |\b[45]\d\d\b[^\n/]{0,24} (?:for|from) |\bcall to |\b(?:ur[li]|endpoint)[\"']?\s?[:=]\s?[\"'(]*"
    r"|\b(?:GET|HEAD|POST|PUT|PATCH|DELETE)\]?\b[^\n/]{0,20}?[\"'`\[ ])" + _ADDRESS.pattern
)
PLATFORM_HOST = re.compile(r"(?:pure\.?cloud|genesys|inin)|^localhost$|^127\.", re.IGNORECASE)
_API_PATH = re.compile(r"/api/v2/([\w-]{2,60})")
PROSE = frozenset({"text", "page"})
"""Places whose message is a whole text, in which anything may stand."""
MAX_SAID = 160
"""A longer sentence is not repeated whole in a cause."""
_SENTENCE_END = re.compile(r"\n|[.!?](?=\s|$)|--->")
BRIEF_PATH = re.compile(r"^(?:https?://[^/]+)?/api/v2/wfm/")


def _foreign(found: re.Match[str]) -> str:
    host, path = found.groups()
    return "" if PLATFORM_HOST.search(host) or names_platform_path(path) else host


@cache
def _areas() -> frozenset[str]:
    return frozenset(path.split("/")[3] for path in catalogue.published_paths() if path.count("/") > 2) | {"wfm"}


def names_platform_path(text: str) -> bool:
    """Whether a text names a path of the platform; other vendors, as Zendesk, have an /api/v2/ too."""
    return any(area in _areas() for area in _API_PATH.findall(text))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A reading with the evidence around it: everything that a rule may look at."""

    response: ParsedResponse
    evidence: Evidence

    @cached_property
    def call(self) -> str | None:
        """The request that failed, "VERB /path". Behind a Data Action the upstream call, where anything names it."""
        given = self.evidence.call
        if given and not EXECUTE.search(given):
            return given
        named = self.response.call
        return named if named and not EXECUTE.search(named) else given

    @cached_property
    def operation(self) -> PlatformOperation | None:
        """The known operation behind `call`, published or the brief's."""
        if not self.call:
            return None
        verb, _, path = self.call.partition(" ")
        return catalogue.match(verb, path) if path else None

    @cached_property
    def is_brief(self) -> bool:
        """Whether the call is one of the brief's paths, which no published catalogue holds."""
        path = (self.call or "").rpartition(" ")[2]
        return bool(BRIEF_PATH.match(path))

    @cached_property
    def behind_action(self) -> bool:
        """Whether a Data Action made the request: by the call, the way it was made, or the class of its failure."""
        call = self.evidence.call or ""
        return self.evidence.via == "data_action" or bool(EXECUTE.search(call)) or self.response.category != ""

    @cached_property
    def url(self) -> str:
        """The address that was called, as far as it is known: the first one of the call, the answer or the text; else ""."""
        for text in (self.evidence.call or "", *(layer.path for layer in self.response.envelopes), self.response.text):
            if found := _URL.search(text):
                return found.group()
        return ""

    @cached_property
    def elsewhere(self) -> str:
        """The host that was called where it is none of the platform's and no gateway to it; else ""."""
        for text in (self.evidence.call or "", *(layer.path for layer in self.response.envelopes)):
            if found := _ADDRESS.match(text.rpartition(" ")[2]):
                return _foreign(found)
        found = _CALLED.search(self.response.text)
        return _foreign(found) if found else ""

    @cached_property
    def of_token_server(self) -> bool:
        """Whether a token was asked for."""
        return self.evidence.via == "oauth" or bool(_TOKEN_PATH.search(self.evidence.call or self.url))

    @cached_property
    def status(self) -> int | None:
        return self.response.effective_status

    @cached_property
    def text(self) -> str:
        return self.response.inner_text

    @property
    def client(self) -> str:
        """How a sentence calls the OAuth client."""
        name = self.evidence.client_name
        if name:
            return f"the OAuth client {name}"
        behind = self.evidence.behind is not None and self.evidence.call == self.evidence.behind
        return "the OAuth client in the credentials of the Data Action's integration" if behind else "the OAuth client"


def pattern(*alternatives: str) -> re.Pattern[str]:
    """One pattern out of several, any case. Every repetition in them is bounded, so that matching stays linear."""
    return re.compile("|".join(alternatives), re.IGNORECASE)


_SAYS_NOTHING = pattern(
    r"could not be understood by the server|\bunexpected condition which prevented|\bconflicts? with the current state\b",
    r"\bnot authorized to perform the requested action|\brequest to backend service failed\b",
    r"\bREST call for action execute failed\b|</",
)


_OF_ONE_REQUEST = re.compile(
    rf"{UUID}|[\w.+-]{{1,64}}@[\w.-]{{1,255}}|\b\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*Z?"
    r"|\b(?=\w*\d)[0-9a-fA-F]{12,}\b|\b\d{6,}\b"
)
"""Ids, addresses and times."""


def said(case: Case, telling: re.Pattern[str] | None = None) -> Mapping[str, str]:
    """What the deciding body says besides its status, as the value "said", behind a colon; of prose the sentence that
    `telling` or the code is found in. Empty where nothing is said.

    Ids, addresses and times are left out: one cause stands for many runs."""
    body = (layer for layer in case.response.deciding_body if layer.place not in PROSE)
    inner = (text for layer in body for text in (layer.message, *(detail.message for detail in layer.details)))
    messages = dict.fromkeys(
        " ".join(without_trailing_id(text).split()).rstrip(".: ") for text in (case.response.deciding.message, *inner)
    )
    short = [text for text in messages if len(text) <= MAX_SAID and " " in text and not only_repeats(text)]
    if not short and case.response.deciding.place not in PROSE:
        short = [
            textwrap.shorten(text, MAX_SAID, placeholder=" …") for text in messages if " " in text and not only_repeats(text)
        ]
    elif not short and telling is not None:
        named = re.search(re.escape(case.response.deciding.code or "\n"), case.text)
        short = [_sentence_around(case.text, found)] if (found := telling.search(case.text) or named) else []
    told = "; ".join(text for text in short[:3] if not _SAYS_NOTHING.search(text))
    return {"said": f": {_OF_ONE_REQUEST.sub('…', told)}"} if told else {}


def _sentence_around(text: str, found: re.Match[str]) -> str:
    """The sentence in which something was found, or as much of it as a cause may repeat."""
    begin = max((end.end() for end in _SENTENCE_END.finditer(text, 0, found.start())), default=0)
    behind = _SENTENCE_END.search(text, found.end())
    return text[max(begin, found.start() - MAX_SAID // 2) : behind.start() if behind else None][:MAX_SAID].strip()


def reads_work_writes_fail(evidence: Evidence) -> str:
    """The sentence for it, when the ledger has counted it so; else ""."""
    if evidence.reads_ok and evidence.writes_ok == 0:
        reads = "1 read" if evidence.reads_ok == 1 else f"{evidence.reads_ok:,} reads"
        return f"Reads work, writes fail: {reads} worked with this client, no write did."
    return ""


def permissions(case: Case) -> tuple[str, ...]:
    return case.response.names.permissions


def scopes(case: Case) -> tuple[str, ...]:
    found = case.response.names.scopes
    return found or case.response.names.permissions


def licences(case: Case) -> tuple[str, ...]:
    return case.response.names.licences
