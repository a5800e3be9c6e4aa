"""Tables that are no CSV: HTML, JSON, Jira's and columns aligned by blanks, made the rows of one. No I/O."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html.parser import HTMLParser
from io import StringIO

_GAP = re.compile(r"\t| {2,}|\u3000+")
_MIN_ALIGNED = 0.8
_MAX_DEPTH = 4


def as_csv(text: str) -> str | None:
    """The table that a text is, as CSV with a row a line; None where it is none of these kinds."""
    start = text.lstrip()[:1]
    if start in ("[", "{"):
        rows = _json(text)
    elif text.lstrip().startswith("||"):
        rows = _jira(text)
    else:
        rows = (_html(text) if "<t" in text.casefold() else None) or _aligned(text)
    if rows is None:
        return None
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows([" ".join(cell.split()) for cell in row] for row in rows)
    return out.getvalue()


def _json(text: str) -> list[list[str]] | None:
    """Objects in an array, in a member of an object, or one a line. Members of members are columns (`agent.email`)."""
    try:
        found = _objects(json.loads(text))
    except (ValueError, RecursionError):
        try:
            found = _objects([json.loads(line) for line in text.splitlines() if line.strip()])
        except (ValueError, RecursionError):
            return None
    if not found:
        return None
    flat = [dict(_members(one)) for one in found]
    heads = list(dict.fromkeys(name for one in flat for name in one))
    return [heads, *([one.get(name, "") for name in heads] for one in flat)]


def _objects(value: object) -> list[Mapping[str, object]]:
    if isinstance(value, dict):
        inside = [one for member in value.values() if isinstance(member, list) and (one := _objects(member))]
        return max(inside, key=len) if inside else [value]
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return value
    return []


def _members(value: Mapping[str, object], before: str = "", depth: int = 0) -> Iterable[tuple[str, str]]:
    for name, member in value.items():
        if isinstance(member, dict) and depth < _MAX_DEPTH:
            yield from _members(member, f"{before}{name}.", depth + 1)
        elif isinstance(member, list):
            yield f"{before}{name}", "; ".join(one for one in member if isinstance(one, str))
        else:
            yield f"{before}{name}", "" if member is None else str(member)


class _Rows(HTMLParser):
    """The cells of the rows of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        self._in_cell = tag in ("td", "th") or (self._in_cell and tag != "tr")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th", "tr")

    def handle_data(self, data: str) -> None:
        if self._in_cell and self.rows and self.rows[-1]:
            self.rows[-1][-1] += f" {data}"


def _html(text: str) -> list[list[str]] | None:
    page = _Rows()
    page.feed(text)
    page.close()
    rows = [row for row in page.rows if row]
    return rows if any(len(row) > 1 for row in rows) else None


def _jira(text: str) -> list[list[str]]:
    """“||Agent||Lead||” above “|Kim Becker|Bo Lindqvist|”."""
    return [line.strip().replace("||", "|").strip("|").split("|") for line in text.splitlines() if line.strip()]


def _aligned(text: str) -> list[list[str]] | None:
    """Lines with as many gaps of two blanks or more in each, as mails and terminals show tables."""
    lines = [_GAP.split(line.strip()) for line in text.splitlines()]
    widths = Counter(len(cells) for cells in lines if any(cells))
    if "\t" in text or len(widths) == 0:
        return None
    wide, many = max(widths.items(), key=lambda one: (one[0] > 1, one[1]))
    return lines if wide > 1 and many > 1 and many >= sum(widths.values()) * _MIN_ALIGNED else None
