"""The ways to make an agent unavailable: one file a route, one interface (`base.Route`).

To add a route: write its file, name it in `RouteName` (wfm/domain/plans.py), add it to `ROUTES` below.
"""

from __future__ import annotations

from collections.abc import Mapping

from wfm.domain.plans import RouteName
from wfm.routes.adherence import AdherenceRoute
from wfm.routes.availability import AvailabilityRoute
from wfm.routes.base import Interrupted, Left, Prepared, ReadBack, Route, Sender, Task, Verdict, Written
from wfm.routes.data_action import DataActionRoute

ROUTES: Mapping[RouteName, Route] = {
    RouteName.AVAILABILITY: AvailabilityRoute(),
    RouteName.ADHERENCE: AdherenceRoute(),
    RouteName.DATA_ACTION: DataActionRoute(),
}


def by_name(name: RouteName) -> Route:
    """Return the route of that name."""
    return ROUTES[name]


__all__ = ["ROUTES", "Interrupted", "Left", "Prepared", "ReadBack", "Route", "Sender", "Task", "Verdict", "Written", "by_name"]
