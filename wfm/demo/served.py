"""Which endpoints a demo tenant serves: by platform, the published ones over what they replace."""

from __future__ import annotations

from collections.abc import Iterable

from wfm.demo import (
    api_access,
    api_actions,
    api_adherence,
    api_brief,
    api_demo,
    api_directory,
    api_presence,
    api_schedules,
    api_search,
    api_units,
    published_access,
    published_actions,
    published_definitions,
    published_people,
    published_plans,
    published_presence,
    published_queues,
    published_records,
)
from wfm.demo.platforms import Platform
from wfm.demo.wire import Endpoint

_PUBLISHED_READS = (
    *api_access.ENDPOINTS,
    *api_directory.ENDPOINTS,
    *api_search.ENDPOINTS,
    *api_units.ENDPOINTS,
    *api_schedules.ENDPOINTS,
    *api_adherence.ENDPOINTS,
)
CONTROL = api_demo.ENDPOINTS


def api(platform: Platform) -> tuple[Endpoint, ...]:
    """Return what is served under /api. The brief alone keeps the published reads and Data Actions, and no other write."""
    if platform is Platform.PUBLISHED:
        base = (*_PUBLISHED_READS, *api_presence.ENDPOINTS)
        own = (
            *published_access.ENDPOINTS,
            *published_actions.ENDPOINTS,
            *published_presence.ENDPOINTS,
            *published_definitions.ENDPOINTS,
            *published_people.ENDPOINTS,
            *published_queues.ENDPOINTS,
            *published_plans.ENDPOINTS,
            *published_records.ENDPOINTS,
        )
        return _overlaid(base, own)
    whole = (*api_brief.ENDPOINTS, *_PUBLISHED_READS, *api_presence.ENDPOINTS, *api_actions.ENDPOINTS)
    if platform is Platform.BRIEF:
        kept = {*api_brief.ENDPOINTS, *api_access.ENDPOINTS, *api_actions.ENDPOINTS}
        return tuple(endpoint for endpoint in whole if not endpoint.writes or endpoint in kept)
    return whole


def _overlaid(base: Iterable[Endpoint], over: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    return tuple({(endpoint.verb, endpoint.template): endpoint for endpoint in (*base, *over)}.values())
