"""What only the demo tenant can do: scenarios, mending a client's scope, and the example operations."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING

from wfm.catalogue import PATCH_AVAILABILITY
from wfm.desk.values import DemoState
from wfm.domain.agents import Directory
from wfm.domain.errors import DeskError, Refused
from wfm.domain.operations import OperationState
from wfm.domain.people import Actor, Capability, Role
from wfm.domain.plans import PlanRequest, Preview, RouteName, Selection
from wfm.domain.windows import WindowSpec

if TYPE_CHECKING:
    from wfm.desk import Desk
    from wfm.genesys.demo_admin import DemoAdmin

log = logging.getLogger(__name__)

NEEDED_SCOPE = PATCH_AVAILABILITY.scopes[0]
EXAMPLES_PREFERENCE = "examples"
EXAMPLE_AGENTS = 4
EXAMPLE_PATIENCE_S = 90.0
EXAMPLES_ACTOR = Actor(subject="examples", name="example", role=Role.ADMIN)
FINAL = frozenset({OperationState.RESTORED, OperationState.ENDED_EARLY, OperationState.HALTED, OperationState.FAILED})


class DemoControls:
    """The switches of the demo tenant. Everything goes over its HTTP; nothing reaches into its process."""

    def __init__(self, desk: Desk, admin: DemoAdmin) -> None:
        self._desk = desk
        self._admin = admin

    def state(self) -> DemoState:
        """Scenario, scenarios with what each is for, number of agents, limit."""
        info = self._admin.info()
        return DemoState(
            scenario=info.scenario, scenarios=tuple(info.scenarios), agents=info.agents, rate_limit=info.rate_limit
        )

    def switch_scenario(self, name: str, actor: Actor) -> None:
        """Another scenario from now on. Raises BadInput for an unknown one."""
        self._desk.allow(actor, Capability.EXECUTE)
        self._admin.switch_scenario(name)
        self._desk.forget_reads()

    def mend(self, actor: Actor) -> str:
        """Adds the scope that the current client lacks, as an OAuth admin would; gives the scope's name."""
        self._desk.allow(actor, Capability.EXECUTE)
        self._admin.add_scopes(self._desk.current_client.name, (NEEDED_SCOPE,))
        self._desk.forget_reads(tokens=True)
        return NEEDED_SCOPE

    def unmend(self, actor: Actor) -> None:
        """Takes the scope away again, to tell the story once more."""
        self._desk.allow(actor, Capability.EXECUTE)
        self._admin.remove_scopes(self._desk.current_client.name, (NEEDED_SCOPE,))
        self._desk.forget_reads(tokens=True)

    def reset(self, actor: Actor) -> None:
        """Everybody available, clients and counts as at first. Refused while windows hold agents."""
        self._desk.allow(actor, Capability.ADMINISTER)
        if self._desk.open_or_due():
            raise Refused("state", "A window is open or due. End or cancel it before the demo tenant is reset.")
        self._admin.reset()
        self._desk.forget_reads(tokens=True)

    def make_examples(self) -> None:
        """Two short past operations, once for each demo tenant: one failed by the missing scope, one mended.

        They run through the real engine, so that Runs and Failures have something true to show.
        """
        key = self._desk.tenant.key
        if self._desk.ledger.preferences.get(key, EXAMPLES_PREFERENCE):
            return
        self._desk.ledger.preferences.set(key, EXAMPLES_PREFERENCE, "made")
        by_name = {client.name: client.id for client in self._desk.clients()}
        try:
            self._see_out(self._example("example: access missing", by_name["architect-flow"], rehearse=True))
            self._see_out(self._example("example: access mended", by_name["desk"], rehearse=False))
        except (DeskError, KeyError) as error:
            log.warning("An example operation could not be made: %s", error)

    def _example(self, reason: str, client_id: str, *, rehearse: bool) -> str:
        preview = self._example_plan(reason, client_id)
        operation = self._desk.apply(
            preview.request,
            preview.plan_id,
            actor=EXAMPLES_ACTOR,
            request_token=f"example|{self._desk.tenant.key}|{reason}",
            rehearse=rehearse,
            example=True,
            client_id=client_id,
        )
        return operation.id

    def _example_plan(self, reason: str, client_id: str) -> Preview:
        """A plan for the first few agents that can be taken out now."""
        directory = self._desk.directory()
        agents = sorted(agent.id for agent in directory.agents.values() if agent.active)
        request = PlanRequest(
            selection=Selection(agents=tuple(agents[:120])),
            window=WindowSpec(minutes=5, zone=_usual_zone(directory)),
            route=RouteName.AVAILABILITY,
            reason=reason,
        )
        previewer = self._desk.previewer(client_id)
        ready = [row.agent.id for row in previewer.preview(request).rows if row.agent and row.fate.value == "ready"]
        if not ready:
            raise Refused("nobody_ready", "No agent can be taken out just now.")
        few = request.model_copy(update={"selection": Selection(agents=tuple(ready[:EXAMPLE_AGENTS]))})
        return previewer.preview(few)

    def _see_out(self, operation_id: str) -> None:
        """Waits for the end of an example. Who is taken out is put back, also where somebody mends the access meanwhile."""
        if self._wait(operation_id, OperationState.IN_EFFECT) is OperationState.IN_EFFECT:
            self._desk.end_now(operation_id, EXAMPLES_ACTOR)
            self._wait(operation_id)

    def _wait(self, operation_id: str, wanted: OperationState | None = None) -> OperationState:
        deadline = time.monotonic() + EXAMPLE_PATIENCE_S
        while time.monotonic() < deadline:
            state = self._desk.operation(operation_id).operation.state
            if state is wanted or state in FINAL:
                return state
            time.sleep(0.3)
        raise Refused("state", "The worker did not finish the example in time.")


def _usual_zone(directory: Directory) -> str:
    """The zone in which most agents work."""
    zones = Counter(agent.zone for agent in directory.agents.values() if agent.management_unit_id)
    return zones.most_common(1)[0][0] if zones else "UTC"
