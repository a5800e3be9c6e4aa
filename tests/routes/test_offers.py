"""What each route says of a window, and of its cost."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from tests.routes.conftest import NOW
from wfm.domain.operations import Phase
from wfm.domain.plans import RouteName, RouteOffer
from wfm.domain.windows import Window
from wfm.routes import by_name
from wfm.routes.base import shown

PAST, ENDS_NOW, RUNNING, COMING = (-120, -60), (-60, 0), (-10, 20), (60, 90)


@pytest.mark.parametrize(
    ("name", "minutes", "offered", "best", "reason"),
    [
        (RouteName.AVAILABILITY, PAST, False, False, "changes the state of now; this window is in the past"),
        (RouteName.AVAILABILITY, ENDS_NOW, False, False, "changes the state of now; this window is in the past"),
        (RouteName.AVAILABILITY, RUNNING, True, True, "takes effect at once, undone when it ends"),
        (RouteName.AVAILABILITY, COMING, True, True, "sent when the window starts, undone when it ends"),
        (RouteName.ADHERENCE, PAST, True, True, "corrects the record of a past window; undone on demand only"),
        (RouteName.ADHERENCE, ENDS_NOW, True, True, "corrects the record of a past window; undone on demand only"),
        (RouteName.ADHERENCE, RUNNING, False, False, "corrects windows that are over; this one is not"),
        (RouteName.DATA_ACTION, PAST, False, False, "acts now; this window is in the past"),
        (RouteName.DATA_ACTION, ENDS_NOW, False, False, "acts now; this window is in the past"),
        (RouteName.DATA_ACTION, RUNNING, True, False, "runs a Data Action that you choose, as a flow would"),
        (RouteName.DATA_ACTION, COMING, True, False, "runs a Data Action that you choose, as a flow would"),
    ],
)
def test_a_route_is_offered_with_its_reason(
    name: RouteName, minutes: tuple[int, int], offered: bool, best: bool, reason: str
) -> None:
    window = Window(start=NOW + timedelta(minutes=minutes[0]), end=NOW + timedelta(minutes=minutes[1]), zone="UTC")
    assert by_name(name).offer(window, NOW, None) == RouteOffer(route=name, offered=offered, best=best, reason=reason)


@pytest.mark.parametrize(
    ("name", "requests"),
    [(RouteName.AVAILABILITY, (1.0, 2.0)), (RouteName.ADHERENCE, (2.0, 2.0)), (RouteName.DATA_ACTION, (1.0, 1.0))],
)
def test_the_requests_an_agent_costs(name: RouteName, requests: tuple[float, float]) -> None:
    """What the preview's minutes are counted from."""
    assert tuple(by_name(name).requests(phase) for phase in (Phase.APPLY, Phase.RESTORE)) == requests


def test_an_instant_is_sent_as_utc_with_a_z() -> None:
    berlin = timezone(timedelta(hours=1))
    assert shown(NOW.astimezone(berlin)) == "2026-11-23T14:00:00.000Z"
