"""What the Runs screen says: what its chart shows, how many runs match, what to do about one, how far an export is."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from zoneinfo import ZoneInfo

from wfm.domain.diagnoses import Diagnosis
from wfm.domain.operations import Outcome, Phase, Run, RunOrder, RunPage
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components.states import style_of
from wfm.ui.components.times import clock, when
from wfm.ui.screens.runs.chart import Spread


def matching_text(page: RunPage, *, narrowed: bool) -> str:
    """How many runs the filters beside the time range leave; "" where there are none."""
    if not narrowed:
        return ""
    if page.searched_to is not None and not page.at_least:
        return "None found so far"
    found = f"{format_number(page.at_least)}+" if page.total is None else format_number(page.total)
    return f"{found} match" if page.total != 1 else "1 matches"


def range_text(preset: str, spread: Spread, zone: ZoneInfo) -> str:
    """The time range in words that end a sentence; `preset` is that of the query."""
    if preset in _RANGE_TEXT:
        return _RANGE_TEXT[preset]
    return "in this time" if preset != "all" else f"since {when(spread.since, zone, today=spread.until)}"


_RANGE_TEXT = {
    "1h": "in the last hour",
    "24h": "in the last 24 hours",
    "7d": "in the last 7 days",
    "30d": "in the last 30 days",
}


def headline(matching: str, title: str, range_word: str, *, of_filter: bool) -> str:
    """The line above the chart: how many match, exactly, and what the chart shows. Markdown.

    A chart's own sum may count some runs more: its first bar is whole.
    """
    if not matching:
        return f"**{title}**"
    return f"**{matching}** :gray[{range_word if of_filter else f'the chart shows all: {title}'}]"


def search_limit_text(page: RunPage, zone: ZoneInfo, now: datetime, order: RunOrder = RunOrder.NEWEST) -> str:
    """How far back a search looked that no index holds; "" where it looked at everything."""
    if page.searched_to is None:
        return ""
    back, on = page_labels(order)
    way = on if page.older else back
    return (
        f"No index covers this combination: in the time a search may take, it reached "
        f"{when(page.searched_to, zone, seconds=True, today=now)}. {way} searches on from there; a shorter time range or an "
        "agent, an operation or a cause makes it exact."
    )


ORDER_LABELS = {
    RunOrder.NEWEST: "newest first",
    RunOrder.OLDEST: "oldest first",
    RunOrder.OUTCOME: "by outcome, worst first",
    RunOrder.CAUSE: "by cause",
    RunOrder.STATUS: "by status, lowest first",
    RunOrder.STATUS_DOWN: "by status, highest first",
    RunOrder.CODE: "by code",
}


def page_labels(order: RunOrder) -> tuple[str, str]:
    """What leads to the page before and to the page after, in this order."""
    return {RunOrder.NEWEST: ("Newer", "Older"), RunOrder.OLDEST: ("Older", "Newer")}.get(order, ("Previous", "Next"))


def order_sentence(order: RunOrder) -> str:
    """What the list is sorted by, and by what it could be."""
    ties = "" if order in (RunOrder.NEWEST, RunOrder.OLDEST) else ", newest first within each"
    return (
        f"Sorted {ORDER_LABELS[order] if ties else 'by time, ' + ORDER_LABELS[order]}{ties}. Time, outcome, "
        "cause, status and code have an index: the whole list can be sorted by them. A click on a column head sorts this "
        "page only."
    )


def finding(spread: Spread, range_word: str, zone: ZoneInfo) -> str:
    """The title of the chart: what it shows, in a sentence."""
    ended = spread.by_outcome
    total, failed = sum(ended.values()), ended.get(Outcome.FAILED, 0)
    if not total:
        return f"No runs {range_word}"
    unconfirmed = ended.get(Outcome.UNCONFIRMED, 0)
    tail = f", {format_number(unconfirmed)} unconfirmed" if unconfirmed else ""
    if not failed:
        return f"None of {quantity(total, 'run')} {range_word} failed{tail}"
    by_step: dict[datetime, int] = defaultdict(int)
    for start, outcome, n in spread.points:
        if outcome is Outcome.FAILED:
            by_step[start] += n
    start, most = max(by_step.items(), key=lambda pair: (pair[1], pair[0]), default=(spread.since, 0))
    most = min(most, failed)  # a first bar that begins earlier holds more
    sentence = f"{format_number(failed)} of {quantity(total, 'run')} {range_word} failed"
    if most * 2 < failed:
        return sentence + tail
    share = "all of them" if most == failed else f"{format_number(most)} of them"
    if failed == 1:
        share = "it did"
    return f"{sentence}, {share} {_stretch(spread, start, zone)}{tail}"


def _stretch(spread: Spread, start: datetime, zone: ZoneInfo) -> str:
    first, last = spread.bucket(start)
    if spread.step_minutes > 1440:
        return f"in the {spread.step_minutes // 1440} days from {first.astimezone(zone):%d %b}"
    if spread.step_minutes == 1440:
        return f"on {first.astimezone(zone):%d %b}"
    return f"between {when(first, zone, today=spread.until)} and {clock(last, zone)}"


def text_alternative(spread: Spread, zone: ZoneInfo, most: int = 12) -> str:
    """The chart in lines: each bar that is not empty, the newest first, at most `most` of them."""
    bars: dict[datetime, list[str]] = defaultdict(list)
    for start, outcome, n in sorted(spread.points, key=lambda point: (point[0], list(Outcome).index(point[1]))):
        if n:
            bars[start].append(f"{format_number(n)} {style_of(outcome).word}")
    lines = [
        f"{when(start, zone, today=spread.until)}: {', '.join(parts)}" for start, parts in sorted(bars.items(), reverse=True)
    ]
    left = len(lines) - most
    return "; ".join(lines[:most]) + (f"; and {left} earlier bars" if left > 0 else "")


def what_now(run: Run, diagnosis: Diagnosis | None) -> str:
    """The next step for the person at the screen, in a sentence or two."""
    restore = run.phase is Phase.RESTORE
    if run.outcome is Outcome.APPLIED:
        return "It worked; there is nothing to do."
    if run.outcome is Outcome.SENDING:
        return "Wait for the answer. If the worker stopped meanwhile, it checks first and sends only what is missing."
    if run.outcome is Outcome.SKIPPED:
        return f"Nothing was sent: {run.note or 'this agent was left alone'}."
    if run.outcome is Outcome.UNCONFIRMED:
        back = "back" if restore else "out"
        return (
            f"It was sent, but the desk could not read whether the agent is {back}. It is never sent again automatically. "
            "Check the agent in Genesys Cloud, then confirm it in the window."
        )
    if run.outcome is Outcome.RESENT:
        return (
            "There is nothing to do: a read showed that it did not take effect, so it was sent again. See the agent's next run."
        )
    still = "The agent may still be out of work. " if restore else ""
    if diagnosis is not None and diagnosis.retryable:
        return still + ("Retry it in the window." if restore else "The same request may work later: retry it.")
    again = "retry it in the window" if restore else "retry it through a new preview"
    return still + f"Unchanged, it would fail again. Fix the cause first, then {again}."
