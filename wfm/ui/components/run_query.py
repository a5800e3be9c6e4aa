"""The Runs screen's state as a URL, and back: filters, time range, cursor, opened run.

The URL is the only place where this state lives, so a reload, a shared link and the export route see the same thing.
What makes no sense is named in a sentence and left out; it never stops the page.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from wfm.domain.diagnoses import Kind
from wfm.domain.operations import Outcome, Phase, RunFilter, RunOrder
from wfm.domain.plans import RouteName
from wfm.domain.sentences import join_words
from wfm.domain.text import has_controls

PRESETS: Mapping[str, tuple[str, timedelta | None]] = {
    "1h": ("last hour", timedelta(hours=1)),
    "24h": ("last 24 hours", timedelta(hours=24)),
    "7d": ("last 7 days", timedelta(days=7)),
    "30d": ("last 30 days", timedelta(days=30)),
    "all": ("any time", None),
}
"""Time ranges by the word in the URL: what people read, and how far back (None: no bound)."""

YES_NO = {"yes": True, "no": False}
DEFAULT_PRESET = "24h"
EXACT = "exact"
MAX_TEXT = 200
_MAX_ID = 200
_MAX_CURSOR = 1_000


class Chart(StrEnum):
    """What the chart over time tells apart; the value is the word in the URL."""

    OUTCOMES = "outcomes"
    CAUSES = "causes"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """What the Runs screen shows. `preset` is a key of PRESETS or "exact": then `chosen` holds since and until."""

    preset: str = DEFAULT_PRESET
    chosen: RunFilter = field(default_factory=RunFilter)
    cursor: str | None = None
    run: str | None = None
    chart: Chart = Chart.OUTCOMES
    order: RunOrder = RunOrder.NEWEST

    def resolve(self, now: datetime) -> RunFilter:
        """The filter with its time range as instants; `now` is an aware UTC instant."""
        if self.preset == EXACT:
            return self.chosen
        back = PRESETS[self.preset][1]
        return replace(self.chosen, since=None if back is None else now - back, until=None)

    @property
    def narrowed(self) -> bool:
        """True when anything but the time range is filtered."""
        return replace(self.chosen, since=None, until=None) != RunFilter()


_E = TypeVar("_E", bound=StrEnum)


def _enum(kinds: type[_E]) -> Callable[[str], _E]:
    def parse(given: str) -> _E:
        try:
            return kinds(given)
        except ValueError:
            raise ValueError(join_words([kind.value for kind in kinds], "or")) from None

    return parse


def _status(given: str) -> int:
    if given.isascii() and given.isdigit() and 100 <= int(given) <= 599:
        return int(given)
    raise ValueError("an HTTP status from 100 to 599")


def _identifier(given: str) -> str:
    if len(given) <= _MAX_ID and given.isprintable():
        return given
    raise ValueError(f"up to {_MAX_ID} printable characters")


def _text(given: str) -> str:
    if len(given) <= MAX_TEXT and not has_controls(given):
        return given
    raise ValueError(f"up to {MAX_TEXT} characters, without control characters")


def _instant(given: str) -> datetime:
    try:
        # A "+" that nobody escaped arrives as a blank.
        value = datetime.fromisoformat(given.strip().replace(" ", "+") if given.count(" ") == 1 and "T" in given else given)
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("a date and time such as 2026-11-23T14:30Z") from None


def _yes_or_no(given: str) -> bool:
    if given in YES_NO:
        return YES_NO[given]
    raise ValueError("yes or no")


@dataclass(frozen=True, slots=True)
class _Param:
    name: str
    attribute: str
    parse: Callable[[str], object]


_PARAMS = (
    _Param("from", "since", _instant),
    _Param("to", "until", _instant),
    _Param("outcome", "outcome", _enum(Outcome)),
    _Param("cause", "kind", _enum(Kind)),
    _Param("route", "route", lambda given: _enum(RouteName)(given).value),
    _Param("action", "action", _identifier),
    _Param("operation", "operation_id", _identifier),
    _Param("agent", "agent_id", _identifier),
    _Param("status", "status", _status),
    _Param("code", "code", _identifier),
    _Param("correlation", "correlation_id", _identifier),
    _Param("failure", "fingerprint", _identifier),
    _Param("phase", "phase", _enum(Phase)),
    _Param("team", "team", _identifier),
    _Param("retryable", "retryable", _yes_or_no),
    _Param("window", "window_at", _instant),
    _Param("q", "text", _text),
)
NAMES = frozenset({"time", "cursor", "run", "chart", "sort", *(param.name for param in _PARAMS)})
"""Every name that means something in the URL of the Runs screen."""

NOT_OURS = ("embed", "utm_", "story")
"""How names begin that say nothing about runs: the frame around the page, where a link was found, the demo's story."""

OTHER_NAMES = {
    "kind": "cause",
    "text": "q",
    "search": "q",
    "correlation_id": "correlation",
    "since": "from",
    "until": "to",
    "agent_id": "agent",
    "operation_id": "operation",
    "fingerprint": "failure",
    "order": "sort",
}
"""What somebody who edits the URL by hand is likely to write. It is read too; what the desk writes has the names above."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of the address that means nothing: what it says, what is shown instead, and what is accepted."""

    says: str
    instead: str = "left out"
    accepted: str = ""

    @property
    def shown(self) -> str:
        """For the screen, which leaves it out."""
        return f"{self.says}: {self.instead}.{self._accepts}"

    @property
    def refused(self) -> str:
        """For a file, which is not made."""
        return f"{self.says}.{self._accepts}"

    @property
    def _accepts(self) -> str:
        return f" Accepted: {self.accepted}." if self.accepted else ""


def read_query(params: Mapping[str, str], twice: Collection[str] = ()) -> tuple[RunQuery, tuple[str, ...]]:
    """The query that a URL's parameters say, and a sentence for each one that was left out. Never raises.

    `twice` names the parameters that the address has more than once; `params` holds the last of each.
    """
    query, problems = read_strictly(params, twice)
    return query, tuple(problem.shown for problem in problems)


def read_strictly(params: Mapping[str, str], twice: Collection[str] = ()) -> tuple[RunQuery, tuple[Problem, ...]]:
    """The same with the problems as values, for who refuses what makes no sense."""
    params = {OTHER_NAMES[name]: value for name, value in params.items() if name in OTHER_NAMES} | {
        name: value for name, value in params.items() if name not in OTHER_NAMES
    }
    problems: list[Problem] = []
    found: dict[str, object] = {}
    for param in _PARAMS:
        given = params.get(param.name, "").strip()
        if not given:
            continue
        try:
            found[param.attribute] = param.parse(given)
        except ValueError as error:
            problems.append(Problem(f"The address says {param.name}={_shown(given)}", accepted=str(error)))
    for name in params:
        if name not in NAMES and not name.startswith(NOT_OURS):
            problems.append(Problem(f"The address says {_shown(name)}, which is not a filter of this page"))
    for name in twice:
        if OTHER_NAMES.get(name, name) in NAMES:
            problems.append(Problem(f"The address says {_shown(name)} more than once", "the last one counts", "one of each"))
    preset = _time_range(params, found, problems)
    cursor = params.get("cursor", "").strip() or None
    if cursor and (len(cursor) > _MAX_CURSOR or not cursor.isprintable()):
        problems.append(Problem("The address points to a page of the list that can't exist", "the first page is shown"))
        cursor = None
    run = params.get("run", "").strip() or None
    if run and (len(run) > _MAX_ID or not run.isprintable()):
        problems.append(Problem(f"The address says run={_shown(run)}, which can't be a run"))
        run = None
    chart = _word(params, "chart", Chart.OUTCOMES, problems)
    order = _word(params, "sort", RunOrder.NEWEST, problems)
    chosen = replace(RunFilter(), **found)  # type: ignore[arg-type]  # each parser gives its attribute's type
    return RunQuery(preset=preset, chosen=chosen, cursor=cursor, run=run, chart=chart, order=order), tuple(problems)


def _word(params: Mapping[str, str], name: str, default: _E, problems: list[Problem]) -> _E:
    given = params.get(name, "").strip()
    if not given:
        return default
    try:
        return _enum(type(default))(given)
    except ValueError as error:
        problems.append(Problem(f"The address says {name}={_shown(given)}", accepted=str(error)))
        return default


def _time_range(params: Mapping[str, str], found: dict[str, object], problems: list[Problem]) -> str:
    since, until = found.get("since"), found.get("until")
    if isinstance(since, datetime) and isinstance(until, datetime) and until <= since:
        problems.append(Problem("The address asks for a time that ends before it begins", "the last 24 hours are shown"))
        del found["since"], found["until"]
        since = until = None
    if since or until:
        return EXACT
    given = params.get("time", DEFAULT_PRESET).strip() or DEFAULT_PRESET
    if given in PRESETS:
        return given
    instead = "left out, the last 24 hours are shown"
    problems.append(Problem(f"The address says time={_shown(given)}", instead, join_words(list(PRESETS), "or")))
    return DEFAULT_PRESET


def write_query(query: RunQuery) -> dict[str, str]:
    """The parameters that say this query, defaults left out. `read_query` gives the same query back."""
    params: dict[str, str] = {}
    if query.preset != EXACT and query.preset != DEFAULT_PRESET:
        params["time"] = query.preset
    params |= filter_params(query.chosen)
    if query.cursor:
        params["cursor"] = query.cursor
    if query.run:
        params["run"] = query.run
    if query.chart is not Chart.OUTCOMES:
        params["chart"] = query.chart.value
    if query.order is not RunOrder.NEWEST:
        params["sort"] = query.order.value
    return params


def filter_params(chosen: RunFilter) -> dict[str, str]:
    """The parameters of a filter alone, as links from other screens and the export route need them."""
    params: dict[str, str] = {}
    for param in _PARAMS:
        value = getattr(chosen, param.attribute)
        if value is None or value == "":
            continue
        if isinstance(value, datetime):
            params[param.name] = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        elif isinstance(value, bool):
            params[param.name] = "yes" if value else "no"
        else:
            params[param.name] = str(value)
    return params


def changed(query: RunQuery, **changes: object) -> RunQuery:
    """The query with filter attributes changed; the place in the list and the opened run are let go."""
    return replace(query, chosen=replace(query.chosen, **changes), cursor=None, run=None)  # type: ignore[arg-type]


def with_order(query: RunQuery, order: RunOrder) -> RunQuery:
    """The query sorted otherwise, from its beginning."""
    return replace(query, order=order, cursor=None)


def with_preset(query: RunQuery, preset: str) -> RunQuery:
    """The query over another time range from PRESETS."""
    return replace(changed(query, since=None, until=None), preset=preset)


def with_range(query: RunQuery, since: datetime | None, until: datetime | None) -> RunQuery:
    """The query over an exact time range; without either end it is the default preset."""
    return replace(changed(query, since=since, until=until), preset=EXACT if since or until else DEFAULT_PRESET)


def _shown(given: str) -> str:
    clean = "".join(letter if letter.isprintable() else "�" for letter in given)
    return f"“{clean[:40]}…”" if len(clean) > 40 else f"“{clean}”"
