"""Data Actions: the list of the tenant, and one run by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from wfm import catalogue
from wfm.desk.dependencies import DeskPart
from wfm.desk.values import ActionResult, ActionStep, DataAction
from wfm.diagnosis import diagnose
from wfm.domain.diagnoses import Evidence
from wfm.domain.errors import BadInput, NotFound, refuse_controls
from wfm.domain.operations import ItemState, Outcome, Phase, Run
from wfm.domain.people import Actor, Capability
from wfm.domain.plans import RouteName
from wfm.genesys.client import Reply
from wfm.genesys.errors import GenesysError
from wfm.genesys.pacing import RequestLane
from wfm.genesys.parse import inside
from wfm.ledger.records import DirectRun, Settlement
from wfm.preview import actions
from wfm.routes.data_action import request_behind

EXECUTE = catalogue.operation("POST /api/v2/integrations/actions/{actionId}/execute")
TEST = catalogue.operation("POST /api/v2/integrations/actions/{actionId}/test")
MAX_INPUT_LENGTH = 10_000


class Actions(DeskPart):
    """The Data Actions of the tenant, tested and executed with the current client."""

    def all(self, *, fresh: bool = False) -> tuple[DataAction, ...]:
        """Return the Data Actions of the tenant, by name. Raises GenesysError."""
        found = [_action(raw) for raw in self._connections.get().reader.actions(fresh=fresh)]
        return tuple(sorted(found, key=lambda action: (action.name.casefold(), action.integration)))

    def get(self, action_id: str) -> DataAction:
        """Return one Data Action by id or name. Raises NotFound, GenesysError."""
        for action in self.all():
            if action_id in (action.id, action.name):
                return action
        raise NotFound(f"This tenant has no Data Action “{action_id}”.")

    def undone_by(self, action_id: str) -> str | None:
        """Return the name of the action that undoes this one as the route data_action would; None where none does.

        Raises BadInput for an action that no plan can take, GenesysError.
        """
        chosen = actions.choose(action_id, self._connections.get().reader.actions())
        return self.get(chosen.restore_id).name if chosen.restore_id else None

    def test(self, action_id: str, inputs: Mapping[str, str], actor: Actor) -> ActionResult:
        """Test the action and return the trace of its steps. A test writes, too: the action does what it does.

        Raises NotAllowed, NotFound, BadInput for inputs that break the contract. A call that fails is a result, not an error.
        """
        return self._run(action_id, TEST, inputs, actor)

    def execute(self, action_id: str, inputs: Mapping[str, str], actor: Actor) -> ActionResult:
        """Execute the action once and record the run. Raises as `test`."""
        return self._run(action_id, EXECUTE, inputs, actor)

    def _run(
        self, action_id: str, operation: catalogue.PlatformOperation, inputs: Mapping[str, str], actor: Actor
    ) -> ActionResult:
        actor.require(Capability.EXECUTE)
        action = self.get(action_id)
        body = _inputs(action, inputs)
        client = self._connections.get().client
        # Evidence without a token: a Data Action acts with the credentials of its integration.
        evidence = Evidence(call=operation.key, via="data_action", behind=request_behind(action.raw))
        started = self._clock()
        try:
            reply = client.send(operation, path={"actionId": action.id}, body=body, lane=RequestLane.SCREEN, retry=False)
        except GenesysError as error:
            result = _failed(error, evidence)
        else:
            result = _answered(reply, evidence, is_test=operation is TEST)
        return replace(result, run=self._record(action, operation, body, actor, started, result))

    def _record(
        self,
        action: DataAction,
        operation: catalogue.PlatformOperation,
        body: Mapping[str, object],
        actor: Actor,
        started: datetime,
        result: ActionResult,
    ) -> Run:
        settlement = _settlement(result, started, self._clock())
        agent_id = str(body.get("userId") or "")
        agent = self._connections.get().reader.directory().agents.get(agent_id)
        wanted = str(body.get("status") or "")
        return self._ledger.runs.record(
            DirectRun(
                tenant_key=self._tenant.key,
                agent_id=agent_id,
                agent_name=agent.name if agent else agent_id,
                route=RouteName.DATA_ACTION.value,
                action=action.name,
                via="data_action",
                call=operation.key,
                phase=Phase.RESTORE if wanted == "available" else Phase.APPLY,
                settlement=settlement,
                started_at=started,
                created_by=actor.name,
                tags={"mode": "test" if operation is TEST else "execute"},
            )
        )


def _answered(reply: Reply, evidence: Evidence, *, is_test: bool) -> ActionResult:
    answer = reply.json if isinstance(reply.json, dict) else {}
    success = bool(answer.get("success")) if is_test else True
    steps = enumerate(answer.get("operations") or [], start=1) if is_test else ()
    shown = answer.get("finalResult", answer) if is_test else reply.json
    return ActionResult(
        success=success,
        status=reply.status,
        result=json.dumps(shown, ensure_ascii=False, indent=2),
        steps=tuple(_step(number, raw) for number, raw in steps),
        diagnosis=None if success else diagnose(reply.status, reply.headers, json.dumps(answer), evidence),
        exchanges=reply.exchanges,
        run=None,
    )


def _failed(error: GenesysError, evidence: Evidence) -> ActionResult:
    return ActionResult(
        success=False,
        status=error.status,
        result=str(error.body or ""),
        steps=(),
        diagnosis=diagnose(error.status, error.headers, error.body, replace(evidence, fault=error.fault)),
        exchanges=error.exchanges,
        run=None,
    )


def _inputs(action: DataAction, inputs: Mapping[str, str]) -> dict[str, object]:
    """Convert what was typed to what the contract takes. Raises BadInput that names the field."""
    body: dict[str, object] = {}
    for name, kind, required in action.inputs:
        value = inputs.get(name, "").strip()
        if not value:
            if required:
                raise BadInput(name, None, f"a {kind}: the contract of {action.name} requires it")
            continue
        if len(value) > MAX_INPUT_LENGTH:
            raise BadInput(name, f"{len(value)} characters", f"at most {MAX_INPUT_LENGTH} characters")
        refuse_controls(name, value, lines=True)
        body[name] = _typed(name, kind, value)
    unknown = sorted(set(inputs) - {name for name, _, _ in action.inputs})
    if unknown:
        raise BadInput(unknown[0], inputs[unknown[0]], f"one of {', '.join(name for name, _, _ in action.inputs)}")
    return body


def _typed(name: str, kind: str, value: str) -> object:
    if kind == "boolean":
        if value.casefold() not in ("true", "false"):
            raise BadInput(name, value, "true or false")
        return value.casefold() == "true"
    try:
        if kind == "integer":
            return int(value)
        if kind == "number":
            return float(value)
        if kind in ("object", "array"):
            return json.loads(value)
    except ValueError:
        raise BadInput(name, value, f"a JSON {kind}") from None
    return value


def _settlement(result: ActionResult, started: datetime, now: datetime) -> Settlement:
    last = result.exchanges[-1] if result.exchanges else None
    diagnosis = result.diagnosis
    return Settlement(
        run_id="",
        agent_id="",
        state=ItemState.APPLIED if result.success else ItemState.FAILED,
        outcome=Outcome.APPLIED if result.success else Outcome.FAILED,
        finished_at=now,
        duration_ms=int((now - started).total_seconds() * 1000),
        status=last.status if last else None,
        code=diagnosis.code if diagnosis else None,
        correlation_id=(diagnosis.correlation_id if diagnosis else None) or (last.correlation_id if last else None),
        diagnosis=diagnosis,
        exchanges=result.exchanges,
    )


def _step(number: int, raw: Mapping[str, object]) -> ActionStep:
    error = raw.get("error")
    result = raw.get("result")
    return ActionStep(
        step=int(str(raw.get("step") or number)),
        name=str(raw.get("name") or ""),
        success=bool(raw.get("success")),
        result=result if isinstance(result, str) else json.dumps(result, ensure_ascii=False) if result is not None else "",
        error=json.dumps(error, ensure_ascii=False) if error else "",
    )


def _action(raw: Mapping[str, object]) -> DataAction:
    schema = inside(raw, "contract", "input", "inputSchema")
    properties = inside(schema, "properties")
    required = inside(schema, "required")
    needed = set(required) if isinstance(required, list) else set()
    inputs = tuple(
        (str(name), str(inside(spec, "type") or "string"), name in needed)
        for name, spec in (properties.items() if isinstance(properties, Mapping) else ())
    )
    return DataAction(
        id=str(raw.get("id") or ""),
        name=str(raw.get("name") or ""),
        category=str(raw.get("category") or ""),
        integration=str(raw.get("integrationId") or ""),
        inputs=inputs,
        request_type=str(inside(raw, "config", "request", "requestType") or ""),
        request_url=str(inside(raw, "config", "request", "requestUrlTemplate") or ""),
        request_template=str(inside(raw, "config", "request", "requestTemplate") or ""),
        raw=raw,
    )
