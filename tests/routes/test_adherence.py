"""Route adherence: the records of a past window, each clipped to it, and put back as they were on demand."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.routes.conftest import NOW
from tests.support.fake_sender import FakeSender, Sent, refused
from wfm.domain.errors import StoreFault
from wfm.domain.operations import Phase, SkipReason
from wfm.domain.plans import RouteName
from wfm.domain.windows import Window
from wfm.genesys.errors import GenesysError
from wfm.genesys.pacing import RequestLane
from wfm.routes import Interrupted, Left, Task, Verdict, Written
from wfm.routes.adherence import AdherenceRoute
from wfm.routes.base import shown, unpack

ROUTE = AdherenceRoute()
PATCH = "PATCH /api/v2/wfm/users/{userId}/schedule/adherence/{adherenceId}"
PATCH_CURRENT = "PATCH /api/v2/wfm/users/{userId}/schedule/adherence"
GET = "GET /api/v2/wfm/users/{userId}/schedule/adherence"
ATask = Callable[..., Task]
WINDOW = Window(start=NOW - timedelta(hours=3), end=NOW - timedelta(hours=1), zone="UTC")


def record(name: str, start: float, end: float, status: str = "available", reason: str = "") -> dict[str, Any]:
    """A record from so many hours to so many hours before NOW."""
    return {
        "id": name,
        "startDate": shown(NOW - timedelta(hours=start)),
        "endDate": shown(NOW - timedelta(hours=end)),
        "status": status,
        "reason": reason,
    }


class Records:
    """The tenant's side: records that PATCH changes."""

    def __init__(self, *records: dict[str, Any], fail_at: int | None = None, error: GenesysError | None = None) -> None:
        self.records = {one["id"]: dict(one) for one in records}
        self.patches = 0
        self.fail_at = fail_at
        self.error = error

    def __call__(self, sent: Sent) -> Any:
        if sent.call == GET:
            return list(self.records.values())
        self.patches += 1
        if self.patches == self.fail_at:
            raise self.error or refused(sent.call, 409, "conflict")
        name = sent.path.get("adherenceId", "current")
        self.records[name] = {**self.records.get(name, {"id": name}), **sent.body}
        return self.records[name]


def a_correction(a_task: ATask, phase: Phase = Phase.APPLY, marker: str | None = None) -> Task:
    return a_task(phase, marker=marker, route=RouteName.ADHERENCE, window=WINDOW, intent=NOW)


def test_only_records_in_the_window_are_written_each_clipped_to_it(a_task: ATask) -> None:
    tenant = Records(record("early", 9, 4), record("a", 4, 2), record("b", 2, 1.5), record("late", 0.9, 0.5))
    sender = FakeSender(tenant)
    done = ROUTE.apply(sender, a_correction(a_task))
    assert isinstance(done, Written)
    assert sender.calls() == [GET, PATCH, PATCH]
    assert sender.sent[0].query == {"startDate": shown(WINDOW.start), "endDate": shown(WINDOW.end)}
    bodies = {one.path["adherenceId"]: one.body for one in sender.sent[1:]}
    common = {"status": "unavailable", "reason": "upgrade"}
    assert bodies == {
        "a": {**common, "startDate": shown(WINDOW.start), "endDate": shown(NOW - timedelta(hours=2))},
        "b": {**common, "startDate": shown(NOW - timedelta(hours=2)), "endDate": shown(NOW - timedelta(hours=1.5))},
    }
    assert [exchange.number for exchange in done.exchanges] == [1, 2, 3]


def test_undone_on_demand_everything_is_as_it_was(a_task: ATask) -> None:
    tenant = Records(record("a", 4, 2), record("b", 2, 0.5, "unavailable", "late_start"))
    before = {name: dict(one) for name, one in tenant.records.items()}
    done = ROUTE.apply(FakeSender(tenant), a_correction(a_task))
    assert tenant.records != before
    assert isinstance(done, Written)
    undone = ROUTE.restore(FakeSender(tenant), a_correction(a_task, Phase.RESTORE, done.marker))
    assert isinstance(undone, Written)
    assert tenant.records == before


def test_a_record_that_somebody_changed_since_is_left(a_task: ATask) -> None:
    tenant = Records(record("a", 4, 2), record("b", 2, 1.5))
    done = ROUTE.apply(FakeSender(tenant), a_correction(a_task))
    assert isinstance(done, Written)
    tenant.records["a"]["reason"] = "coaching"
    undone = ROUTE.restore(FakeSender(tenant), a_correction(a_task, Phase.RESTORE, done.marker))
    assert isinstance(undone, Written)
    assert tenant.records["a"]["reason"] == "coaching"
    assert tenant.records["b"]["status"] == "available"
    tenant.records["b"]["status"] = "unavailable"
    tenant.records["b"]["reason"] = "somebody"
    assert isinstance(ROUTE.restore(FakeSender(tenant), a_correction(a_task, Phase.RESTORE, done.marker)), Left)


def test_without_a_record_in_the_window_nobody_is_written(a_task: ATask) -> None:
    """The form without an id writes to the current record: never for a window that is not its own."""
    sender = FakeSender(Records(record("late", 0.9, 0.5)))
    done = ROUTE.apply(sender, a_correction(a_task))
    assert isinstance(done, Left)
    assert done.reason == "no adherence record in the window"
    assert len(done.exchanges) == 1, "the history has the read that found none"
    assert sender.calls() == [GET]


def test_a_record_that_still_runs_is_clipped_to_the_past(a_task: ATask) -> None:
    sender = FakeSender(Records(record("now", 4, -2)))
    ROUTE.apply(sender, a_correction(a_task))
    assert sender.sent[-1].body["endDate"] == shown(WINDOW.end)


def test_where_records_have_no_id_the_form_without_one_is_used(a_task: ATask) -> None:
    nameless = {name: value for name, value in record("x", 4, 0.5).items() if name != "id"}
    sender = FakeSender(lambda sent: [nameless] if sent.call == GET else {"id": "r9"})
    done = ROUTE.apply(sender, a_correction(a_task))
    assert isinstance(done, Written)
    assert sender.calls() == [GET, PATCH_CURRENT]
    assert unpack(done.marker)["records"] == [{"id": "r9", "was": nameless}]  # the answer names it


def test_broken_off_in_the_middle_it_remembers_and_can_be_tried_again(a_task: ATask) -> None:
    tenant = Records(record("a", 4, 2), record("b", 2, 1.5), fail_at=2)
    before = {name: dict(one) for name, one in tenant.records.items()}
    with pytest.raises(Interrupted) as broken:
        ROUTE.apply(FakeSender(tenant), a_correction(a_task))
    assert isinstance(broken.value.cause, GenesysError)
    assert broken.value.cause.status == 409
    assert len(broken.value.exchanges) == 3
    assert broken.value.written == 1
    sender = FakeSender(tenant)
    done = ROUTE.apply(sender, a_correction(a_task, marker=broken.value.marker))
    assert sender.calls() == [GET, PATCH]  # only the one that was left
    assert {sent.lane for sent in sender.sent} == {RequestLane.APPLY}
    assert isinstance(done, Written)
    undo = FakeSender(tenant)
    assert isinstance(ROUTE.restore(undo, a_correction(a_task, Phase.RESTORE, done.marker)), Written)
    assert {sent.lane for sent in undo.sent} == {RequestLane.RESTORE}
    assert tenant.records == before
    again = ROUTE.restore(undo, a_correction(a_task, Phase.RESTORE, done.marker))
    assert isinstance(again, Left)
    assert (again.reason, len(again.exchanges)) == (SkipReason.NOT_OURS, 1)


def test_records_in_an_envelope_are_read_and_ids_that_are_no_text_are_none(a_task: ATask) -> None:
    """Some gateways list as the platform does: {"entities": […]}; a number as id is nothing to write to."""
    numbered = {**record("a", 4, 2), "id": 17}
    for listed, path in ((record("a", 4, 2), PATCH), (numbered, PATCH_CURRENT)):

        def answer(sent: Sent, listed: Any = listed) -> Any:
            return {"entities": [listed]} if sent.call == GET else {"id": "r1"}

        sender = FakeSender(answer)
        assert isinstance(ROUTE.apply(sender, a_correction(a_task)), Written)
        assert sender.calls() == [GET, path]
        assert sender.sent[1].body["status"] == "unavailable"
    nothing = ROUTE.apply(FakeSender(lambda sent: {"total": 0}), a_correction(a_task))
    assert isinstance(nothing, Left)


def test_the_desks_own_store_may_break_it_off_and_what_was_there_before_is_remembered(a_task: ATask) -> None:
    """The request budget can't be used after the first of two writes: nothing else was sent, and the first is known."""
    tenant = Records(record("a", 4, 2), record("b", 2, 1.5))
    before = {name: dict(one) for name, one in tenant.records.items()}
    writes = itertools.count(1)

    def locked(sent: Sent) -> Any:
        if sent.call == PATCH and next(writes) == 2:
            raise StoreFault("locked")
        return tenant(sent)

    with pytest.raises(Interrupted) as broken:
        ROUTE.apply(FakeSender(locked), a_correction(a_task))
    assert isinstance(broken.value.cause, StoreFault)
    assert (broken.value.written, len(broken.value.exchanges)) == (1, 2)
    done = ROUTE.apply(FakeSender(tenant), a_correction(a_task, marker=broken.value.marker))
    assert isinstance(done, Written)
    assert isinstance(ROUTE.restore(FakeSender(tenant), a_correction(a_task, Phase.RESTORE, done.marker)), Written)
    assert tenant.records == before


def test_reading_back(a_task: ATask) -> None:
    tenant = Records(record("a", 4, 2), record("b", 2, 1.5))
    before = ROUTE.read_back(FakeSender(tenant), a_correction(a_task))
    assert (before.verdict, len(before.exchanges)) == (Verdict.NOT_APPLIED, 1)
    done = ROUTE.apply(FakeSender(tenant), a_correction(a_task))
    assert isinstance(done, Written)
    seen = ROUTE.read_back(FakeSender(tenant), a_correction(a_task, marker=done.marker))
    assert seen.verdict is Verdict.APPLIED
    assert unpack(seen.marker) == unpack(done.marker), "what was there before is not forgotten by reading back"
    assert len(seen.exchanges) == 1, "the history has the request that read it back"
    restoring = a_correction(a_task, Phase.RESTORE, done.marker)
    assert ROUTE.read_back(FakeSender(tenant), restoring).verdict is Verdict.NOT_APPLIED
    ROUTE.restore(FakeSender(tenant), restoring)
    assert ROUTE.read_back(FakeSender(tenant), restoring).verdict is Verdict.APPLIED
    nothing = ROUTE.read_back(FakeSender(Records()), a_correction(a_task))
    assert (nothing.verdict, len(nothing.exchanges)) == (Verdict.UNKNOWN, 1)


def test_read_back_only_the_undo_makes_it_available_again(a_task: ATask) -> None:
    """What was there before a crash is not known: the opposite of what we wrote is."""
    tenant = Records(record("a", 4, 2))
    ROUTE.apply(FakeSender(tenant), a_correction(a_task))
    seen = ROUTE.read_back(FakeSender(tenant), a_correction(a_task))
    ROUTE.restore(FakeSender(tenant), a_correction(a_task, Phase.RESTORE, seen.marker))
    assert tenant.records["a"]["status"] == "available"


@pytest.mark.parametrize("answer", [None, {}, "x", [None, 3, {"id": 5}], {"entities": []}, [{"id": "a", "startDate": "soon"}]])
def test_strange_answers_write_nothing_to_a_named_record(a_task: ATask, answer: Any) -> None:
    sender = FakeSender(lambda sent: answer)
    ROUTE.apply(sender, a_correction(a_task))
    assert PATCH not in sender.calls()


def test_offered_for_past_windows_only_and_never_undone_by_the_clock() -> None:
    assert ROUTE.offer(WINDOW, NOW, None).offered
    coming = Window(start=NOW, end=NOW + timedelta(hours=1), zone="UTC")
    assert not ROUTE.offer(coming, NOW, None).offered
    assert not ROUTE.name.undoable_by_clock
