"""Correlation ids, in any spelling: the id by which Genesys support finds a request."""

from __future__ import annotations

import re
from collections.abc import Mapping

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

MAX_LINES = 40
"""In how many lines of a text an id is looked for at the end."""

_TRAILING = re.compile(rf"[\[(]({UUID})[\])]\s*[.\"'}}\]]*\s*$")
_OF_TERRAFORM = re.compile(rf"\bAPI Error: \d{{3}} [^\n]{{0,600}}?\(({UUID})\)")
_OF_A_THING = re.compile(
    r"\b(?:division|polic|user|agent|client|queue|team|schedule|unit|role|entity|resource|group|site|flow|skill|conversation"
    r"|participant|station|campaign|contact|list|integration|action|activity|plan|organization|member|account|employee|shift"
    r"|location|template|document|form|tenant)\w*(?:\(s\))?(?: ids?)?[\s:='\"]*$",
    re.IGNORECASE,
)
# Korrelations-ID, ID de corrélation, Id. de correlación, ID de correlação, correlatie-id: one word in many languages.
_WORD = r"[ck]orr?[eéè]la\w{2,8}"
_NAMED = re.compile(
    rf"(?:\bcontext[ _-]?id|\b(?:\w{{1,20}}[_-])?{_WORD}(?:[ _.\t-]?(?:id|identifier|kennung|uuid|code))?"
    r"|\b[ck]orr\.?[ _-]?id|相[関关] ?id|корреляц\w+)"
    r"\b(?: ?\([\w .]{1,20}\))?(?:\W{0,3}(?:is|was|ist|est|es|è)\b)?"
    rf"(?:[^\w\n]{{0,12}}({UUID}|[A-Za-z0-9][\w-]{{7,80}})|[^\w\n]{{0,6}}(?:\n[^\w\n]{{0,6}}){{1,2}}({UUID})\b)"
    rf"|\[cid[:=] ?({UUID})\]",
    re.IGNORECASE,
)
_HYPHENS = str.maketrans("‐‑‒–", "----")
_MEMBER = re.compile(r"(?:context|[ck]orrelations?)(?:id|identifier|uuid)")
_FIRST = ("inincorrelationid", "genesyscorrelationid", "xcorrelationid", "correlationid")


def trailing_id(text: str) -> str | None:
    """The correlation id in brackets at the end of a sentence: "… (c5fad4cb-…)" or "… [c5fad4cb-…]".

    Behind the name of a thing the id is that thing's ("user (7d0c…)"), but never where the provider of Terraform speaks.
    """
    if ")" not in text and "]" not in text:
        return None
    if not text.isascii():
        text = text.translate(_HYPHENS)
    if "API Error: " in text and (found := _OF_TERRAFORM.search(text)) is not None:
        return found.group(1)
    lines = text.splitlines()[:MAX_LINES] if "\n" in text else []
    for end in (text[-200:], *(line[-200:] for line in lines)):
        found = _TRAILING.search(end)
        if found is not None and ("API Error:" in text or not _OF_A_THING.search(end[: found.start()])):
            return found.group(1)
    return None


def without_trailing_id(text: str) -> str:
    """The text without an id in brackets at its end."""
    return _TRAILING.sub("", text)


def named_id(text: str) -> str | None:
    """A correlation id that a text names: "correlation id 5b2e…", "Korrelations-ID: 5b2e…"."""
    for found in _NAMED.finditer(text if text.isascii() else text.translate(_HYPHENS)):
        named: str = next(filter(None, found.groups()))
        if any(char.isdigit() for char in named):
            return named
    return None


def id_in(text: str) -> str | None:
    """A correlation id that a text names or ends with."""
    return named_id(text) or trailing_id(text)


def is_name(key: str) -> bool:
    """Whether a member, its name in small letters and digits only, holds a correlation id: "xcorrelationid"."""
    return len(key) < 40 and key.endswith(("id", "identifier", "uuid")) and bool(_MEMBER.search(key))


def in_headers(headers: Mapping[str, str]) -> str | None:
    """The correlation id among headers (names in small letters), the platform's own name first."""
    named = {key: value for name, value in headers.items() if value and is_name(key := "".join(filter(str.isalnum, name)))}
    return next((named[name] for name in _FIRST if name in named), next(iter(named.values()), None))
