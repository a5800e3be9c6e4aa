"""Route availability: one request out, compare and put back, read back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.routes.conftest import NOW
from tests.support.fake_sender import FakeSender, refused
from wfm.domain.agents import Status
from wfm.domain.operations import Phase
from wfm.domain.windows import Window
from wfm.genesys.errors import Forbidden
from wfm.genesys.pacing import RequestLane
from wfm.routes import Left, Task, Verdict, Written
from wfm.routes.availability import AvailabilityRoute
from wfm.routes.base import unpack

ROUTE = AvailabilityRoute()
PATCH = "PATCH /api/v2/wfm/users/{userId}/availability"
GET = "GET /api/v2/wfm/users/{userId}/availability"
OURS = {"status": "unavailable", "reason": "upgrade", "dateModified": "2026-11-23T14:00:01.500Z"}
ATask = Callable[..., Task]


def test_apply_is_one_request_and_remembers_what_it_wrote(a_task: ATask) -> None:
    sender = FakeSender(lambda sent: OURS)
    done = ROUTE.apply(sender, a_task())
    assert isinstance(done, Written)
    assert [(one.call, one.body, one.lane) for one in sender.sent] == [
        (PATCH, {"status": "unavailable", "reason": "upgrade"}, RequestLane.APPLY)
    ]
    assert sender.sent[0].path == {"userId": "u 1"}
    assert unpack(done.marker) == {"before": "available", "reason": "upgrade", "dateModified": OURS["dateModified"]}
    assert len(done.exchanges) == 1


def test_a_refusal_passes_through(a_task: ATask) -> None:
    def refuse(sent: Any) -> Any:
        raise refused(PATCH, 403)

    with pytest.raises(Forbidden):
        ROUTE.apply(FakeSender(refuse), a_task())


def marker_of(a_task: ATask, answer: Any = OURS, **more: Any) -> str | None:
    done = ROUTE.apply(FakeSender(lambda sent: answer), a_task(**more))
    assert isinstance(done, Written)
    return done.marker


def test_restore_compares_then_writes_what_was_before(a_task: ATask) -> None:
    sender = FakeSender(lambda sent: OURS)
    done = ROUTE.restore(sender, a_task(Phase.RESTORE, marker=marker_of(a_task)))
    assert isinstance(done, Written)
    assert [(one.call, one.body) for one in sender.sent] == [(GET, None), (PATCH, {"status": "available"})]
    assert {one.lane for one in sender.sent} == {RequestLane.RESTORE}
    assert [exchange.number for exchange in done.exchanges] == [1, 2]


@pytest.mark.parametrize(
    "now",
    [
        {**OURS, "status": "available"},
        {**OURS, "reason": "coaching"},
        {**OURS, "dateModified": "2026-11-23T14:20:00.000Z"},
        {**OURS, "dateModified": None},
        {},
        None,
        [],
        "unavailable",
    ],
)
def test_what_is_not_ours_any_more_is_left_alone(a_task: ATask, now: Any) -> None:
    sender = FakeSender(lambda sent: now)
    done = ROUTE.restore(sender, a_task(Phase.RESTORE, marker=marker_of(a_task)))
    assert isinstance(done, Left)
    assert done.reason == "changed by somebody else since"
    assert sender.calls() == [GET]


def test_the_same_instant_in_another_spelling_is_ours(a_task: ATask) -> None:
    later = {**OURS, "dateModified": "2026-11-23T15:00:01.5+01:00"}
    done = ROUTE.restore(FakeSender(lambda sent: later), a_task(Phase.RESTORE, marker=marker_of(a_task)))
    assert isinstance(done, Written)


def test_a_tenant_that_tells_no_instant_is_compared_by_status_and_reason(a_task: ATask) -> None:
    marker = marker_of(a_task, None)
    assert isinstance(ROUTE.restore(FakeSender(lambda sent: OURS), a_task(Phase.RESTORE, marker=marker)), Written)
    other = {**OURS, "reason": "coaching"}
    assert isinstance(ROUTE.restore(FakeSender(lambda sent: other), a_task(Phase.RESTORE, marker=marker)), Left)


def test_before_is_what_was_read_last_before_the_write(a_task: ATask) -> None:
    marker = marker_of(a_task, before=Status.UNAVAILABLE)
    sender = FakeSender(lambda sent: OURS)
    ROUTE.restore(sender, a_task(Phase.RESTORE, marker=marker, before=Status.AVAILABLE))
    assert sender.sent[-1].body == {"status": "unavailable"}


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (OURS, Verdict.APPLIED),
        ({**OURS, "status": "available"}, Verdict.NOT_APPLIED),
        ({**OURS, "reason": "coaching"}, Verdict.NOT_APPLIED),
        ({**OURS, "dateModified": "2026-11-23T13:00:00Z"}, Verdict.NOT_APPLIED),  # an older window's write
        ({"status": "unavailable", "reason": "upgrade"}, Verdict.APPLIED),
        ({"status": "asleep"}, Verdict.UNKNOWN),
        (None, Verdict.UNKNOWN),
    ],
)
def test_reading_back_an_apply(a_task: ATask, now: Any, verdict: Verdict) -> None:
    seen = ROUTE.read_back(FakeSender(lambda sent: now), a_task(intent=NOW))
    assert seen.verdict is verdict
    assert (seen.marker is not None) == (verdict is Verdict.APPLIED)


def test_a_marker_read_back_serves_the_restore(a_task: ATask) -> None:
    seen = ROUTE.read_back(FakeSender(lambda sent: OURS), a_task(intent=NOW))
    done = ROUTE.restore(FakeSender(lambda sent: OURS), a_task(Phase.RESTORE, marker=seen.marker))
    assert isinstance(done, Written)


@pytest.mark.parametrize(("status", "verdict"), [("available", Verdict.APPLIED), ("unavailable", Verdict.NOT_APPLIED)])
def test_reading_back_a_restore(a_task: ATask, status: str, verdict: Verdict) -> None:
    task = a_task(Phase.RESTORE, marker=marker_of(a_task), intent=NOW)
    assert ROUTE.read_back(FakeSender(lambda sent: {**OURS, "status": status}), task).verdict is verdict


@pytest.mark.parametrize(
    ("start", "end", "offered"), [(-120, -60, False), (-10, 0, False), (-10, 10, True), (0, 30, True), (60, 120, True)]
)
def test_offered_for_now_and_the_future(start: int, end: int, offered: bool) -> None:
    window = Window(start=NOW + timedelta(minutes=start), end=NOW + timedelta(minutes=end), zone="UTC")
    offer = ROUTE.offer(window, NOW, None)
    assert offer.offered is offered
    assert offer.reason


def test_its_calls_and_its_cost() -> None:
    assert [call.key for call in ROUTE.calls(Phase.APPLY)][-1] == PATCH
    assert (ROUTE.requests(Phase.APPLY), ROUTE.requests(Phase.RESTORE)) == (1.0, 2.0)
