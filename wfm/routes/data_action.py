"""Route `data_action`: POST /api/v2/integrations/actions/{actionId}/execute, as an Architect flow does it.

Customers write the action: its contract is read once for a phase, and only inputs that the contract names are sent. The
action can't read back what it wrote, so an unknown outcome stays unconfirmed until the agent's state is read in bulk. It
is undone by its counterpart, or by the action itself with the earlier status where its contract takes a status.

Source: Genesys public OpenAPI (integrations).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from wfm import catalogue
from wfm.catalogue import PlatformOperation
from wfm.domain.errors import Refused
from wfm.domain.operations import Operation, Phase
from wfm.domain.plans import RouteName, RouteOffer
from wfm.domain.tenant import TokenFacts
from wfm.domain.windows import Window
from wfm.genesys.errors import GenesysError
from wfm.genesys.pacing import RequestLane
from wfm.routes.base import Left, Prepared, ReadBack, Sender, Task, Verdict, Written, fields

EXECUTE = catalogue.operation("POST /api/v2/integrations/actions/{actionId}/execute")
READ_ACTION = catalogue.operation("GET /api/v2/integrations/actions/{actionId}")

USER_ID, STATUS, REASON = "userid", "status", "reason"
WHOLE = {"expand": "contract", "includeConfig": "true"}
_INPUT = re.compile(r"\$!?\{input\.(\w{1,100})\}")

MEANINGS = {"userid": USER_ID, "agentid": USER_ID, "status": STATUS, "reason": REASON}
"""Input names that the desk can fill, compared without case and underscores."""


class DataActionRoute:
    """Executes an action for each agent. Its runs are marked data_action, to distinguish them from direct calls."""

    name = RouteName.DATA_ACTION
    via = "data_action"
    reads_back = False

    def calls(self, phase: Phase) -> tuple[PlatformOperation, ...]:
        return (EXECUTE,)

    def requests(self, phase: Phase) -> float:
        return 1.0

    def offer(self, window: Window, now: datetime, facts: TokenFacts | None) -> RouteOffer:
        if window.end <= now:
            return RouteOffer(route=self.name, offered=False, best=False, reason="acts now; this window is in the past")
        return RouteOffer(
            route=self.name, offered=True, best=False, reason="runs a Data Action that you choose, as a flow would"
        )

    def prepare(self, client: Sender, operation: Operation, phase: Phase) -> Prepared:
        action_id = action_for(operation, phase)
        if action_id is None:
            return Prepared()
        try:
            lane = RequestLane.RESTORE if phase is Phase.RESTORE else RequestLane.APPLY
            answer = client.send(READ_ACTION, path={"actionId": action_id}, query=WHOLE, lane=lane)
        except GenesysError:
            return Prepared(action=action_id)  # executing needs other rights than reading, so the execution decides
        name = fields(answer.json).get("name")
        inputs = contract_inputs(answer.json)
        if inputs is not None and phase is Phase.RESTORE:
            # The reason explains an absence: agents are made available without it, unless the contract requires one.
            needed = required_inputs(answer.json)
            inputs = frozenset(input_name for input_name in inputs if _meaning(input_name) != REASON or input_name in needed)
        shown = name if isinstance(name, str) and name else action_id
        return Prepared(inputs=inputs, action=shown, behind=request_behind(answer.json))

    def apply(self, client: Sender, task: Task) -> Written | Left:
        return _execute(client, task)

    def restore(self, client: Sender, task: Task) -> Written | Left:
        return _execute(client, task)

    def read_back(self, client: Sender, task: Task) -> ReadBack:
        return ReadBack(verdict=Verdict.UNKNOWN)


def action_for(operation: Operation, phase: Phase) -> str | None:
    """Return the action that a phase executes: to restore the counterpart, else the action itself."""
    if phase is Phase.RESTORE and operation.restore_action_id:
        return operation.restore_action_id
    return operation.action_id


def contract_inputs(action: object) -> frozenset[str] | None:
    """Return the names that the action's input contract takes; None where the answer has no contract."""
    schema = _schema(action)
    return frozenset(str(name) for name in fields(schema["properties"])) if schema else None


def required_inputs(action: object) -> frozenset[str]:
    """Return the names that the contract requires."""
    required = _schema(action).get("required")
    return frozenset(str(name) for name in required) if isinstance(required, list) else frozenset()


def request_behind(action: object) -> str | None:
    """Return the request of an action, "PATCH /api/v2/wfm/users/{userId}/availability"; None where it is not shown."""
    request = fields(fields(fields(action).get("config")).get("request"))
    verb, url = request.get("requestType"), request.get("requestUrlTemplate")
    if not (isinstance(verb, str) and isinstance(url, str) and verb and url):
        return None
    path = _INPUT.sub(lambda found: "{" + found.group(1) + "}", url)
    return f"{verb.upper()} {path.partition('?')[0]}"


def _schema(action: object) -> Mapping[str, object]:
    taken = fields(fields(fields(action).get("contract")).get("input"))
    for form in ("inputSchemaFlattened", "inputSchema"):
        schema = fields(taken.get(form))
        if isinstance(schema.get("properties"), Mapping):
            return schema
    return {}


def _meaning(name: str) -> str | None:
    return MEANINGS.get(name.replace("_", "").casefold())


def mapped_inputs(task: Task) -> dict[str, object]:
    """Return the inputs to send: userId, status and reason under the names of the contract, and only those that it takes."""
    values: dict[str, object] = {
        USER_ID: task.item.agent_id,
        STATUS: task.wanted.value,
        REASON: task.operation.request.reason,
    }
    if task.inputs is None:
        blind = {"userId": values[USER_ID], "status": values[STATUS], "reason": values[REASON]}
        return blind if task.phase is Phase.APPLY else {name: blind[name] for name in ("userId", "status")}
    return {name: values[known] for name in sorted(task.inputs) if (known := _meaning(name)) is not None}


def _execute(client: Sender, task: Task) -> Written:
    action_id = action_for(task.operation, task.phase)
    if action_id is None:
        raise Refused("not_undoable", "No Data Action was chosen for this.")
    inputs = mapped_inputs(task)
    undoes_itself = task.phase is Phase.RESTORE and not task.operation.restore_action_id
    if undoes_itself and not any(_meaning(name) == STATUS for name in inputs):
        raise Refused("not_undoable", "The Data Action takes no status and has no counterpart, so it can't be undone.")
    answer = client.send(EXECUTE, path={"actionId": action_id}, body=inputs, lane=task.lane)
    return Written(marker=None, exchanges=answer.exchanges)
