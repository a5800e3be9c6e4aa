"""Questions that screens ask of the history, beside the same ones with OFFSET and GROUP BY directly on the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from typing import Any

import sqlalchemy as sa

from benchmarks.history_data import AGENTS, COMMON, DAYS, RARE, TENANT, new_year
from wfm.domain.diagnoses import Kind
from wfm.domain.operations import Outcome, Phase, RunFilter, RunOrder
from wfm.ledger import Ledger
from wfm.ledger.ids import encode, lowest_id
from wfm.ledger.schema import operations, runs
from wfm.ledger.types import to_micros

EXAMPLES = 30
"""Agents, operations, correlation ids and places in the middle that are asked for in turn."""

PAGES, CHARTS, SEARCHES = 50, 150, 300
"""Aims in milliseconds; the last bounds a search that no index supports."""

_NEWEST = "SELECT runs.* FROM runs {} ORDER BY started_at DESC LIMIT 51"

Ask = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a screen; `straight` is the same as naive SQL on the table of runs."""

    name: str
    aim_ms: int
    ask: Ask
    straight: str


def questions(ledger: Ledger, examples: int = EXAMPLES) -> list[Question]:
    """Return every question, the same for every size of ledger."""
    return [*_plain(ledger), *_of_examples(ledger, examples), *_texts(ledger), *_sorted(ledger), *_charts(ledger)]


def _page(ledger: Ledger, name: str, which: RunFilter, where: str = "", *, aim_ms: int = PAGES) -> Question:
    return _pages(ledger, name, [(which, None)], _NEWEST.format(where), aim_ms=aim_ms)


def _pages(
    ledger: Ledger, name: str, asked: Sequence[tuple[RunFilter, str | None]], straight: str, *, aim_ms: int = PAGES
) -> Question:
    """A page of each filter with its cursor in turn."""
    turn = cycle(asked)

    def ask() -> object:
        which, cursor = next(turn)
        return ledger.runs.page(TENANT, which, cursor=cursor, limit=50)

    return Question(name, aim_ms, ask, straight)


def _plain(ledger: Ledger) -> list[Question]:
    joined = "JOIN ways w ON w.id = way_id WHERE"
    seldom = "seldom_used"
    week = new_year() - timedelta(days=7)
    team = tuple(f"agent-{n:05d}" for n in range(40))
    return [
        _page(ledger, "first page", RunFilter()),
        _page(ledger, "last 7 days", RunFilter(since=week), f"WHERE started_at >= {int(week.timestamp()) * 1_000_000}"),
        _page(ledger, "outcome failed", RunFilter(outcome=Outcome.FAILED), "WHERE outcome = 'failed'"),
        _page(ledger, "outcome unconfirmed", RunFilter(outcome=Outcome.UNCONFIRMED), "WHERE outcome = 'unconfirmed'"),
        _page(ledger, "cause", RunFilter(kind=Kind.CONFLICT), "WHERE kind = 'conflict'"),
        _page(ledger, "route", RunFilter(route="data_action"), f"{joined} w.route = 'data_action'"),
        _page(ledger, "action, seldom used", RunFilter(action=seldom), f"{joined} w.action = '{seldom}'"),
        _page(
            ledger,
            "action and outcome",
            RunFilter(action=seldom, outcome=Outcome.UNCONFIRMED),
            f"{joined} w.action = '{seldom}' AND outcome = 'unconfirmed'",
        ),
        _page(ledger, "team of 40", RunFilter(agents=team), "WHERE agent_no IN (SELECT id FROM agents ORDER BY id LIMIT 40)"),
        _page(ledger, "status 429", RunFilter(status=429), "WHERE status = 429"),
        _page(ledger, "code", RunFilter(code="conflict"), "WHERE code = 'conflict'"),
        _page(
            ledger,
            "failure group",
            RunFilter(fingerprint="bench-5"),
            "WHERE group_id = (SELECT id FROM failure_groups WHERE fingerprint = 'bench-5')",
        ),
        _page(
            ledger,
            "retryable",
            RunFilter(retryable=True),
            "JOIN causes c ON c.id = cause_id WHERE c.retryable = TRUE",
        ),
        _page(ledger, "phase", RunFilter(phase=Phase.RESTORE), "WHERE phase = 'restore'"),
        _page(
            ledger,
            "searched: route, status and phase",
            RunFilter(phase=Phase.RESTORE, route="adherence", status=503),
            f"{joined} w.route = 'adherence' AND status = 503 AND phase = 'restore'",
            aim_ms=SEARCHES,
        ),
        _page(
            ledger,
            "searched, found nowhere",
            RunFilter(outcome=Outcome.FAILED, status=200),
            "WHERE outcome = 'failed' AND status = 200",
            aim_ms=SEARCHES,
        ),
    ]


def _of_examples(ledger: Ledger, examples: int) -> list[Question]:
    """Return questions with another agent, operation, correlation id and place each time, so that no answer is cached."""
    until = new_year()
    start = until - timedelta(days=DAYS)
    places = [start + (until - start) * (0.25 + 0.5 * n / examples) for n in range(examples)]
    with ledger.database.read() as connection:
        many = int(connection.scalar(sa.select(sa.func.count()).select_from(runs)) or 0)
        found: list[Any] = [
            connection.execute(
                sa.select(runs.c.id, runs.c.operation_id, runs.c.correlation_id, operations.c.window_start)
                .join(operations, operations.c.id == runs.c.operation_id)
                .where(runs.c.id >= lowest_id(place))
                .order_by(runs.c.id)
                .limit(1)
            ).one()
            for place in places
        ]
    at = to_micros(found[-1].window_start)
    agents = [f"agent-{n:05d}" for n in range(0, AGENTS, AGENTS // examples)][:examples]
    agent_no = f"agent_no = (SELECT id FROM agents WHERE agent_id = '{agents[-1]}')"
    return [
        _pages(
            ledger,
            "a page in the middle",
            [(RunFilter(), f"o{encode(one.id)}") for one in found],
            _NEWEST.format("") + f" OFFSET {many // 2}",
        ),
        _pages(
            ledger,
            "operation",
            [(RunFilter(operation_id=encode(one.operation_id)), None) for one in found],
            _NEWEST.format(f"WHERE operation_id = {found[-1].operation_id}"),
        ),
        _pages(
            ledger,
            "window",
            [(RunFilter(window_at=one.window_start), None) for one in found],
            _NEWEST.format(f"JOIN operations o ON o.id = operation_id WHERE o.window_start <= {at} AND o.window_end > {at}"),
        ),
        _pages(
            ledger,
            "agent history",
            [(RunFilter(agent_id=agent), None) for agent in agents],
            _NEWEST.format(f"WHERE {agent_no}"),
        ),
        _pages(
            ledger,
            "status and agent",
            [(RunFilter(status=403, agent_id=agent), None) for agent in agents],
            _NEWEST.format(f"WHERE status = 403 AND {agent_no}"),
        ),
        _pages(
            ledger,
            "correlation id",
            [(RunFilter(correlation_id=one.correlation_id), None) for one in found],
            _NEWEST.format(f"WHERE correlation_id = '{found[-1].correlation_id}'"),
        ),
        _pages(
            ledger,
            "correlation id as text",
            [(RunFilter(text=one.correlation_id), None) for one in found],
            _like(ledger, found[-1].correlation_id),
        ),
    ]


def _texts(ledger: Ledger) -> list[Question]:
    asked = {"rare text": RARE, "common text": COMMON, "text in every run": "availability", "beginning of a word": "insuff"}
    found = [_pages(ledger, name, [(RunFilter(text=text), None)], _like(ledger, text)) for name, text in asked.items()]
    with_outcome = RunFilter(text=COMMON, outcome=Outcome.FAILED)
    straight = _like(ledger, COMMON, "AND r.outcome = 'failed'")
    return [*found, _pages(ledger, "text and outcome", [(with_outcome, None)], straight)]


def _like(ledger: Ledger, word: str, further: str = "") -> str:
    key, words = ("rowid", "s.words") if ledger.database.is_sqlite else ("run_id", "s.words::text")
    # None of this is outside input.
    return (
        f"SELECT r.* FROM runs r JOIN run_search s ON s.{key} = r.id "
        f"WHERE {words} LIKE '%{word}%' {further} ORDER BY r.started_at DESC LIMIT 51"
    )


def _sorted(ledger: Ledger) -> list[Question]:
    def question(order: RunOrder, by: str) -> Question:
        straight = f"SELECT runs.* FROM runs ORDER BY {by}, started_at DESC LIMIT 51"
        return Question(
            f"sorted by {order.value}", PAGES, lambda: ledger.runs.page(TENANT, RunFilter(), limit=50, order=order), straight
        )

    columns = {RunOrder.OUTCOME: "outcome DESC", RunOrder.CAUSE: "kind", RunOrder.CODE: "code"}
    columns |= {RunOrder.STATUS: "status", RunOrder.STATUS_DOWN: "status DESC"}
    return [question(order, by) for order, by in columns.items()]


def _charts(ledger: Ledger) -> list[Question]:
    until = new_year()
    start, week = until - timedelta(days=DAYS), until - timedelta(days=7)
    causes = [f"bench-{n}" for n in range(6)]

    def by_outcome(step_s: int, where: str = "") -> str:
        return f"SELECT started_at / {step_s}000000, outcome, count(*) FROM runs {where} GROUP BY 1, 2"

    return [
        Question(
            "failure groups",
            CHARTS,
            lambda: ledger.failure_groups.all(TENANT),
            "SELECT group_id, count(*), count(DISTINCT agent_no), min(started_at), max(started_at) FROM runs "
            "WHERE group_id IS NOT NULL GROUP BY 1",
        ),
        Question(
            "chart of 180 days",
            CHARTS,
            lambda: ledger.runs.over_time(TENANT, start, until, step_minutes=1440),
            by_outcome(86_400),
        ),
        Question(
            "chart of 7 days",
            CHARTS,
            lambda: ledger.runs.over_time(TENANT, week, until, step_minutes=60),
            by_outcome(3_600, f"WHERE started_at >= {int(week.timestamp())}000000"),
        ),
        Question(
            "chart of an action, 180 days",
            CHARTS,
            lambda: ledger.runs.over_time(TENANT, start, until, step_minutes=1440, which=RunFilter(action="seldom_used")),
            by_outcome(86_400, "JOIN ways w ON w.id = way_id WHERE w.action = 'seldom_used'"),
        ),
        Question(
            "failures over time by cause",
            CHARTS,
            lambda: ledger.failure_groups.series_of(TENANT, causes, start, step_minutes=1440, until=until),
            "SELECT started_at / 86400000000, group_id, count(*) FROM runs WHERE group_id IS NOT NULL GROUP BY 1, 2",
        ),
        Question(
            "totals by outcome", CHARTS, lambda: ledger.runs.totals(TENANT), "SELECT outcome, count(*) FROM runs GROUP BY 1"
        ),
    ]
