"""The history that the benchmark makes is one like any other, and what it asks is answered as the plain question is."""

from __future__ import annotations

from benchmarks.history_data import TENANT, make, new_year, run_sql
from benchmarks.history_questions import questions
from tests.ledger.audit import check_all
from wfm.domain.operations import RunFilter, RunPage
from wfm.ledger import Ledger
from wfm.ledger.ids import encode

MANY, EXAMPLES = 4_000, 3


def test_every_question_of_the_benchmark_is_answered_as_the_plain_one(url: str) -> None:
    ledger = Ledger(url)
    make(ledger, MANY, new_year())
    check_all(ledger)
    assert ledger.runs.page(TENANT, RunFilter()).total == MANY
    pages = 0
    for question in questions(ledger, EXAMPLES):
        answers = [question.ask() for _ in range(EXAMPLES)]  # the plain question is the last example's
        with ledger.database.read() as connection:
            plain = run_sql(connection, question.straight).all()
        if isinstance(answers[-1], RunPage) and not question.name.startswith(("a page in the middle", "sorted")):
            assert [run.id for run in answers[-1].runs] == [encode(row.id) for row in plain[:50]], question.name
            assert (answers[-1].older is not None) == (len(plain) > 50), question.name
            pages += len(answers[-1].runs)
    assert pages > 500
    ledger.close()
