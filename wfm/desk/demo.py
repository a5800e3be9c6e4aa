"""What only the demo tenant can do: scenarios, the missing scope of a client, and the example operations."""

from __future__ import annotations

import logging
import time
from collections import Counter

from wfm.catalogue import PATCH_AVAILABILITY
from wfm.desk.clients import Clients
from wfm.desk.dependencies import DeskDependencies
from wfm.desk.plans import Plans
from wfm.desk.values import DemoState
from wfm.desk.windows import Windows
from wfm.domain.agents import Directory
from wfm.domain.errors import DeskError, Refused
from wfm.domain.operations import OperationState
from wfm.domain.people import Actor, Capability, Role
from wfm.domain.plans import PlanRequest, Preview, RouteName, Selection
from wfm.domain.windows import WindowSpec
from wfm.genesys.demo_admin import DemoAdmin

log = logging.getLogger(__name__)

NEEDED_SCOPE = PATCH_AVAILABILITY.scopes[0]
EXAMPLES_PREFERENCE = "examples"
EXAMPLE_AGENTS = 4
EXAMPLE_PATIENCE_S = 90.0
EXAMPLES_ACTOR = Actor(subject="examples", name="example", role=Role.ADMIN)
FINAL = frozenset({OperationState.RESTORED, OperationState.ENDED_EARLY, OperationState.HALTED, OperationState.FAILED})


class DemoControls:
    """Switches of the demo tenant, over HTTP. Every method raises GenesysError; those with an actor NotAllowed."""

    def __init__(
        self, dependencies: DeskDependencies, admin: DemoAdmin, *, clients: Clients, plans: Plans, windows: Windows
    ) -> None:
        self._admin = admin
        self._tenant_key = dependencies.tenant.key
        self._ledger = dependencies.ledger
        self._connections = dependencies.connections
        self._clients = clients
        self._plans = plans
        self._windows = windows

    def state(self) -> DemoState:
        """Return the scenario, all scenarios with their purpose, the number of agents and the limit."""
        info = self._admin.info()
        return DemoState(
            scenario=info.scenario, scenarios=tuple(info.scenarios), agents=info.agents, rate_limit=info.rate_limit
        )

    def switch_scenario(self, name: str, actor: Actor) -> None:
        """Switch to another scenario. Raises BadInput for an unknown one."""
        actor.require(Capability.EXECUTE)
        self._admin.switch_scenario(name)
        self._connections.forget_reads()

    def add_scope(self, actor: Actor) -> str:
        """Add the scope that the current client lacks, as an OAuth admin would; return its name."""
        actor.require(Capability.EXECUTE)
        self._admin.add_scopes(self._clients.current.name, (NEEDED_SCOPE,))
        self._connections.forget_reads(tokens=True)
        return NEEDED_SCOPE

    def remove_scope(self, actor: Actor) -> None:
        """Take the scope away again, to tell the story once more."""
        actor.require(Capability.EXECUTE)
        self._admin.remove_scopes(self._clients.current.name, (NEEDED_SCOPE,))
        self._connections.forget_reads(tokens=True)

    def reset(self, actor: Actor) -> None:
        """Make all agents available, and clients and counts as at first. Raises Refused while a window is open or due."""
        actor.require(Capability.ADMINISTER)
        if self._windows.open_or_due():
            raise Refused("state", "A window is open or due. End or cancel it before the demo tenant is reset.")
        self._admin.reset()
        self._connections.forget_reads(tokens=True)

    def make_examples(self) -> None:
        """Make two short operations, once for each demo tenant: one fails by the missing scope, one works.

        They run through the real engine, so that Runs and Failures have something true to show.
        """
        if self._ledger.preferences.get(self._tenant_key, EXAMPLES_PREFERENCE):
            return
        self._ledger.preferences.set(self._tenant_key, EXAMPLES_PREFERENCE, "made")
        by_name = {client.name: client.id for client in self._clients.all()}
        try:
            self._see_out(self._example("example: access missing", by_name["architect-flow"], rehearse=True))
            self._see_out(self._example("example: access fixed", by_name["desk"], rehearse=False))
        except (DeskError, KeyError) as error:
            log.warning("An example operation could not be made: %s", error)

    def _example(self, reason: str, client_id: str, *, rehearse: bool) -> str:
        preview = self._example_plan(reason, client_id)
        operation = self._plans.apply(
            preview.request,
            preview.plan_id,
            actor=EXAMPLES_ACTOR,
            request_token=f"example|{self._tenant_key}|{reason}",
            rehearse=rehearse,
            example=True,
            client_id=client_id,
        )
        return operation.id

    def _example_plan(self, reason: str, client_id: str) -> Preview:
        """Preview a plan for the first few agents that can be taken out now."""
        connection = self._connections.get(client_id)
        directory = connection.reader.directory()
        agents = sorted(agent.id for agent in directory.agents.values() if agent.active)
        request = PlanRequest(
            selection=Selection(agents=tuple(agents[:120])),
            window=WindowSpec(minutes=5, zone=_usual_zone(directory)),
            route=RouteName.AVAILABILITY,
            reason=reason,
        )
        ready = [row.agent.id for row in connection.previewer.preview(request).rows if row.agent and row.fate.value == "ready"]
        if not ready:
            raise Refused("nobody_ready", "No agent can be taken out just now.")
        few = request.model_copy(update={"selection": Selection(agents=tuple(ready[:EXAMPLE_AGENTS]))})
        return connection.previewer.preview(few)

    def _see_out(self, operation_id: str) -> None:
        """Wait for the end of an example. Agents that are out are restored, also where the access is fixed meanwhile."""
        if self._wait(operation_id, OperationState.IN_EFFECT) is OperationState.IN_EFFECT:
            self._windows.end(operation_id, EXAMPLES_ACTOR)
            self._wait(operation_id)

    def _wait(self, operation_id: str, wanted: OperationState | None = None) -> OperationState:
        deadline = time.monotonic() + EXAMPLE_PATIENCE_S
        while time.monotonic() < deadline:
            state = self._windows.get(operation_id).operation.state
            if state is wanted or state in FINAL:
                return state
            time.sleep(0.3)
        raise Refused("state", "The worker did not finish the example in time.")


def _usual_zone(directory: Directory) -> str:
    """Return the zone in which most agents work."""
    zones = Counter(agent.zone for agent in directory.agents.values() if agent.management_unit_id)
    return zones.most_common(1)[0][0] if zones else "UTC"
