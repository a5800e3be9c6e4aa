"""Windows: operations, how far they are, and what people may still do to them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from wfm.desk.core import DeskCore
from wfm.desk.values import OperationView
from wfm.domain.errors import BadInput, Refused, StoreFault, refuse_controls
from wfm.domain.operations import OPEN_STATES, Counts, Item, ItemState, Operation, OperationState, Phase
from wfm.domain.people import Actor, Capability
from wfm.domain.plans import RouteName
from wfm.genesys.pacing import Usage
from wfm.ledger.records import Event
from wfm.routes import by_name

COMMENT_LIMIT = 2_000


class WindowDesk(DeskCore):
    """Reads operations and asks the worker, through the ledger, to change them."""

    def operations(self, states: Collection[OperationState] | None = None, limit: int = 100) -> list[OperationView]:
        """Operations of this tenant, newest first."""
        return self._views(self.ledger.operations.page(self.tenant.key, states=states, limit=limit))

    def ended(self, within: timedelta, limit: int = 20) -> list[OperationView]:
        """Operations that ended within so much time before now, the last first."""
        return self._views(self.ledger.operations.ended(self.tenant.key, self.clock() - within, limit=limit))

    def _views(self, found: list[Operation]) -> list[OperationView]:
        """Each source is asked once, however many windows there are."""
        ids = [operation.id for operation in found]
        counts, blocked = self.ledger.items.counts(ids), self.ledger.operations.blocked_counts(ids)
        usage = functools.cache(self._usage)
        return [
            OperationView(
                operation=operation,
                counts=counts[operation.id],
                blocked=blocked[operation.id],
                eta=self._eta(operation, counts[operation.id], usage),
            )
            for operation in found
        ]

    def operation(self, operation_id: str) -> OperationView:
        """One operation. Raises NotFound."""
        (view,) = self._views([self.ledger.operations.get(self.tenant.key, operation_id)])
        return view

    def _usage(self, client_id: str) -> Usage | None:
        """How much of a client's limit is used; None for a client that is not in use here, or where it can't be read."""
        connection = self._connections.get(client_id)
        if connection is None:
            return None
        try:
            return connection.client.pacer.usage()
        except StoreFault:  # a budget that can't be read hides no window
            return None

    def _eta(self, operation: Operation, counts: Counts, usage: Callable[[str], Usage | None]) -> datetime | None:
        """When the running phase should be done, from its own pace so far and what the tenant's limit leaves; None before
        there is a pace.
        """
        if operation.state is OperationState.APPLYING:
            phase, since, states = Phase.APPLY, operation.started_at, counts.apply
        elif operation.state is OperationState.RESTORING:
            phase, since, states = Phase.RESTORE, operation.restore_started_at, counts.restore
        else:
            return None
        left = states.get(ItemState.PENDING, 0) + states.get(ItemState.SENDING, 0)
        done = sum(states.values()) - left
        now = self.clock()
        if since is None or not done or now <= since:
            return None
        eta = now + timedelta(seconds=(now - since).total_seconds() / done * left)
        used = usage(operation.client_id)
        return eta if used is None else max(eta, used.soonest(left * by_name(operation.route).requests(phase), now))

    def items(
        self,
        operation_id: str,
        *,
        apply_states: Collection[ItemState] | None = None,
        restore_states: Collection[ItemState] | None = None,
        search: str = "",
        after_seq: int = 0,
        limit: int = 500,
    ) -> list[Item]:
        """The agents of an operation in their order. Raises NotFound."""
        self.ledger.operations.get(self.tenant.key, operation_id)
        return self.ledger.items.page(
            operation_id,
            apply_states=apply_states,
            restore_states=restore_states,
            search=search,
            after_seq=after_seq,
            limit=limit,
        )

    def blocked(self, operation_id: str) -> list[tuple[str, str, str]]:
        """Agents that were left out: id (or the word given), name, why."""
        self.ledger.operations.get(self.tenant.key, operation_id)
        return self.ledger.operations.blocked(operation_id)

    def events(self, operation_id: str) -> list[Event]:
        """The operation's story, oldest first."""
        self.ledger.operations.get(self.tenant.key, operation_id)
        return self.ledger.operations.events(operation_id)

    def open_or_due(self, within: timedelta = timedelta(hours=24)) -> bool:
        """Whether a window is open, or due within a day: then Now is the first screen, else Plan."""
        soon = self.clock() + within
        return any(
            operation.window.start <= soon
            for operation in self.ledger.operations.page(self.tenant.key, states=OPEN_STATES, limit=200)
            if not operation.example
        )

    # --- asking for something ----------------------------------------------------------------------------------------

    def cancel(self, operation_id: str, actor: Actor) -> Operation:
        """Stops before or while it is applied; whoever is out by then is restored. Raises Refused when too late."""
        self._may(operation_id, actor)
        return self.ledger.lifecycle.request_cancel(operation_id, now=self.clock(), actor=actor.name)

    def end_now(self, operation_id: str, actor: Actor) -> Operation:
        """Ends the window now and restores everybody who is still out through it."""
        self._may(operation_id, actor)
        return self.ledger.lifecycle.request_restore(operation_id, now=self.clock(), actor=actor.name, early=True)

    def restore_now(self, operation_id: str, actor: Actor) -> Operation:
        """Restores on demand: a window in effect ends now, one that has not started is cancelled.

        Raises Refused when nobody is left to put back.
        """
        operation = self._may(operation_id, actor)
        if operation.state is OperationState.SCHEDULED:
            return self.cancel(operation_id, actor)
        early = operation.state is OperationState.IN_EFFECT and operation.window.end > self.clock()
        return self.ledger.lifecycle.request_restore(operation_id, now=self.clock(), actor=actor.name, early=early)

    def undo(self, operation_id: str, actor: Actor) -> Operation:
        """Undoes an adherence correction: on demand only, never by the clock."""
        operation = self._may(operation_id, actor)
        if operation.route is not RouteName.ADHERENCE:
            raise Refused("state", "Only corrections of adherence are undone this way; end the window instead.")
        return self.ledger.lifecycle.request_restore(operation_id, now=self.clock(), actor=actor.name, early=False)

    def extend(self, operation_id: str, new_end: datetime, actor: Actor, note: str = "") -> Operation:
        """Moves the end of the window. The new end may be earlier, but not before now. Raises BadInput, Refused."""
        operation = self._may(operation_id, actor)
        refuse_controls("note", note, lines=True)
        if new_end.tzinfo is None:
            raise BadInput("window end", new_end, "a time with its zone")
        now, start = self.clock(), operation.window.start
        new_end = new_end.astimezone(UTC)
        if new_end <= max(now, start):
            raise BadInput("window end", f"{new_end:%Y-%m-%d %H:%M} UTC", "a time after now; to end it now, use “End now”")
        if new_end - start > timedelta(days=31):
            raise BadInput("window end", f"{new_end:%Y-%m-%d %H:%M} UTC", "at most 31 days after the start")
        held = self.ledger.operations.held_agents(
            self.tenant.key, operation.window.end, new_end, self._agent_ids(operation_id), except_operation=operation_id
        )
        if held:
            titles = sorted({title for _, title in held.values()})
            raise Refused("in_another_window", f"{len(held)} agents are in another window then: {', '.join(titles)}.")
        return self.ledger.lifecycle.revise_window(operation_id, end=new_end, now=now, actor=actor.name, note=note)

    def retry_failed(self, operation_id: str, actor: Actor) -> int:
        """Sends the failed ones of the phase that makes sense now once more; gives how many."""
        operation = self._may(operation_id, actor)
        restoring = operation.state in (OperationState.FAILED_IN_PART, OperationState.RESTORING)
        if not restoring and operation.window.end <= self.clock():
            raise Refused("state", "The window is over: plan a new one for these agents.")
        phase = Phase.RESTORE if restoring else Phase.APPLY
        return self.ledger.lifecycle.requeue_failed(operation_id, phase, now=self.clock(), actor=actor.name)

    def settle(self, operation_id: str, phase: Phase, agent_id: str, done: bool, actor: Actor) -> None:
        """A person says how an unconfirmed update ended, having looked."""
        self._may(operation_id, actor)
        outcome = ItemState.APPLIED if done else ItemState.FAILED
        self.ledger.items.settle_by_person(operation_id, phase, agent_id, outcome, now=self.clock(), actor=actor.name)

    def comment(self, operation_id: str, text: str, actor: Actor) -> None:
        """Adds a comment to the operation's story."""
        self._may(operation_id, actor)
        text = text.strip()
        if not text:
            raise BadInput("comment", None, "some text")
        if len(text) > COMMENT_LIMIT:
            raise BadInput("comment", f"{len(text)} characters", f"at most {COMMENT_LIMIT} characters")
        refuse_controls("comment", text, lines=True)
        self.ledger.operations.add_event(operation_id, at=self.clock(), actor=actor.name, kind="comment", text=text)

    def _may(self, operation_id: str, actor: Actor) -> Operation:
        self.allow(actor, Capability.EXECUTE)
        return self.ledger.operations.get(self.tenant.key, operation_id)

    def _agent_ids(self, operation_id: str) -> list[str]:
        ids: list[str] = []
        after = 0
        while page := self.ledger.items.page(operation_id, after_seq=after, limit=5_000):
            ids += [item.agent_id for item in page]
            after = page[-1].seq
        return ids
