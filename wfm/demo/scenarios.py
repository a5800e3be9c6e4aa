"""Named states of the whole demo tenant. Switching never changes the written states of agents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wfm.demo.states import CONTACT_SHARE


@dataclass(frozen=True, slots=True)
class Scenario:
    """`rate_limit` caps the limit the tenant was started with; shares are in per cent. `faults` as in faults.py.

    `resets_scopes` gives architect-flow back the rights it has at first and ends its tokens. `propagation_s` and `job_s` are
    the seconds that flags of queue members and jobs of activity plans take.
    """

    name: str
    text: str
    suggested_client: str = "desk"
    rate_limit: int | None = None
    contact_share: int = CONTACT_SHARE
    unscheduled_share: int = 0
    resets_scopes: bool = False
    faults: tuple[dict[str, Any], ...] = field(default=())
    propagation_s: float = 2.0
    job_s: float = 1.0


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("healthy", "Everything works. The client architect-flow still lacks wfm:schedule:update until you fix it."),
        Scenario(
            "missing-scope",
            "The brief's story: architect-flow reads schedules but may not update them. A fix made earlier is undone.",
            suggested_client="architect-flow",
            resets_scopes=True,
        ),
        Scenario("unscheduled-agents", "Four in ten agents have no schedule: updating them answers 404.", unscheduled_share=40),
        Scenario(
            "busy-hour",
            "At most 60 requests a minute, and nearly half of the agents on queue are in a contact.",
            rate_limit=60,
            contact_share=45,
        ),
        Scenario(
            "flaky",
            "Some server errors, some refusals, and some answers that never come although the write was done.",
            faults=(
                {"kind": "5xx", "status": 503, "share": 0.05},
                {"kind": "429", "share": 0.03, "retry_after": 1},
                {"kind": "timeout_after_write", "share": 0.03, "seconds": 30},
            ),
        ),
    )
}

PUBLISHED_SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("healthy", "Everything works. The client architect-flow may not change presences until you grant it."),
        Scenario(
            "missing-permission",
            "A Data Action fails: architect-flow lacks presence:userPresence:edit. A grant made earlier is undone.",
            suggested_client="architect-flow",
            resets_scopes=True,
        ),
        Scenario(
            "unscheduled-agents",
            "Four in ten agents have no schedule: an activity plan leaves them out.",
            unscheduled_share=40,
        ),
        SCENARIOS["busy-hour"],
        SCENARIOS["flaky"],
        Scenario(
            "bulk-partly",
            "A bulk update of presences that is refused is done all the same for those for whom it can be.",
            faults=({"kind": "bulk_partly", "share": 1},),
        ),
        Scenario(
            "on-queue-refused",
            "Nobody may set On Queue for another user.",
            faults=({"kind": "on_queue_refused", "share": 1},),
        ),
        Scenario(
            "slow",
            "Queues take a minute and a half to change, and so do the jobs of activity plans.",
            propagation_s=90,
            job_s=90,
        ),
    )
}
"""Those of a tenant with the published platform alone."""


def scenarios_of(published: bool) -> dict[str, Scenario]:
    """Return the scenarios by name, of the published platform alone or of the others."""
    return PUBLISHED_SCENARIOS if published else SCENARIOS
