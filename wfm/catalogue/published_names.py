"""Every name of the published API: paths with their verbs, permissions, scopes. They show what exists and what does not.

published_names.txt says where the names come from. published.json describes the operations that the desk uses; here are
only the names, but of the whole API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files

MAX_PATH = 300
"""Characters of a path that are compared."""

CLOSE = 25
"""Candidates that are compared letter by letter."""

ALIKE = 0.6
"""Minimum share of common letters of paths that resemble each other."""

_HOST = re.compile(r"^https?://[^/]+")
_PARAMETER = re.compile(r"\{\w*\}|\$\{[^}]*\}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\b\d{3,}\b")
_WORD = re.compile(r"[a-z]+")


@cache
def _sections() -> Mapping[str, tuple[str, ...]]:
    sections: dict[str, list[str]] = {}
    for line in files(__package__).joinpath("published_names.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            sections[line.strip("[]")] = []
        elif line and not line.startswith("#"):
            sections[next(reversed(sections))].append(line)
    return {name: tuple(lines) for name, lines in sections.items()}


@cache
def published_permissions() -> frozenset[str]:
    """Return every permission that an operation of the published API asks for."""
    return frozenset(_sections()["permissions"])


@cache
def published_scopes() -> frozenset[str]:
    """Return every OAuth scope that an operation of the published API lists."""
    return frozenset(_sections()["scopes"])


@cache
def published_paths() -> Mapping[str, frozenset[str]]:
    """Return every path template of the published API with the verbs that it takes."""
    rows = (line.split(" ") for line in _sections()["paths"])
    return {path: frozenset(verbs) for path, *verbs in rows}


_Tree = dict[str, "_Tree | str"]


@cache
def _tree() -> _Tree:
    """Return the templates by their segments; a parameter is "{}", the end of a path "" with the template as its value."""
    root: _Tree = {}
    for template in published_paths():
        here = root
        for segment in _segments(template):
            step = here.setdefault("{}" if segment.startswith("{") else segment, {})
            assert isinstance(step, dict)
            here = step
        here[""] = template
    return root


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/")


def published_path(path: str) -> str | None:
    """Return the template of a concrete or templated path (without host and query), or None."""
    plain = _HOST.sub("", path[:MAX_PATH]).partition("?")[0]
    places = [_tree()]
    for segment in _segments(plain):
        steps = [step for place in places for name in (segment, "{}") if segment and (step := place.get(name)) is not None]
        places = [step for step in steps if isinstance(step, dict)]
    return next((end for place in places if isinstance(end := place.get(""), str)), None)


def nearest_path(path: str, verb: str = "") -> str:
    """Return the published template that resembles this path most, "" where none does; with a verb, among those with it."""
    wanted = _shape(_HOST.sub("", path[:MAX_PATH]).partition("?")[0]).replace("wfm/", "workforcemanagement/")
    words = set(_WORD.findall(wanted))

    def common(template: str) -> tuple[float, int]:
        own = _words_of()[template]
        return len(own & words) / (len(own | words) or 1), -abs(template.count("/") - wanted.count("/"))

    pool = [template for template, verbs in published_paths().items() if not verb or verb in verbs] or list(published_paths())
    # Few templates share whole words with it, or none (typing errors): the letters of the likeliest decide.
    likely = sorted(pool, key=common, reverse=True)[:CLOSE]
    alike, best = max((SequenceMatcher(None, _shape(template), wanted).ratio(), template) for template in likely)
    return best if alike >= ALIKE else ""


@cache
def _words_of() -> Mapping[str, frozenset[str]]:
    return {template: frozenset(_WORD.findall(_shape(template))) for template in published_paths()}


def _shape(path: str) -> str:
    return _PARAMETER.sub("{}", path).casefold().rstrip("/").removeprefix("/api/v2/")
