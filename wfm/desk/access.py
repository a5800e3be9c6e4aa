"""Access, Data Actions by hand, and health."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from wfm import catalogue
from wfm.desk.core import DeskCore
from wfm.desk.values import ALIVE_S, AccessReport, ActionResult, ActionStep, DataAction, Health, HeldUp
from wfm.diagnosis import diagnose
from wfm.domain.diagnoses import Evidence
from wfm.domain.errors import BadInput, DeskError, NotFound, refuse_controls
from wfm.domain.operations import Exchange, ItemState, Outcome, Phase, Run
from wfm.domain.people import Actor, Capability
from wfm.domain.plans import RouteName
from wfm.domain.workers import PASSED_START, WorkerState
from wfm.genesys.client import Reply
from wfm.genesys.errors import GenesysError
from wfm.genesys.pacing import RequestLane
from wfm.ledger.records import DirectRun, Settlement, WorkerSeen
from wfm.preview.access import checks_for
from wfm.routes import by_name
from wfm.routes.data_action import request_behind

EXECUTE = catalogue.operation("POST /api/v2/integrations/actions/{actionId}/execute")
TEST = catalogue.operation("POST /api/v2/integrations/actions/{actionId}/test")
INPUT_LIMIT = 10_000


class AccessDesk(DeskCore):
    """What the token may do, and Data Actions run by hand."""

    def access(self, fresh: bool = False) -> AccessReport:
        """The four lanes of every call of every route, and what the ledger knows of reads and writes."""
        connection = self.connection()
        with self.reads_counted(connection):
            facts = connection.reader.token(fresh=fresh)
        reads_ok, writes_ok, writes_failed = self.ledger.client_usage.counts(self.tenant.key, connection.id)
        checks = {}
        for name in RouteName:
            route = by_name(name)
            calls = dict.fromkeys((*route.calls(Phase.APPLY), *route.calls(Phase.RESTORE)))
            checks[name.value] = checks_for(facts, tuple(calls))
        return AccessReport(
            token=facts,
            checks=checks,
            reads_ok=reads_ok,
            writes_ok=writes_ok,
            writes_failed=writes_failed,
            asymmetry=_asymmetry(facts.client_name, reads_ok, writes_ok, writes_failed),
            as_of=self.clock(),
        )

    # --- Data Actions ------------------------------------------------------------------------------------------------

    def actions(self, fresh: bool = False) -> tuple[DataAction, ...]:
        """The Data Actions of the tenant by name."""
        found = [_action(raw) for raw in self.connection().reader.actions(fresh=fresh)]
        return tuple(sorted(found, key=lambda action: (action.name.casefold(), action.integration)))

    def action(self, action_id: str) -> DataAction:
        """One Data Action. Raises NotFound."""
        for action in self.actions():
            if action_id in (action.id, action.name):
                return action
        raise NotFound(f"This tenant has no Data Action “{action_id}”.")

    def test_action(self, action_id: str, inputs: Mapping[str, str], actor: Actor) -> ActionResult:
        """Runs the action's test with its step trace. The action does what it does: a test writes too."""
        self.allow(actor, Capability.EXECUTE)
        action = self.action(action_id)
        return self._run(action, TEST, inputs, actor)

    def execute_action(self, action_id: str, inputs: Mapping[str, str], actor: Actor) -> ActionResult:
        """Executes the action once and records the run."""
        self.allow(actor, Capability.EXECUTE)
        action = self.action(action_id)
        return self._run(action, EXECUTE, inputs, actor)

    def _run(
        self, action: DataAction, operation: catalogue.PlatformOperation, inputs: Mapping[str, str], actor: Actor
    ) -> ActionResult:
        body = _inputs(action, inputs)
        client = self.connection().client
        started = self.clock()
        try:
            reply = client.send(operation, path={"actionId": action.id}, body=body, lane=RequestLane.SCREEN, retry=False)
        except GenesysError as error:
            return self._failed(action, operation, body, actor, started, error)
        return self._answered(action, operation, body, actor, started, reply)

    def _answered(
        self,
        action: DataAction,
        operation: catalogue.PlatformOperation,
        body: Mapping[str, object],
        actor: Actor,
        started: datetime,
        reply: Reply,
    ) -> ActionResult:
        answer = reply.json if isinstance(reply.json, dict) else {}
        is_test = operation is TEST
        success = bool(answer.get("success")) if is_test else True
        steps = (
            tuple(_step(number, raw) for number, raw in enumerate(answer.get("operations") or [], start=1)) if is_test else ()
        )
        diagnosis = None
        if not success:
            diagnosis = diagnose(reply.status, reply.headers, json.dumps(answer), _action_evidence(action, operation))
        settlement = _settlement(
            self.clock(), started, reply.exchanges, Outcome.APPLIED if success else Outcome.FAILED, diagnosis=diagnosis
        )
        run = self._record(action, operation, body, actor, started, settlement)
        shown = answer.get("finalResult", answer) if is_test else reply.json
        return ActionResult(
            success=success,
            status=reply.status,
            result=json.dumps(shown, ensure_ascii=False, indent=2),
            steps=steps,
            diagnosis=diagnosis,
            exchanges=reply.exchanges,
            run=run,
        )

    def _failed(
        self,
        action: DataAction,
        operation: catalogue.PlatformOperation,
        body: Mapping[str, object],
        actor: Actor,
        started: datetime,
        error: GenesysError,
    ) -> ActionResult:
        evidence = replace(_action_evidence(action, operation), fault=error.fault)
        diagnosis = diagnose(error.status, error.headers, error.body, evidence)
        settlement = _settlement(self.clock(), started, error.exchanges, Outcome.FAILED, diagnosis=diagnosis)
        run = self._record(action, operation, body, actor, started, settlement)
        return ActionResult(
            success=False,
            status=error.status,
            result=str(error.body or ""),
            steps=(),
            diagnosis=diagnosis,
            exchanges=error.exchanges,
            run=run,
        )

    def _record(
        self,
        action: DataAction,
        operation: catalogue.PlatformOperation,
        body: Mapping[str, object],
        actor: Actor,
        started: datetime,
        settlement: Settlement,
    ) -> Run:
        agent_id = str(body.get("userId") or "")
        agent = self.connection().reader.directory().agents.get(agent_id)
        wanted = str(body.get("status") or "")
        return self.ledger.runs.record(
            DirectRun(
                tenant_key=self.tenant.key,
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

    # --- health ------------------------------------------------------------------------------------------------------

    def worker_alive(self) -> bool:
        """Whether a worker of this tenant that has passed its start gave a heartbeat lately. Raises StoreFault."""
        return bool(_alive(self.ledger.workers.all(self.tenant.key), self.clock()))

    def held_up(self) -> HeldUp | None:
        """What a read that were asked for now would wait for: None when it goes at once, or when nobody knows."""
        now = self.clock()
        try:
            usage = self.connection().client.pacer.usage()
        except DeskError:
            return None
        until = usage.soonest(1, now)
        return HeldUp(limit_per_minute=usage.limit_per_minute, until=until) if until > now else None

    def health(self) -> Health:
        """Tenant, token, limit and worker in one value. Never raises: what is wrong is a sentence in `problems`."""
        now = self.clock()
        problems: list[str] = []
        token_until = None
        limit, used, blocked_until, reachable = 0, 0, None, True
        try:
            connection = self.connection()
            usage = connection.client.pacer.usage()
            limit, used, blocked_until = usage.limit_per_minute, usage.used, usage.blocked_until
            token_until = connection.reader.token().expires_at
        except GenesysError as error:
            reachable = error.status is not None
            problems.append(str(error))
            if self.tenant.is_demo and not reachable:
                problems.append(
                    "The demo tenant runs with the desk: if it stopped, end the desk and start it again. Nothing is lost."
                )
        except DeskError as error:
            problems.append(str(error))
        if blocked_until is not None and blocked_until > now:
            problems.append(f"The tenant asked to wait until {blocked_until:%H:%M:%S} UTC: its rate limit is used up.")
        try:
            workers = self.ledger.workers.all(self.tenant.key)
        except DeskError as error:
            workers = []
            problems.append(str(error))
        alive = _alive(workers, now)
        if not alive:
            starting = any(seen.state == WorkerState.STARTING and _lately(seen, now) for seen in workers)
            help_ = "One is starting." if starting else "Start one with “python -m wfm worker”."
            problems.append(f"No worker is alive: windows neither start nor end. {help_}")
        return Health(
            tenant=self.tenant,
            reachable=reachable,
            token_until=token_until,
            limit_per_minute=limit,
            used=used,
            blocked_until=blocked_until,
            worker_alive=bool(alive),
            worker_seen_at=max((seen.seen_at for seen in workers), default=None),
            workers=len(alive),
            problems=tuple(problems),
        )


def _alive(workers: Sequence[WorkerSeen], now: datetime) -> list[WorkerSeen]:
    return [seen for seen in workers if seen.state in PASSED_START and _lately(seen, now)]


def _lately(seen: WorkerSeen, now: datetime) -> bool:
    return (now - seen.seen_at).total_seconds() < ALIVE_S


def _action_evidence(action: DataAction, operation: catalogue.PlatformOperation) -> Evidence:
    """A Data Action acts with credentials of its integration: the desk's own token says nothing about it."""
    return Evidence(call=operation.key, via="data_action", behind=request_behind(action.raw))


def _asymmetry(client: str, reads_ok: int, writes_ok: int, writes_failed: int) -> str:
    if reads_ok and writes_failed and not writes_ok:
        return (
            f"{client} has {reads_ok} reads that worked and {writes_failed} writes that failed, none that worked: "
            "expect a missing right to write, not an expired token."
        )
    return ""


def _inputs(action: DataAction, inputs: Mapping[str, str]) -> dict[str, object]:
    """What the contract takes, from what was typed. Raises BadInput naming the field."""
    body: dict[str, object] = {}
    for name, kind, required in action.inputs:
        value = inputs.get(name, "").strip()
        if not value:
            if required:
                raise BadInput(name, None, f"a {kind}: the contract of {action.name} requires it")
            continue
        if len(value) > INPUT_LIMIT:
            raise BadInput(name, f"{len(value)} characters", f"at most {INPUT_LIMIT} characters")
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


def _settlement(
    now: datetime, started: datetime, exchanges: tuple[Exchange, ...], outcome: Outcome, **extra: object
) -> Settlement:
    last = exchanges[-1] if exchanges else None
    diagnosis = extra.get("diagnosis")
    return Settlement(
        run_id="",
        agent_id="",
        state=ItemState.APPLIED if outcome is Outcome.APPLIED else ItemState.FAILED,
        outcome=outcome,
        finished_at=now,
        duration_ms=int((now - started).total_seconds() * 1000),
        status=last.status if last else None,
        code=getattr(diagnosis, "code", None),
        correlation_id=getattr(diagnosis, "correlation_id", None) or (last.correlation_id if last else None),
        diagnosis=diagnosis,  # type: ignore[arg-type]
        exchanges=exchanges,
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
    def inside(value: object, *names: str) -> object:
        for name in names:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

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
        credential_client=None,
        raw=raw,
    )
