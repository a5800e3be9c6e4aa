"""Plans: what a plan does, and applying exactly the plan that was previewed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

from wfm.desk.dependencies import DeskDependencies, DeskPart
from wfm.domain.errors import Refused, refuse_controls
from wfm.domain.operations import Operation
from wfm.domain.people import Actor, Capability
from wfm.domain.plans import PlanRequest, Preview, RouteOffer, refuse_signs
from wfm.domain.windows import WindowSpec
from wfm.ledger.records import NewItem, NewOperation
from wfm.preview import differences

MAX_SEEN_PLANS = 20
REHEARSABLE = frozenset({"access_missing"})


class Plans(DeskPart):
    """Previews of plans, and operations made of them. Thread-safe."""

    def __init__(self, dependencies: DeskDependencies) -> None:
        super().__init__(dependencies)
        self._seen: OrderedDict[str, Mapping[str, object]] = OrderedDict()
        """Ingredients of the newest plans by id, to say what changed when one is stale; guarded by the lock."""
        self._lock = threading.Lock()

    # --- what would happen -------------------------------------------------------------------------------------------

    def preview(self, request: PlanRequest, *, fresh: bool = False) -> Preview:
        """Return what applying this plan would do now. Writes nothing. Raises BadInput, GenesysError, StoreFault."""
        _refuse_signs(request)
        with self._connections.reads_counted() as connection:
            preview = connection.previewer.preview(request, fresh=fresh)
        self._remember(preview)
        return preview

    def routes(self, window: WindowSpec) -> tuple[RouteOffer, ...]:
        """Return whether each route can be taken for this window. Raises BadInput, GenesysError."""
        connection, now = self._connections.get(), self._clock()
        return connection.previewer.offers(window.resolve(now), now, connection.reader.token())

    def confirmation_needed(self, preview: Preview) -> str | None:
        """Return what must be typed before this plan is applied: the number of agents above the policy limit, else None."""
        count = len(preview.ready)
        return str(count) if count > self._settings.confirm_above else None

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
        """Make the operation of exactly the plan that was previewed; the worker does the rest.

        `request_token` makes a double click, and a second try after a lost answer, harmless: the same operation is returned.
        `rehearse` goes ahead although access is missing, on the demo tenant only. Raises NotAllowed, BadInput, GenesysError,
        and Refused: stale (something changed since the preview, with the differences), policy (the confirmation is
        missing), or what the preview refuses.
        """
        actor.require(Capability.EXECUTE)
        _refuse_signs(request)
        if (made := self._ledger.operations.by_token(self._tenant.key, request_token)) is not None:
            return made
        with self._connections.reads_counted(client_id) as connection:
            preview = connection.previewer.preview(request, fresh=True)
        if preview.plan_id != plan_id:
            changed = differences(self._recall(plan_id), preview.ingredients)
            self._remember(preview)
            raise Refused("stale", "The plan is out of date: something it rests on has changed. Look at it again.", changed)
        self._refuse(preview, rehearse)
        needed = self.confirmation_needed(preview)
        if needed is not None and not rehearse and confirmation != needed:
            raise Refused("policy", f"This changes {needed} agents. Type {needed} to confirm.")
        new = _new_operation(preview, self._tenant.key, connection.id, actor, request_token)
        return self._ledger.operations.create(replace(new, example=example, rehearsal=rehearse), self._clock())

    def _refuse(self, preview: Preview, rehearse: bool) -> None:
        if rehearse and not self._tenant.is_demo:
            raise Refused("policy", "A rehearsal that is known to fail runs on the demo tenant only.")
        for code, sentence in preview.refusals:
            if not (rehearse and code in REHEARSABLE):
                raise Refused(code, sentence, tuple(check.advice for check in preview.access if check.missing))

    # --- half-filled plans -------------------------------------------------------------------------------------------

    def save_draft(self, actor: Actor, request: PlanRequest) -> None:
        """Save the half-filled plan of this person, so that a reload loses nothing."""
        self._ledger.drafts.set(self._tenant.key, actor.subject, request.model_dump_json())

    def draft(self, actor: Actor) -> PlanRequest | None:
        """Return the half-filled plan of this person, or None."""
        saved = self._ledger.drafts.get(self._tenant.key, actor.subject)
        if saved is None:
            return None
        try:
            return PlanRequest.model_validate_json(saved)
        except ValueError:
            return None  # made by an older version: not worth a stop

    # --- newest plans, to say what changed ---------------------------------------------------------------------------

    def _remember(self, preview: Preview) -> None:
        with self._lock:
            self._seen[preview.plan_id] = preview.ingredients
            while len(self._seen) > MAX_SEEN_PLANS:
                self._seen.popitem(last=False)

    def _recall(self, plan_id: str) -> Mapping[str, object]:
        with self._lock:
            return self._seen.get(plan_id, {})


def _refuse_signs(request: PlanRequest) -> None:
    refuse_signs(request.selection)
    for field in ("reason", "ticket", "action"):
        refuse_controls(field, getattr(request, field) or "")


def _new_operation(preview: Preview, tenant_key: str, client_id: str, actor: Actor, request_token: str) -> NewOperation:
    """Return the operation that a preview comes to: who is written, and who is left out with the reason."""
    return NewOperation(
        tenant_key=tenant_key,
        client_id=client_id,
        client_name=preview.client_name,
        plan_id=preview.plan_id,
        title=_title(preview.request),
        request=preview.request,
        route=preview.request.route,
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
    )


def _title(request: PlanRequest) -> str:
    return " · ".join(part for part in (request.reason.replace("_", " "), request.ticket) if part)
