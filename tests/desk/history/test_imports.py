"""Runs from outside come in once, explained, and are found as own runs are; on both databases."""

from __future__ import annotations

import csv
import io
import json
import random
import threading
from pathlib import Path

import pytest

from tests.desk.history.old_runs import (
    ADMIN,
    FORBIDDEN,
    NOW,
    SUPERVISOR,
    House,
    as_lines,
    bring,
    came,
    everything,
    failed,
    record,
)
from tests.support.inside import inside
from wfm.desk import ImportFormat, ImportReport
from wfm.domain.diagnoses import Kind
from wfm.domain.errors import BadInput, NotAllowed, Refused
from wfm.domain.operations import Outcome, RunFilter
from wfm.domain.redaction import HIDDEN
from wfm.files.imports import MAX_DOCUMENT_BYTES


def test_lines_come_in_once_and_failures_explained(house: House) -> None:
    desk = house.desk
    text = as_lines([record(1)]) + b"{broken\n\n" + as_lines([failed(2)]) + b'["no object"]\n{"status": 200}\n'
    report = bring(desk, text)
    assert (report.read, report.added, [one.line for one in report.problems]) == (2, 2, [2, 5, 6])
    assert came(bring(desk, text)) == (0, 2, 3)
    (run,) = desk.runs.page(RunFilter(outcome=Outcome.FAILED)).runs
    assert (run.agent_id, run.status, run.code, run.imported) == ("agent-2", 403, "forbidden", True)
    assert run.kind in (Kind.MISSING_SCOPE, Kind.FORBIDDEN_OTHER, Kind.MISSING_PERMISSION)
    assert desk.failures.groups()[0].runs == 1


def test_imported_runs_are_found_as_own_runs_are(house: House) -> None:
    desk = house.desk
    bring(desk, [failed(n, action="set_out", correlationId=f"corr-{n}") for n in range(3)])
    (run,) = desk.runs.page(RunFilter(correlation_id="corr-1")).runs
    detail = desk.runs.get(run.id)
    assert detail.diagnosis is not None
    assert detail.same_failure is not None
    assert detail.same_failure.runs == 3
    assert not detail.exchanges[0].url.startswith(detail.exchanges[0].method)
    assert json.loads(detail.exchanges[0].response_body or "") == json.loads(FORBIDDEN)
    for which in (
        RunFilter(text="insufficient permissions"),
        RunFilter(agent_id="agent-1"),
        RunFilter(status=403),
        RunFilter(action="set_out"),
        RunFilter(code="forbidden"),
        RunFilter(fingerprint=run.fingerprint),
    ):
        assert run.id in [one.id for one in desk.runs.page(which).runs], which
    assert desk.runs.totals()[Outcome.FAILED] == 3
    assert sum(n for _, _, n in desk.runs.over_time(NOW.replace(day=22), NOW, 60) or []) == 3
    assert inside(desk).ledger.runs.origin(desk.tenant.key, run.id) == ("Ada", {"imported": "jsonl", "line": "2"})


def test_csv_is_previewed_with_what_its_columns_mean(house: House) -> None:
    text = (
        "Date;User ID;Agent Name;HTTP Status;Error Message\n2026-11-20T10:00:00Z;u1;'=Ann;403;Forbidden\nyesterday;u2;Bo;200;\n"
    )
    preview = house.desk.imports.preview(io.BytesIO(text.encode()), ImportFormat.CSV)
    assert preview.mapping == {
        "time": "Date",
        "agent_id": "User ID",
        "agent": "Agent Name",
        "status": "HTTP Status",
        "response": "Error Message",
    }
    assert [(run.agent_id, run.agent, run.status, run.outcome) for run in preview.rows] == [("u1", "=Ann", 403, "failed")]
    assert [(one.line, "yesterday" in one.why) for one in preview.problems] == [(3, True)]
    assert house.desk.runs.page(RunFilter()).total == 0
    assert came(bring(house.desk, text, ImportFormat.CSV)) == (1, 0, 1)
    with pytest.raises(BadInput, match="mapping"):
        house.desk.imports.preview(io.BytesIO(text.encode()), ImportFormat.CSV, {"strange": "Date"})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_preview_of_a_large_file_ends_with_a_whole_line(house: House, encoding: str) -> None:
    text = as_lines(record(n, note="x" * 40_000) for n in range(30)).decode()
    preview = house.desk.imports.preview(io.BytesIO(text.encode(encoding)), ImportFormat.JSON_LINES)
    assert preview.problems == ()
    assert 5 < len(preview.rows) <= 20
    assert "userId" in preview.columns


def test_a_preview_of_a_large_document_reads_all_of_it(house: House) -> None:
    item = {"actionCallData": {"dateTime": "2026-11-20T10:00:00Z", "executionId": "e", "inputs": {"userId": "u1"}}}
    text = json.dumps({"flow": {"padding": "x" * 1_500_000, "execution": [item]}})
    preview = house.desk.imports.preview(io.BytesIO(text.encode()), ImportFormat.FLOW)
    assert ([run.agent_id for run in preview.rows], preview.problems) == (["u1"], ())


def test_times_without_a_zone_are_asked_about_before_anything_is_added(house: House) -> None:
    text = "time,userId\n2026-11-20 10:00,u1\n"
    preview = house.desk.imports.preview(io.BytesIO(text.encode()), ImportFormat.CSV)
    assert (preview.zone_needed, preview.rows) == (True, ())
    assert came(bring(house.desk, text, ImportFormat.CSV)) == (0, 0, 1)
    declared = house.desk.imports.preview(io.BytesIO(text.encode()), ImportFormat.CSV, zone="Europe/Berlin")
    assert (declared.zone_needed, declared.rows[0].time.hour) == (False, 9)
    assert came(bring(house.desk, text, ImportFormat.CSV, zone="Europe/Berlin")) == (1, 0, 0)


def test_the_same_run_in_another_format_order_and_spelling_is_the_same(house: House) -> None:
    records = [failed(n, action="set_out", correlationId=f"c-{n}" if n % 2 else "") for n in range(6)]
    assert came(bring(house.desk, records)) == (6, 0, 0)
    names = list(records[0])
    for separator, columns in ((",", names[::-1]), (";", sorted(names)), ("\t", names)):
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, columns, delimiter=separator)
        writer.writeheader()
        writer.writerows(records[::-1])
        assert came(bring(house.desk, buffer.getvalue(), ImportFormat.CSV)) == (0, 6, 0), separator
    spelt = [{**one, "response": json.dumps(json.loads(FORBIDDEN), indent=2), "status": "403.0"} for one in records]
    shuffled = [dict(random.Random(n).sample(sorted(one.items()), len(one))) for n, one in enumerate(spelt)]
    assert came(bring(house.desk, shuffled)) == (0, 6, 0)
    assert came(bring(house.desk, records[3:] + [failed(n) for n in (7, 8)])) == (2, 3, 0)
    assert came(bring(house.desk, [*records, *records])) == (0, 12, 0)


def test_an_export_of_this_history_adds_nothing_to_it(house: House) -> None:
    bring(house.desk, [failed(1), record(2), record(3, note="=1+1")])
    before = everything(house.desk)
    for fmt in (ImportFormat.JSON_LINES, ImportFormat.CSV, ImportFormat.PARQUET):
        exported = b"".join(house.desk.runs.export(RunFilter(), fmt.value))
        assert came(bring(house.desk, exported, fmt)) == (0, 3, 0), fmt
    assert everything(house.desk) == before


@pytest.mark.parametrize("fmt", [ImportFormat.JSON_LINES, ImportFormat.CSV, ImportFormat.PARQUET])
def test_an_export_comes_into_another_history_as_it_was(house: House, fmt: ImportFormat) -> None:
    other = house.another(organization=f"org-{fmt.value}")
    bring(house.desk, [failed(1, note="=1+1"), record(2), record(3, outcome=Outcome.RESENT.value)])
    exported = b"".join(house.desk.runs.export(RunFilter(), fmt.value))
    assert came(bring(other, exported, fmt)) == (3, 0, 0)
    assert came(bring(other, exported, fmt)) == (0, 3, 0)
    assert other.runs.totals()[Outcome.RESENT] == other.runs.totals()[Outcome.FAILED] == 1

    def told(runs: object) -> list[tuple[object, ...]]:
        return [
            (
                *(run.agent_id, run.started_at, run.outcome, run.status, run.code, run.kind, run.cause, run.fingerprint),
                *(run.note, run.duration_ms),
            )
            for run in runs  # type: ignore[attr-defined]
        ]

    assert told(other.runs.page(RunFilter()).runs) == told(house.desk.runs.page(RunFilter()).runs)


def test_flow_execution_data(house: House) -> None:
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
    assert came(bring(house.desk, document, ImportFormat.FLOW)) == (1, 0, 0)
    assert came(bring(house.desk, document, ImportFormat.FLOW)) == (0, 1, 0)
    (run,) = house.desk.runs.page(RunFilter()).runs
    assert (run.agent_id, run.action, run.outcome, run.note) == ("u7", "set_agent_unavailable", Outcome.FAILED, "flow Night")
    assert run.duration_ms is None  # nobody measured it: it is not 0 ms
    assert came(bring(house.desk, "no json", ImportFormat.FLOW)) == (0, 0, 1)


def test_pasted_payloads_come_in_once_however_late_they_are_pasted_again(house: House) -> None:
    text = f"Look:\n\n> HTTP 403\n> {FORBIDDEN}\n\n" + json.dumps({"errorCode": "bad.request", "userMessage": "no"})
    report = bring(house.desk, text, ImportFormat.PAYLOADS)
    assert (came(report), [one.line for one in report.problems]) == ((2, 0, 1), [1])
    house.now = house.now.replace(hour=9)
    assert came(bring(house.desk, text, ImportFormat.PAYLOADS)) == (0, 2, 1)
    runs = house.desk.runs.page(RunFilter()).runs
    assert {(run.outcome, run.started_at) for run in runs} == {(Outcome.FAILED, NOW)}
    assert {run.code for run in runs} == {"forbidden", "bad.request"}
    assert house.desk.runs.page(RunFilter(text="insufficient")).total == 1


@pytest.mark.parametrize("fmt", [ImportFormat.FLOW, ImportFormat.PAYLOADS])
def test_a_document_too_large_is_refused_with_the_limit_named(house: House, fmt: ImportFormat) -> None:
    with pytest.raises(BadInput, match="32 MB"):
        bring(house.desk, b" " * (MAX_DOCUMENT_BYTES + 1), fmt)
    with pytest.raises(BadInput, match="32 MB"):
        house.desk.imports.preview(io.BytesIO(b" " * (MAX_DOCUMENT_BYTES + 1)), fmt)


@pytest.mark.parametrize("data", [b"PAR1 nothing", b"", b"time,userId\n"])
def test_a_parquet_file_that_is_none_is_refused(house: House, data: bytes) -> None:
    with pytest.raises(BadInput, match="Parquet"):
        bring(house.desk, data, ImportFormat.PARQUET)


def test_a_parquet_file_of_somebody_else_is_refused_and_a_damaged_one_too(house: House, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(BadInput, match="without the column time"):
        bring(house.desk, (tmp_path / "other.parquet").read_bytes(), ImportFormat.PARQUET)
    bring(house.desk, [record(n) for n in range(50)])
    whole = b"".join(house.desk.runs.export(RunFilter(), "parquet"))
    damaged = whole[:200] + b"\xff" * 400 + whole[600:]
    with pytest.raises(BadInput, match="damaged"):
        bring(house.desk, damaged, ImportFormat.PARQUET)


def test_only_admins_import(house: House) -> None:
    with pytest.raises(NotAllowed):
        house.desk.imports.add(io.BytesIO(as_lines([record(1)])), ImportFormat.JSON_LINES, SUPERVISOR)
    assert house.desk.runs.page(RunFilter()).total == 0


def test_secrets_of_an_imported_line_never_reach_the_history(house: House) -> None:
    secret = "hunter2hunter2"
    given = failed(
        1,
        agent=f"Bearer {secret}",
        action=f"act client_secret={secret}",
        call=f"GET /x?access_token={secret}",
        code=f"password={secret}",
        note=f"api_key: {secret}",
        request=json.dumps({"password": secret, "deep": {"client_secret": secret}}),
        response=json.dumps({"message": f"Authorization: Bearer {secret}", "access_token": secret}),
    )
    bring(house.desk, [given], name=f"token={secret}.jsonl")
    (run,) = house.desk.runs.page(RunFilter()).runs
    shown = str(everything(house.desk)) + str(house.ledger.runs.origin(house.desk.tenant.key, run.id))
    shown += "".join(b"".join(house.desk.runs.export(RunFilter(), fmt)).decode() for fmt in ("csv", "jsonl"))
    assert HIDDEN in shown
    assert secret not in shown
    assert house.desk.runs.page(RunFilter(text=secret)).total == 0


def test_a_body_is_kept_as_long_as_an_own_run_keeps_it(house: House) -> None:
    bring(house.desk, [record(1, status=500, response="word " * 100_000)])
    ((_, exchanges),) = everything(house.desk).values()
    assert len(exchanges[0].response_body or "") == 64_000


def test_two_imports_of_the_same_runs_at_once_add_each_run_once(house: House) -> None:
    """Of files with the same runs in another order: of one file a second import does not begin."""
    records = [failed(n) if n % 3 else record(n) for n in range(700)]
    desks = [house.another() for _ in range(3)]
    ready = threading.Barrier(len(desks))
    found: list[tuple[int, int, int]] = []

    def work(n: int) -> None:
        ready.wait(timeout=60)
        found.append(came(bring(desks[n], as_lines(records[n:] + records[:n]))))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(desks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert sum(added for added, _, _ in found) == 700
    assert sum(known for _, known, _ in found) == 1_400
    assert house.desk.runs.page(RunFilter()).total == 700


class Halting(io.BytesIO):
    """A file that is read up to its middle, and further only when it may be."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.turns, self.reached, self.go = 0, threading.Event(), threading.Event()

    def seek(self, place: int, whence: int = 0, /) -> int:
        self.turns += 1
        return super().seek(place, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        if self.turns and self.tell() > 0:
            self.reached.set()
            assert self.go.wait(60)
        return super().read(size)


def test_of_one_file_only_one_import_goes_on_in_all_processes(house: House) -> None:
    data = as_lines(failed(n, note="x" * 300) for n in range(600))
    first, second = house.another(), house.another()
    source = Halting(data)
    reports: list[ImportReport] = []
    thread = threading.Thread(
        target=lambda: reports.append(first.imports.add(source, ImportFormat.JSON_LINES, ADMIN, name="log.jsonl"))
    )
    thread.start()
    try:
        assert source.reached.wait(60)
        with pytest.raises(Refused, match="being imported") as refused:
            second.imports.add(io.BytesIO(data), ImportFormat.JSON_LINES, ADMIN, name="copy of log.jsonl")
        assert refused.value.code == "busy"
        assert came(bring(second, as_lines([record(9_000)]))) == (1, 0, 0), "another file may come in meanwhile"
    finally:
        source.go.set()
        thread.join(60)
    assert [came(report) for report in reports] == [(600, 0, 0)]
    assert came(bring(second, data)) == (0, 600, 0)
    assert not list(house.folder.glob("*import*.lock")), "a file's lock is not left behind"


class Broken(io.BytesIO):
    """A file whose disk goes away behind some bytes."""

    def __init__(self, data: bytes, good: int) -> None:
        super().__init__(data)
        self.good = good

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self.good:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_what_was_added_before_a_fault_stays_and_the_rest_comes_with_the_next_try(house: House) -> None:
    data = as_lines(failed(n, note="x" * 300) for n in range(1_000))
    with pytest.raises(OSError, match="Input"):
        house.desk.imports.add(Broken(data, len(data) // 2), ImportFormat.JSON_LINES, ADMIN)
    kept = house.desk.runs.page(RunFilter()).total or 0
    assert 0 < kept < 1_000
    assert came(bring(house.desk, data)) == (1_000 - kept, kept, 0)


def test_progress_is_told_in_bytes(house: House) -> None:
    data = as_lines(record(n, note="x" * 2_000) for n in range(100))
    told: list[int] = []
    bring(house.desk, data, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == len(data)
    archive = b"".join(house.desk.runs.export(RunFilter(), "parquet"))
    told.clear()
    bring(house.desk, archive, ImportFormat.PARQUET, progress=told.append)
    assert told[-1] == len(archive)


def test_another_tenant_sees_nothing_of_it_and_may_have_the_same_ids(house: House) -> None:
    other = house.another(organization="org-2")
    bring(house.desk, [failed(1), record(2)])
    exported = b"".join(house.desk.runs.export(RunFilter(), "jsonl"))
    assert other.runs.page(RunFilter()).total == 0
    assert came(bring(other, exported)) == (2, 0, 0)
    assert not {run.id for run in other.runs.page(RunFilter()).runs} & {
        run.id for run in house.desk.runs.page(RunFilter()).runs
    }
    assert house.desk.runs.page(RunFilter()).total == 2


def test_an_id_that_belies_its_time_is_not_taken_over(house: House) -> None:
    bring(house.desk, [record(1)])
    mine = house.desk.runs.page(RunFilter()).runs[0].id
    other = house.another(organization="org-3")
    assert came(bring(other, [record(5, days=9, run=mine), record(6, run="nonsense")])) == (2, 0, 0)
    assert mine not in [run.id for run in other.runs.page(RunFilter()).runs]
    assert [run.started_at for run in other.runs.page(RunFilter(agent_id="agent-5")).runs][0].day == 15  # noqa: RUF015


def test_views_of_one_person(house: House) -> None:
    desk = house.desk
    desk.saved_views.save("  my   view ", {"outcome": "failed"}, ADMIN, is_default=True)
    view = desk.saved_views.default(ADMIN)
    assert view is not None
    assert (view.name, view.query) == ("my view", {"outcome": "failed"})
    with pytest.raises(BadInput):
        desk.saved_views.save(" ", {}, ADMIN)


def test_a_file_from_elsewhere_gives_a_name_to_whom_has_none_and_renames_nobody(house: House) -> None:
    desk = house.desk
    for number, name in enumerate(("", "Aylin Şahin", "a.sahin@example.com", "")):
        line = {"time": f"2026-11-20T10:00:0{number}Z", "agentId": "agent-7", "status": 200}
        bring(desk, [line | ({"agentName": name} if name else {})])
        named = {run.agent_name for run in desk.runs.page(RunFilter(agent_id="agent-7")).runs}
        assert named == ({"agent-7"} if number == 0 else {"Aylin Şahin"})


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/api/v2/users/{}/presences/purecloud", "/api/v2/users/{userId}/presences/purecloud"),
        ("https://api.mypurecloud.com/api/v2/wfm/users/{}/availability?x=1", "/api/v2/wfm/users/{userId}/availability"),
        ("/our/gateway/users/{}/out", "/our/gateway/users/{}/out"),
    ],
)
def test_a_cause_names_the_operation_and_not_one_of_its_agents(house: House, path: str, template: str) -> None:
    ids = [f"3fa85f64-5717-4562-b3fc-2c963f66afa{n}" for n in range(3)]
    bring(house.desk, [failed(n, call=f"PATCH {path.replace('{}', one)}") for n, one in enumerate(ids)])
    assert {run.call for run in house.desk.runs.page(RunFilter()).runs} == {f"PATCH {template}"}
    (group,) = house.desk.failures.groups()
    assert (group.call, group.runs) == (f"PATCH {template}", 3)
    run = house.desk.runs.get(group.sample_run)
    assert any(one in run.exchanges[0].url for one in ids)
