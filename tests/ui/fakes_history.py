"""A Desk made of values with a history: runs, failure groups, access, Data Actions. For the history screens' tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from streamlit.testing.v1 import AppTest

from tests.ui.fakes import NEEDED, FakeDesk, access_checks, an_agent
from wfm.desk.failures import CauseSeries, FailureBrief, FailureDetail, TouchedOperation
from wfm.desk.imports import ImportFormat, ImportPreview, ImportReport, Imports
from wfm.desk.proofs import Proof, next_state, of_checks
from wfm.desk.retention import RetentionReport, RetentionState
from wfm.desk.values import AccessReport, ActionResult, ActionStep, DataAction, RunDetail
from wfm.domain.diagnoses import Confidence, Diagnosis, Explanation, Kind, Provenance, RulePage, UnknownName
from wfm.domain.errors import BadInput, DeskError, NotAllowed, NotFound, Refused
from wfm.domain.operations import Exchange, FailureGroup, GroupState, Outcome, Phase, Run, RunFilter, RunOrder, RunPage
from wfm.domain.people import Actor, Capability
from wfm.domain.plans import LaneName, LaneState, LaneVerdict
from wfm.domain.tenant import TokenFacts
from wfm.ledger.records import GroupChange, SavedView
from wfm.preview.selection import Index
from wfm.settings import Settings

CALL = "PATCH /api/v2/wfm/users/{userId}/availability"
FINGERPRINT = "5b2e0c8a11114222"
FORBIDDEN = '{"code": "forbidden", "message": "Insufficient permissions for resource access"}'
CAUSE = "The OAuth client architect-flow may read schedules but not update them."


def a_diagnosis(**changes: Any) -> Diagnosis:
    """The brief's 403, read."""
    base = Diagnosis(
        kind=Kind.MISSING_SCOPE,
        status=403,
        code="forbidden",
        message="Insufficient permissions for resource access",
        missing=(NEEDED,),
        divisions=(),
        correlation_id="5b2e0c8a-1111-4222-8333-944445555666",
        retryable=False,
        entity=None,
        chain=("403 forbidden: Insufficient permissions for resource access",),
        rule="missing-update-scope",
        confidence=Confidence.LIKELY,
        provenance=Provenance.BRIEF,
        cause=CAUSE,
        confirm="Reads with the same client work, every update answers 403.",
        fix=f"Add {NEEDED} to the OAuth client architect-flow.",
        who="An OAuth admin.",
    )
    return replace(base, **changes)


def a_run(number: int = 0, outcome: Outcome = Outcome.FAILED, **changes: Any) -> Run:
    """The run of that number: the higher, the older."""
    agent = an_agent(number)
    failed = outcome is Outcome.FAILED
    started = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5, seconds=number)
    base = Run(
        id=f"run-{number:05d}",
        tenant_key="127.0.0.1:8808|org-1",
        operation_id="op-1",
        operation_title="DB upgrade · CHG-1042",
        phase=Phase.APPLY,
        agent_id=agent.id,
        agent_name=agent.name,
        route="availability",
        action=None,
        via="direct",
        call=CALL,
        outcome=outcome,
        status=403 if failed else 200,
        code="forbidden" if failed else None,
        kind=Kind.MISSING_SCOPE if failed else None,
        cause=CAUSE if failed else "",
        rule="missing-update-scope" if failed else "",
        fingerprint=FINGERPRINT if failed else None,
        missing=(NEEDED,) if failed else (),
        correlation_id=f"5b2e0c8a-{number:04d}-4222-8333-944445555666",
        retryable=False if failed else None,
        attempts=1,
        duration_ms=41 + number % 7,
        started_at=started,
        finished_at=started + timedelta(milliseconds=41),
        example=False,
        note="",
    )
    return replace(base, **changes)


def an_exchange(run: Run, number: int = 1, status: int | None = None) -> Exchange:
    """How the tenant answered that run."""
    status = status if status is not None else run.status
    body = FORBIDDEN if status == 403 else '{"status": "unavailable", "reason": "maintenance_window"}'
    return Exchange(
        number=number,
        method="PATCH",
        url=f"http://127.0.0.1:8808/api/v2/wfm/users/{run.agent_id}/availability",
        request_body='{"status":"unavailable","reason":"maintenance_window"}',
        status=status,
        response_headers={"content-type": "application/json", "ININ-Correlation-Id": run.correlation_id or ""},
        response_body=body,
        correlation_id=run.correlation_id,
        fault="",
        started_at=run.started_at,
        duration_ms=41,
    )


def a_group(**changes: Any) -> FailureGroup:
    """The brief's failure, 212 times."""
    now = datetime.now(UTC)
    base = FailureGroup(
        fingerprint=FINGERPRINT,
        tenant_key="127.0.0.1:8808|org-1",
        kind=Kind.MISSING_SCOPE,
        code="forbidden",
        call=CALL,
        rule="missing-update-scope",
        cause=CAUSE,
        missing=(NEEDED,),
        state=GroupState.OPEN,
        first_seen=now - timedelta(hours=2),
        last_seen=now - timedelta(minutes=4),
        runs=212,
        agents=212,
        sample_run="run-00000",
    )
    return replace(base, **changes)


LANES: Mapping[LaneName, LaneVerdict] = {
    LaneName.SCOPE: LaneVerdict(
        state=LaneState.MISSING, evidence=f"holds wfm:schedule:write, needs {NEEDED}", needed=(NEEDED,)
    ),
    LaneName.PERMISSION: LaneVerdict(state=LaneState.NOT_APPLICABLE, evidence="this tenant decides by scope"),
    LaneName.DIVISION: LaneVerdict(state=LaneState.NOT_APPLICABLE, evidence="this tenant decides by scope"),
    LaneName.LICENCE: LaneVerdict(state=LaneState.UNKNOWN, evidence="the answer does not name one"),
}


def an_action(name: str = "set_agent_unavailable", client: str = "architect-flow") -> DataAction:
    """A Data Action with the inputs that the brief's flow gives."""
    schema = {
        "type": "object",
        "required": ["userId"],
        "properties": {
            "userId": {"type": "string", "description": "User id of the agent"},
            "status": {"type": "string", "enum": ["available", "unavailable"], "default": "unavailable"},
            "reason": {"type": "string", "default": "maintenance_window"},
        },
    }
    return DataAction(
        id=f"id-{name}",
        name=name,
        category=f"Genesys Cloud Data Actions ({client})",
        integration=f"integration-{client}",
        inputs=(("reason", "string", False), ("status", "string", False), ("userId", "string", True)),
        request_type="PATCH",
        request_url="/api/v2/wfm/users/${input.userId}/availability",
        request_template='{"status": "${input.status}", "reason": "${input.reason}"}',
        credential_client=None,
        raw={"contract": {"input": {"inputSchema": schema}}, "config": {"timeoutSeconds": 10}},
    )


class SomeSettings(Settings):
    """Settings of which one has no section."""

    def shown(self) -> list[tuple[str, str, str]]:
        return [
            ("WFM_GENESYS_REGION", "not set", "Region of the tenant"),
            ("WFM_GENESYS_CLIENT_SECRET", "set, not shown", "Its secret; never shown, logged or stored"),
            ("WFM_DATA_DIR", ".data", "Folder of the embedded database"),
            ("WFM_BRAND_NEW", "1", "A setting that no section names yet"),
        ]


@dataclass
class HistoryDesk(FakeDesk):
    """FakeDesk with a history. What a test sets is what the screens show; writes are kept in `calls`."""

    settings: Any = field(default_factory=lambda: SomeSettings(_env_file=None))
    kept: list[Run] = field(default_factory=list)
    attempts: dict[str, tuple[Exchange, ...]] = field(default_factory=dict)
    tenant_actions: tuple[DataAction, ...] = ()
    history_error: DeskError | None = None
    access_error: DeskError | None = None
    actions_error: DeskError | None = None
    action_result: ActionResult | None = None
    changes: list[GroupChange] = field(default_factory=list)
    saved: dict[str, SavedView] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    import_error: DeskError | None = None
    retention_last: RetentionState | None = None
    retention_error: DeskError | None = None
    expired: int = 0
    archive_folder: Path = Path("archive")

    def _read(self) -> None:
        if self.history_error is not None:
            raise self.history_error

    # --- runs
    def runs(self, which: RunFilter, cursor: str | None = None, limit: int = 50, order: RunOrder = RunOrder.NEWEST) -> RunPage:
        self._read()
        self.calls.append(("runs", which, cursor))
        found = [run for run in self.kept if _matches(run, which)]
        if order is RunOrder.OLDEST:
            found.reverse()
        elif order in (RunOrder.STATUS, RunOrder.STATUS_DOWN):
            down = -1 if order is RunOrder.STATUS_DOWN else 1
            found.sort(key=lambda run: (run.status is None, down * (run.status or 0)))
        try:
            start = int(cursor) if cursor else 0
        except ValueError:
            raise BadInput("cursor", cursor, "a cursor that a page gave") from None
        page = tuple(found[start : start + limit])
        older = str(start + limit) if start + limit < len(found) else None
        newer = str(max(0, start - limit)) if start else None
        return RunPage(runs=page, newer=newer, older=older, total=len(found), at_least=len(found))

    def run(self, run_id: str) -> RunDetail:
        self._read()
        run = next((run for run in self.kept if run.id == run_id), None)
        if run is None:
            raise NotFound("There is no such run in this tenant.")
        failed = run.outcome is Outcome.FAILED
        return RunDetail(
            run=run,
            exchanges=self.attempts.get(run_id, (an_exchange(run),) if run.status else ()),
            diagnosis=a_diagnosis() if failed else None,
            lanes=LANES if failed else {},
            same_failure=next((group for group in self.groups_failed if group.fingerprint == run.fingerprint), None),
        )

    def runs_over_time(
        self, since: datetime, until: datetime, step_minutes: int, which: RunFilter | None = None
    ) -> list[tuple[datetime, Outcome, int]] | None:
        self._read()
        which = replace(which or RunFilter(), since=None, until=None)
        if which.agent_id or which.text or which.team:
            return None
        step = step_minutes * 60
        counts: dict[tuple[datetime, Outcome], int] = {}
        for run in self.kept:
            if _matches(run, which) and since <= run.started_at < until:
                at = datetime.fromtimestamp(run.started_at.timestamp() // step * step, UTC)
                counts[at, run.outcome] = counts.get((at, run.outcome), 0) + 1
        return [(at, outcome, n) for (at, outcome), n in sorted(counts.items())]

    def first_run_at(self) -> datetime | None:
        return min((run.started_at for run in self.kept), default=None)

    def operation_titles(self, limit: int = 100) -> dict[str, tuple[str, datetime]]:
        found = [view.operation for view in self.operations(limit=limit)]
        return {one.id: (one.title, one.window.start) for one in found}

    def totals(self, since: datetime | None = None, until: datetime | None = None) -> dict[Outcome, int]:
        self._read()
        found: dict[Outcome, int] = {}
        for run in self.kept:
            if (since is None or run.started_at >= since) and (until is None or run.started_at < until):
                found[run.outcome] = found.get(run.outcome, 0) + 1
        return found

    def views(self, actor: Actor) -> tuple[SavedView, ...]:
        return tuple(sorted(self.saved.values(), key=lambda view: view.name))

    def default_view(self, actor: Actor) -> SavedView | None:
        return next((view for view in self.saved.values() if view.is_default), None)

    def save_view(self, name: str, query: Mapping[str, str], actor: Actor, *, is_default: bool = False) -> SavedView:
        if not name.strip():
            raise BadInput("name", None, "a name of 1 to 80 characters")
        if is_default:
            self.saved = {key: replace(view, is_default=False) for key, view in self.saved.items()}
        view = SavedView(name=name, query=dict(query), is_default=is_default, changed_at=datetime.now(UTC))
        self.saved[name] = view
        return view

    def delete_view(self, name: str, actor: Actor) -> None:
        del self.saved[name]

    # --- imports and retention
    def _imports(self) -> Imports:
        made = Imports.__new__(Imports)
        made._tenant, made._clock = self.tenant, self.clock
        made._ledger = _Remembering(self.imported)  # type: ignore[assignment]
        people = Index(self.people)
        made._known_agent = lambda: lambda cell: "".join(one.id for one in people.agents_named(cell)[:1])  # type: ignore[method-assign]
        return made

    def import_preview(
        self, source: BinaryIO, fmt: ImportFormat, mapping: Mapping[str, str] | None = None, *, zone: str = ""
    ) -> ImportPreview:
        return self._imports().preview(source, fmt, mapping, zone=zone)

    def import_runs(
        self,
        source: BinaryIO,
        fmt: ImportFormat,
        actor: Actor,
        *,
        mapping: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
        zone: str = "",
        name: str = "",
    ) -> ImportReport:
        if self.import_error is not None:
            raise self.import_error
        self.calls.append(("import_runs", fmt, dict(mapping or {}), zone, name))
        return self._imports().add(source, fmt, actor, mapping=mapping, progress=progress, zone=zone, name=name)

    def retention_state(self) -> RetentionState | None:
        return self.retention_last

    def retention_dry_run(self, days: int | None = None) -> RetentionReport:
        return self._retention(days or 0, dry_run=True)

    def retain(self, actor: Actor, days: int | None = None) -> RetentionReport:
        if not actor.may(Capability.ADMINISTER):
            raise NotAllowed("Not allowed.")
        if self.retention_error is not None:
            raise self.retention_error
        self.calls.append(("retain", days))
        report = self._retention(days or 0, dry_run=False)
        self.expired = 0
        return report

    def _retention(self, days: int, *, dry_run: bool) -> RetentionReport:
        return RetentionReport(
            days=days,
            before=self.clock() - timedelta(days=days),
            dry_run=dry_run,
            rows=self.expired,
            files=() if dry_run else (Path("archive/runs-1-2.parquet"),),
            examples=2,
        )

    # --- failures
    def failures(self, states: frozenset[Any] | None = None) -> list[FailureGroup]:
        self._read()
        return self.groups_failed

    def failure(self, fingerprint: str) -> FailureGroup:
        for group in self.groups_failed:
            if group.fingerprint == fingerprint:
                return group
        raise NotFound("There is no such failure group.")

    def failure_brief(self, group: FailureGroup) -> FailureBrief:
        detail = self.run(group.sample_run)
        found = detail.diagnosis
        fix, who = (found.fix, found.who) if found else ("", "")
        return FailureBrief(client="architect-flow", fix=fix, who=who, example=detail.run.example)

    def waiting_agents(self, groups: Collection[FailureGroup]) -> int | None:
        return len({run.agent_id for run in self.kept if run.fingerprint in {group.fingerprint for group in groups}})

    def causes_over_time(self, since: datetime, until: datetime, step_minutes: int) -> tuple[CauseSeries, ...]:
        self._read()
        found = []
        for group in self.groups_failed:
            at = [
                run.started_at for run in self.kept if run.fingerprint == group.fingerprint and since <= run.started_at < until
            ]
            if at:
                found.append(CauseSeries(group=group, points=((min(at), len(at)),)))
        return tuple(found)

    def failure_series(self, fingerprint: str, since: datetime, step_minutes: int = 60) -> list[tuple[datetime, int]]:
        return [(since + timedelta(minutes=step_minutes * n), n) for n in range(5)]

    def failure_detail(self, fingerprint: str) -> FailureDetail:
        group = self.failure(fingerprint)
        runs = [run for run in self.kept if run.fingerprint == fingerprint]
        titles = {run.operation_id: run.operation_title for run in runs if run.operation_id}
        return FailureDetail(
            group=group,
            sample=self.run(group.sample_run),
            operations=tuple(
                TouchedOperation(id=key, title=title, runs=sum(run.operation_id == key for run in runs))
                for key, title in titles.items()
            ),
            by_hand=sum(run.operation_id is None for run in runs),
            changes=tuple(self.changes),
        )

    def mark_group(
        self, fingerprint: str, state: GroupState, actor: Actor, note: str = "", expected: int | None = None
    ) -> FailureGroup:
        self._allow(actor)
        self._fresh(fingerprint, expected)
        self.calls.append(("mark_group", fingerprint, state, note))
        return self._changed(fingerprint, state=state, state_at=datetime.now(UTC), state_by=actor.name, note=note)

    def amend_group(
        self, fingerprint: str, actor: Actor, *, owner: str | None = None, note: str = "", expected: int | None = None
    ) -> FailureGroup:
        self._allow(actor)
        group = self._fresh(fingerprint, expected)
        self.calls.append(("amend_group", fingerprint, owner, note))
        return self._changed(fingerprint, owner=group.owner if owner is None else owner, note=note or group.note)

    def probe_group(self, fingerprint: str, actor: Actor | None = None) -> Proof:
        group = self.failure(fingerprint)
        found, sentence = of_checks(group.call, access_checks(self.scopes), "architect-flow")
        state = next_state(group, found, datetime.now(UTC))
        if state is not None:
            group = self._changed(fingerprint, state=state, state_by="proof by reading", note=sentence)
        return Proof(state=found, sentence=sentence, group=group)

    def _fresh(self, fingerprint: str, expected: int | None) -> FailureGroup:
        group = self.failure(fingerprint)
        if expected is not None and expected != group.revision:
            raise Refused("stale", f"{group.state_by} changed this cause meanwhile: it is {group.state}, “{group.note}”.")
        return group

    def _changed(self, fingerprint: str, **values: Any) -> FailureGroup:
        before = self.failure(fingerprint)
        changed = replace(before, revision=before.revision + 1, **values)
        self.groups_failed = [changed if group.fingerprint == fingerprint else group for group in self.groups_failed]
        return changed

    def hand_off(self, fingerprint: str) -> str:
        return f"# Please change one thing\n\nAdd `{NEEDED}` to architect-flow."

    # --- access
    def access(self, fresh: bool = False) -> AccessReport:
        self.calls.append(("access", fresh))
        if self.access_error is not None:
            raise self.access_error
        held = NEEDED in self.scopes
        return AccessReport(
            token=TokenFacts(
                client_id="c1",
                client_name="architect-flow",
                grant_type="client-credentials",
                scopes=self.scopes,
                role_divisions=(),
                organization_id="org-1",
                organization_name="Demo organization",
                expires_at=self.clock() + timedelta(hours=20),
            ),
            checks={"availability": access_checks(self.scopes), "adherence": access_checks(self.scopes)[1:]},
            reads_ok=14,
            writes_ok=3 if held else 0,
            writes_failed=212,
            asymmetry="" if held else "architect-flow has 14 reads that worked and 212 writes that failed, none that worked.",
            as_of=self.clock(),
        )

    def explain(self, text: str) -> Explanation:
        return Explanation(
            form="JSON",
            fields=(("code", "forbidden"), ("message", "Insufficient permissions for resource access")),
            call=CALL,
            diagnosis=a_diagnosis(),
            page=RulePage(
                key="missing-update-scope",
                kind=Kind.MISSING_SCOPE,
                title="The client may read but not update",
                means="The token carries a scope to read and lacks the one to update.",
                confirm="Reads work, updates answer 403.",
                fix="Add the scope.",
                who_can="An OAuth admin.",
                provenance="brief",
                retry="Not before it is mended.",
                example=FORBIDDEN,
                example_status=403,
            ),
            unknown=(
                UnknownName(
                    what="path",
                    given="/api/v2/wfm/users/{id}/availability",
                    nearest="/api/v2/workforcemanagement/agents/me",
                    sentence="/api/v2/wfm/users/{id}/availability is not in Genesys's published API; nearest: /api/v2/x.",
                ),
            ),
        )

    # --- Data Actions
    def actions(self, fresh: bool = False) -> tuple[DataAction, ...]:
        if self.actions_error is not None:
            raise self.actions_error
        return self.tenant_actions

    def test_action(self, action_id: str, inputs: Mapping[str, str], actor: Actor) -> ActionResult:
        return self._acted("test_action", action_id, inputs, actor)

    def execute_action(self, action_id: str, inputs: Mapping[str, str], actor: Actor) -> ActionResult:
        return self._acted("execute_action", action_id, inputs, actor)

    def _acted(self, what: str, action_id: str, inputs: Mapping[str, str], actor: Actor) -> ActionResult:
        if not actor.may(Capability.EXECUTE):
            raise NotAllowed(actor.read_only_reason or "Not allowed.")
        self.calls.append((what, action_id, dict(inputs)))
        assert self.action_result is not None
        return self.action_result


@dataclass
class _Remembering:
    """As much of a ledger as an import needs: which runs came in before."""

    digests: set[str]

    def alone(self, tenant_key: str, task: str, *, passing: bool = False) -> AbstractContextManager[bool]:
        return nullcontext(True)

    def record_imported(self, tenant_key: str, batch: list[tuple[str, Any]]) -> int:
        new = {digest for digest, _ in batch} - self.digests
        self.digests |= new
        return len(new)


def a_failed_test(run: Run) -> ActionResult:
    """What a test answers when the action fails: HTTP 200, success false."""
    return ActionResult(
        success=False,
        status=200,
        result="{}",
        steps=(
            ActionStep(step=1, name="Validate input", success=True, result="ok", error=""),
            ActionStep(step=2, name="Execute request", success=False, result="", error=FORBIDDEN),
        ),
        diagnosis=a_diagnosis(),
        exchanges=(an_exchange(run, status=200),),
        run=run,
    )


def _matches(run: Run, which: RunFilter) -> bool:
    exact = (
        "outcome",
        "kind",
        "route",
        "action",
        "operation_id",
        "agent_id",
        "status",
        "code",
        "correlation_id",
        "fingerprint",
    )
    return (
        all(getattr(which, name) in (None, getattr(run, name)) for name in exact)
        and which.phase in (None, run.phase)
        and (which.since is None or run.started_at >= which.since)
        and (which.until is None or run.started_at < which.until)
        and which.text.casefold() in f"{run.agent_name} {run.code} {FORBIDDEN}".casefold()
    )


def a_real_tenant(**changes: Any) -> HistoryDesk:
    """A Desk on a tenant that is not the demo, with an OpenID provider: boss@example.com is admin."""
    settings = Settings(_env_file=None, oidc_metadata_url="https://id.example/.well-known", admins=("boss@example.com",))
    return HistoryDesk(is_demo=False, settings=settings, **changes)


def somebody(email: str = "viewer@example.com") -> dict[str, Any]:
    """The claims of somebody who signed in just now."""
    return {"is_logged_in": True, "sub": email, "email": email, "iat": datetime.now(UTC).timestamp()}


def words(app: AppTest) -> str:
    """Everything that is written on a screen."""
    kinds = (app.markdown, app.caption, app.warning, app.error, app.info, app.code, app.title, app.subheader)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def tables(app: AppTest) -> str:
    """Everything that stands in the tables of a screen."""
    return "\n".join(table.value.to_string(max_colwidth=400) for table in app.table)


def button(app: AppTest, label: str) -> Any:
    """The button of that label."""
    return next(found for found in app.button if found.label == label)
