"""Runs from outside come in once and explained; old runs go out only when the archive holds them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from wfm.desk import Desk, ImportFormat
from wfm.domain.diagnoses import Kind
from wfm.domain.errors import BadInput, NotAllowed, StoreFault
from wfm.domain.imports import LARGEST_DOCUMENT
from wfm.domain.operations import Outcome, RunFilter
from wfm.domain.people import Actor, Role
from wfm.domain.tenant import Tenant
from wfm.ledger import Ledger
from wfm.settings import Settings

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ADMIN = Actor(subject="a", name="Ada", role=Role.ADMIN)
TENANT = Tenant(
    api_url="https://api.example.com",
    login_url="https://login.example.com",
    organization_id="org-1",
    organization_name="Org",
    is_demo=False,
)
FORBIDDEN = '{"code": "forbidden", "message": "Insufficient permissions for resource access"}'


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    settings = Settings(data_dir=tmp_path, retention_days=30, _env_file=None)
    desk = Desk(settings, TENANT, Ledger(f"sqlite:///{tmp_path / 'desk.db'}"), None, lambda: NOW)
    yield desk
    desk.close()


def imported(
    desk: Desk, text: str | bytes, fmt: ImportFormat = ImportFormat.JSON_LINES, **more: object
) -> tuple[int, int, int]:
    data = text.encode() if isinstance(text, str) else text
    report = desk.import_runs(io.BytesIO(data), fmt, ADMIN, **more)  # type: ignore[arg-type]
    return report.added, report.known, report.unreadable


def line(n: int, *, days: int = 1, **more: object) -> str:
    record: dict[str, object] = {"timestamp": (NOW - timedelta(days=days, seconds=n)).isoformat(), "userId": f"agent-{n}"}
    return json.dumps({**record, "status": 200, **more})


def test_lines_come_in_once_and_failures_explained(desk: Desk) -> None:
    text = "\n".join([line(1), "{broken", "", line(2, status=403, response=FORBIDDEN), '["no object"]', '{"status": 200}'])
    data = io.BytesIO(text.encode())
    report = desk.import_runs(data, ImportFormat.JSON_LINES, ADMIN)
    assert (report.read, report.added, [one.line for one in report.problems]) == (2, 2, [2, 5, 6])
    assert imported(desk, text) == (0, 2, 3)
    failed = desk.runs(RunFilter(outcome=Outcome.FAILED)).runs
    assert [(run.agent_id, run.status, run.code) for run in failed] == [("agent-2", 403, "forbidden")]
    assert failed[0].kind in (Kind.MISSING_SCOPE, Kind.FORBIDDEN_OTHER, Kind.MISSING_PERMISSION)
    assert desk.failures()[0].runs == 1


def test_csv_is_previewed_with_what_its_columns_mean(desk: Desk) -> None:
    text = (
        "Date;User ID;Agent Name;HTTP Status;Error Message\n2026-11-20T10:00:00Z;u1;'=Ann;403;Forbidden\nyesterday;u2;Bo;200;\n"
    )
    preview = desk.import_preview(io.BytesIO(text.encode()), ImportFormat.CSV)
    assert preview.mapping == {
        "time": "Date",
        "agent_id": "User ID",
        "agent": "Agent Name",
        "status": "HTTP Status",
        "response": "Error Message",
    }
    assert [(run.agent_id, run.agent, run.status, run.outcome) for run in preview.rows] == [("u1", "=Ann", 403, "failed")]
    assert [(one.line, "yesterday" in one.why) for one in preview.problems] == [(3, True)]
    assert desk.runs(RunFilter()).total == 0
    assert imported(desk, text, ImportFormat.CSV) == (1, 0, 1)
    with pytest.raises(BadInput, match="mapping"):
        desk.import_preview(io.BytesIO(text.encode()), ImportFormat.CSV, {"strange": "Date"})


def test_an_export_comes_back_as_it_was(desk: Desk) -> None:
    imported(desk, "\n".join([line(1), line(2, status=403, response=FORBIDDEN)]))
    was = [(run.agent_id, run.started_at, run.outcome, run.status) for run in desk.runs(RunFilter()).runs]
    for fmt in (ImportFormat.JSON_LINES, ImportFormat.CSV):
        exported = b"".join(desk.export_runs(RunFilter(), fmt.value))
        preview = desk.import_preview(io.BytesIO(exported), fmt)
        assert [(run.agent_id, run.time, Outcome(run.outcome), run.status) for run in preview.rows] == was


def test_flow_execution_data(desk: Desk) -> None:
    item = {
        "actionName": "set_agent_unavailable",
        "startDateTime": "2026-11-20T10:00:00Z",
        "executionInputOutputs": {
            "inputs": [{"name": "userId", "value": "u7"}],
            "outputs": [{"name": "errorCode", "value": "forbidden"}],
        },
        "eventError": [{"message": FORBIDDEN}],
    }
    flow = {"flowName": "Night", "executionItems": [{"actionCallDataAction": item}, {"actionSetParticipantData": {}}]}
    document = json.dumps({"entities": [flow]})
    assert imported(desk, document, ImportFormat.FLOW) == (1, 0, 0)
    assert imported(desk, document, ImportFormat.FLOW) == (0, 1, 0)
    (run,) = desk.runs(RunFilter()).runs
    assert (run.agent_id, run.action, run.outcome, run.note) == ("u7", "set_agent_unavailable", Outcome.FAILED, "flow Night")
    assert imported(desk, "no json", ImportFormat.FLOW) == (0, 0, 1)


def test_a_document_too_large_is_refused_with_the_limit_named(desk: Desk) -> None:
    with pytest.raises(BadInput, match="32 MB"):
        imported(desk, b" " * (LARGEST_DOCUMENT + 1), ImportFormat.FLOW)


def test_only_admins_import_and_retain(desk: Desk) -> None:
    viewer = Actor(subject="v", name="Vi", role=Role.SUPERVISOR)
    with pytest.raises(NotAllowed):
        desk.import_runs(io.BytesIO(line(1).encode()), ImportFormat.JSON_LINES, viewer)
    with pytest.raises(NotAllowed):
        desk.retain(viewer)


def test_old_runs_are_archived_and_go(desk: Desk) -> None:
    old = [line(n, days=40, status=403, response=FORBIDDEN) for n in range(5)]
    imported(desk, "\n".join([*old, line(9, days=2)]))
    # The newest run of a cause stays, as its example.
    dry = desk.retention_dry_run()
    assert (dry.rows, dry.dry_run, desk.runs(RunFilter()).total) == (4, True, 6)
    report = desk.nightly()
    assert report is not None
    assert report.rows == 4
    assert desk.runs(RunFilter()).total == 2
    assert desk.runs(RunFilter(text="insufficient")).total == 1
    table = pq.read_table(report.files[0]).to_pylist()
    assert len(table) == 4
    assert "Insufficient permissions" in table[0]["exchanges"]
    assert desk.failures()[0].runs == 1
    assert desk.nightly() is None
    assert desk.retain(ADMIN).rows == 0


def test_without_an_archive_nothing_goes(desk: Desk, tmp_path: Path) -> None:
    imported(desk, line(1, days=40))
    (tmp_path / "archive").write_text("in the way")
    with pytest.raises(StoreFault, match="No run was deleted"):
        desk.nightly()
    assert desk.runs(RunFilter()).total == 1
    (tmp_path / "archive").unlink()
    report = desk.nightly()
    assert report is not None
    assert report.rows == 1


def test_views_of_one_person(desk: Desk) -> None:
    desk.save_view("  my   view ", {"outcome": "failed"}, ADMIN, is_default=True)
    view = desk.default_view(ADMIN)
    assert view is not None
    assert (view.name, view.query) == ("my view", {"outcome": "failed"})
    with pytest.raises(BadInput):
        desk.save_view(" ", {}, ADMIN)
