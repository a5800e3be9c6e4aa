"""Exports from the screen: what is said before the click, while the file is on its way, and afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.support.inside import inside
from tests.ui.conftest import Open
from tests.ui.screen import words
from tests.ui.world import VISITOR, add_run, all_runs
from wfm.desk import Desk
from wfm.domain.errors import StoreFault
from wfm.ui.components.times import now
from wfm.ui.screens.runs.export import export_label, progress_text
from wfm.ui.shell import jobs
from wfm.ui.shell.web.routes import ROUTES

KEY = jobs.export_key(VISITOR, "t1")


@pytest.fixture
def desk(desk: Desk) -> Iterator[Desk]:
    """Five runs."""
    for number in reversed(range(5)):
        add_run(desk, number)
    yield desk
    job = jobs.of(KEY)
    if job is not None:
        job.end()
    jobs.forget(KEY)


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = Starlette(routes=list(ROUTES))
    with TestClient(app, base_url="http://127.0.0.1:8501", client=("127.0.0.1", 50_000)) as made:
        yield made


def test_the_address_notes_how_many_runs_are_in_the_file(client: TestClient, desk: Desk) -> None:
    answer = client.get("/export/runs.parquet?time=all&export=t1")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.headers["content-disposition"].endswith('.parquet"')
    assert answer.content[:4] == b"PAR1"
    job = jobs.of(KEY)
    assert job is not None
    assert (job.running, job.done, job.total, job.fault, bool(job.result)) == (False, 5, 5, None, True)
    assert progress_text(job).startswith("The Parquet file is complete: 5 runs in ")


def test_without_a_ticket_nothing_is_noted(client: TestClient, desk: Desk) -> None:
    assert client.get("/export/runs.csv?time=all").status_code == 200
    assert jobs.of(KEY) is None


def test_a_file_that_breaks_off_is_told(client: TestClient, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = inside(desk).ledger.runs.batches

    def breaking(*given: Any) -> Iterator[Any]:
        (whole,) = batches(*given)
        yield whole[:3]
        raise StoreFault("The database is locked.")

    monkeypatch.setattr(inside(desk).ledger.runs, "batches", breaking)
    with pytest.raises(StoreFault):
        client.get("/export/runs.csv?time=all&export=t1")
    job = jobs.of(KEY)
    assert job is not None
    assert str(job.fault) == "The database is locked."
    assert progress_text(job) == "The CSV file stopped early after 3 runs: delete it"


def test_what_an_export_says_while_it_runs_and_when_the_browser_stops_it() -> None:
    job = jobs.Job("jsonl", total=480_000, done=120_000)
    assert progress_text(job) == "Exporting JSON Lines: 120,000 of 480,000 runs"
    job.total = None
    assert progress_text(job) == "Exporting JSON Lines: 120,000 runs so far"
    job.end()
    assert progress_text(job) == "The JSON Lines file was stopped by the browser after 120,000 runs."
    assert export_label(None, 10_000) == "Export all matching runs (10,000+)"
    assert export_label(1, 1) == "Export 1 run"


def test_the_screen_says_before_and_after_the_click(desk: Desk, open_screen: Open) -> None:
    app = open_screen("runs")
    assert not app.exception
    assert "Export 5 runs" in words(app)
    addresses = [link.proto.url for link in app.get("link_button")]
    assert [address.split("?")[0] for address in addresses] == [f"/export/runs.{fmt}" for fmt in ("csv", "jsonl", "parquet")]
    ticket = app.session_state["runs-export-ticket"]
    assert all(f"export={ticket}" in address for address in addresses)

    app.session_state["runs-export-asked"] = now()
    app.run()
    assert "Preparing the file" in words(app)
    job = jobs.begin(jobs.export_key(VISITOR, ticket), unit="parquet", total=5)
    job.done = 2
    app.run()
    assert any("Exporting Parquet: 2 of 5 runs" in str(bar.proto.text) for bar in app.get("progress"))
    job.done = 5
    job.end(result=True)
    app.run()
    assert "The Parquet file is complete: 5 runs" in words(app)
    jobs.forget(jobs.export_key(VISITOR, ticket))


def test_ticked_rows_are_parquet_too(desk: Desk, open_screen: Open) -> None:
    app = open_screen("runs")
    key, _ = app.session_state["runs-table-now"]
    app.session_state[key] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
    app.run()
    addresses = [link.proto.url for link in app.get("link_button")]
    newest = ",".join(run.id for run in all_runs(desk)[:2])
    assert f"/export/runs.parquet?runs={newest}" in addresses
