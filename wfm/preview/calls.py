"""Every call of a plan with its purpose: to write, to undo, to read back, to preview."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from wfm.catalogue import PlatformOperation
from wfm.catalogue import operation as known
from wfm.domain.agents import Agent
from wfm.domain.operations import Phase
from wfm.genesys.reads import ACTIONS, ADHERENCE, TOKEN, UNIT_ADHERENCE, cheapest
from wfm.genesys.schedule_reads import ACTIVITY_CODES, SEARCH
from wfm.preview.access import Observation
from wfm.routes import Route

DIRECTORY: Mapping[str, PlatformOperation] = {
    "users": known("GET /api/v2/users"),
    "management units": known("GET /api/v2/workforcemanagement/managementunits"),
    "users of a management unit": known("GET /api/v2/workforcemanagement/managementunits/{managementUnitId}/users"),
    "business units": known("GET /api/v2/workforcemanagement/businessunits"),
    "teams": known("GET /api/v2/teams"),
    "queues": known("GET /api/v2/routing/queues"),
    "divisions": known("GET /api/v2/authorization/divisions"),
}
"""Calls of the directory by the names of the reader's gaps."""
QUEUE_MEMBERS = known("GET /api/v2/routing/queues/{queueId}/members")

PREVIEW = "preview"
READ_BACK = "read back"


def to_write(route: Route) -> dict[PlatformOperation, list[str]]:
    """Return the route's calls with their purposes, each phase's writing call first.

    Some calls are made only to settle an unknown outcome, so a route has more calls than it usually makes requests.
    """
    calls: dict[PlatformOperation, list[str]] = {}
    for phase in Phase:
        made = route.calls(phase)
        rarely = made[:-1] if route.requests(phase) < len(made) else ()
        for call in reversed(made):
            purpose = READ_BACK if call in rarely else phase.value
            purposes = calls.setdefault(call, [])
            if purpose not in purposes:
                purposes.append(purpose)
    return calls


def to_look(sources: Collection[str], agents: Sequence[Agent]) -> dict[PlatformOperation, str]:
    """Return the calls that read these sources for the preview, each with its source."""
    units, ids = cheapest(agents) if "states" in sources else ([], [])
    by_source: tuple[tuple[str, Iterable[PlatformOperation]], ...] = (
        ("token", (TOKEN,)),
        ("directory", DIRECTORY.values()),
        ("queues", (QUEUE_MEMBERS,)),
        ("schedules", (SEARCH, ACTIVITY_CODES)),
        ("states", [UNIT_ADHERENCE] * bool(units) + [ADHERENCE] * bool(ids)),
        ("actions", (ACTIONS,)),
    )
    return {call: source for source, calls in by_source if source in sources for call in calls}


def observed(
    looks: Mapping[PlatformOperation, str],
    as_of: Mapping[str, datetime],
    unreadable: Collection[str],
    gaps: Collection[str],
    now: datetime,
) -> dict[str, Observation]:
    """Return how the preview's own reads ended: those of an unreadable source or a gap were refused, the others worked."""
    refused = {DIRECTORY[gap] for gap in gaps if gap in DIRECTORY}
    return {
        call.key: Observation(worked=source not in unreadable and call not in refused, at=as_of.get(source, now))
        for call, source in looks.items()
        if source in as_of or source in unreadable or source == "queues"
    }
