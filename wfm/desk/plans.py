"""Planning: who there is, what a plan would do, and applying exactly the plan that was seen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property

from wfm.desk.core import DeskCore
from wfm.domain.agent_lists import AgentList
from wfm.domain.agents import Agent, Directory, Group, GroupKind
from wfm.domain.errors import Refused, refuse_controls
from wfm.domain.operations import Operation
from wfm.domain.people import Actor, Capability
from wfm.domain.plans import PlanRequest, Preview, ResolvedSelection, Selection, refuse_signs
from wfm.ledger.records import NewItem, NewOperation
from wfm.preview import Previewer, differences

SEEN_PLANS = 20
REHEARSABLE = frozenset({"access_missing"})


class PlanDesk(DeskCore):
    """Reads the directory, previews plans, applies them."""

    @cached_property
    def _previewers(self) -> dict[str, Previewer]:
        """By OAuth client; guarded by the lock."""
        return {}

    @cached_property
    def _seen(self) -> OrderedDict[str, Mapping[str, object]]:
        """What the plans seen lately rested on, to tell what changed when one is stale; guarded by the lock."""
        return OrderedDict()

    # --- who ---------------------------------------------------------------------------------------------------------

    def directory(self, fresh: bool = False) -> Directory:
        """Everybody and every group, at most ten minutes old unless `fresh`."""
        return self.connection().reader.directory(fresh=fresh)

    def groups(self, kind: GroupKind) -> tuple[Group, ...]:
        """The groups of one kind by name."""
        found = (group for group in self.directory().groups if group.kind is kind)
        return tuple(sorted(found, key=lambda group: group.name.casefold()))

    def search_agents(self, text: str, limit: int = 50) -> tuple[Agent, ...]:
        """Agents whose name or e-mail contains every word of the text, by name, without regard to case and accents."""
        if not text.strip():
            return ()
        return self.resolve(Selection(search=text)).agents[:limit]

    def resolve(self, selection: Selection) -> ResolvedSelection:
        """Who a selection is. Raises BadInput for an unknown group, an empty selection or control characters."""
        refuse_signs(selection)
        return self.previewer().resolve(selection)

    def agent_list(self, data: bytes, column: int | None = None) -> AgentList:
        """Whom a file of any program names, by the column of this index, or by the one that its cells speak for.

        Raises BadInput for a file that is no list.
        """
        return self.previewer().agent_list(data, column)

    def pasted_list(self, text: str, column: int | None = None) -> AgentList:
        """Whom a pasted text names: the rows of a table, or the words of any other text, also those that name nobody."""
        return self.previewer().pasted_list(text, column)

    # --- what would happen -------------------------------------------------------------------------------------------

    def previewer(self, client_id: str | None = None) -> Previewer:
        """The preview room, wired to one client's reads and to the windows that hold agents already."""
        connection = self.connection(client_id)
        with self._lock:
            if connection.id not in self._previewers:
                self._previewers[connection.id] = Previewer(
                    connection.reader,
                    held=self._held,
                    clock=self.clock,
                    tenant=self.tenant,
                    rate_share=self.settings.genesys_rate_share,
                    limit_per_minute=lambda: connection.client.pacer.usage().limit_per_minute,
                    renew=connection.client.auth.discard,
                )
            return self._previewers[connection.id]

    def _held(self, start: datetime, end: datetime, agent_ids: Collection[str]) -> dict[str, str]:
        held = self.ledger.operations.held_agents(self.tenant.key, start, end, agent_ids)
        return {agent_id: title for agent_id, (_operation, title) in held.items()}

    def preview(self, request: PlanRequest, *, fresh: bool = False) -> Preview:
        """What applying this plan would do now. Nothing is written. Raises BadInput, GenesysError, StoreFault."""
        _refuse_signs(request)
        with self.reads_counted(self.connection()):
            preview = self.previewer().preview(request, fresh=fresh)
        self._remember(preview)
        return preview

    def confirmation_needed(self, preview: Preview) -> str | None:
        """What must be typed before this plan is applied, or None: the number of agents, above the policy limit."""
        count = len(preview.ready)
        return str(count) if count > self.settings.confirm_above else None

    # --- doing it ----------------------------------------------------------------------------------------------------

    def apply(
        self,
        request: PlanRequest,
        plan_id: str,
        *,
        actor: Actor,
        request_token: str,
        rehearse: bool = False,
        confirmation: str | None = None,
        example: bool = False,
        client_id: str | None = None,
    ) -> Operation:
        """Makes the operation of exactly the plan that was previewed; the worker takes it from there.

        `request_token` makes a double click, and a second try after a lost answer, harmless: what it made is given again.
        `rehearse` goes ahead although access is missing, on the demo
        tenant only. Raises Refused: stale (the world changed since the preview, with the differences), policy (the
        confirmation is missing), or whatever the preview refuses.
        """
        self.allow(actor, Capability.EXECUTE)
        _refuse_signs(request)
        if (made := self.ledger.operations.by_token(self.tenant.key, request_token)) is not None:
            return made
        connection = self.connection(client_id)
        with self.reads_counted(self.connection(client_id)):
            preview = self.previewer(client_id).preview(request, fresh=True)
        if preview.plan_id != plan_id:
            changed = differences(self._recall(plan_id), preview.ingredients)
            self._remember(preview)
            raise Refused("stale", "The plan is out of date: something it rests on has changed. Look at it again.", changed)
        self._refuse(preview, rehearse)
        needed = self.confirmation_needed(preview)
        if needed is not None and not rehearse and confirmation != needed:
            raise Refused("policy", f"This changes {needed} agents. Type {needed} to confirm.")
        new = NewOperation(
            tenant_key=self.tenant.key,
            client_id=connection.id,
            client_name=preview.client_name,
            plan_id=preview.plan_id,
            title=_title(request),
            request=request,
            route=request.route,
            action_id=preview.action_id,
            restore_action_id=preview.restore_action_id,
            window=preview.window,
            created_by=actor.name,
            request_token=request_token,
            items=tuple(
                NewItem(
                    agent_id=row.agent.id,
                    agent_name=row.agent.name,
                    before=row.state.status if row.state else None,
                    fate=row.fate.value,
                )
                for row in preview.ready
                if row.agent is not None
            ),
            blocked=tuple(
                (
                    row.agent.id if row.agent else row.given,
                    row.agent.name if row.agent else row.given,
                    f"{row.fate}: {row.reason}",
                )
                for row in preview.rows
                if not row.writes
            ),
            example=example,
            rehearsal=rehearse,
        )
        return self.ledger.operations.create(new, self.clock())

    def _refuse(self, preview: Preview, rehearse: bool) -> None:
        if rehearse and not self.tenant.is_demo:
            raise Refused("policy", "A rehearsal that is known to fail runs on the demo tenant only.")
        for code, sentence in preview.refusals:
            if not (rehearse and code in REHEARSABLE):
                raise Refused(code, sentence, tuple(check.advice for check in preview.access if check.missing))

    # --- half-filled plans -------------------------------------------------------------------------------------------

    def save_draft(self, actor: Actor, request: PlanRequest) -> None:
        """Keeps a half-filled plan, so that a reload loses nothing."""
        self.ledger.drafts.save(actor.subject, self.tenant.key, request.model_dump_json())

    def draft(self, actor: Actor) -> PlanRequest | None:
        """The half-filled plan of this person, or None."""
        saved = self.ledger.drafts.get(actor.subject, self.tenant.key)
        if saved is None:
            return None
        try:
            return PlanRequest.model_validate_json(saved)
        except ValueError:
            return None  # made by an older version: not worth a stop

    # --- plans seen lately, to tell what changed ---------------------------------------------------------------------

    def _remember(self, preview: Preview) -> None:
        with self._lock:
            self._seen[preview.plan_id] = preview.ingredients
            while len(self._seen) > SEEN_PLANS:
                self._seen.popitem(last=False)

    def _recall(self, plan_id: str) -> Mapping[str, object]:
        with self._lock:
            return self._seen.get(plan_id, {})


def _refuse_signs(request: PlanRequest) -> None:
    refuse_signs(request.selection)
    for field in ("reason", "ticket", "action"):
        refuse_controls(field, getattr(request, field) or "")


def _title(request: PlanRequest) -> str:
    return " · ".join(part for part in (request.reason.replace("_", " "), request.ticket) if part)
