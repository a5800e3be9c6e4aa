"""Windows: operations with their progress, and what people can do with them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from wfm.desk.dependencies import DeskPart
from wfm.desk.values import OperationView
from wfm.domain.errors import BadInput, Refused, StoreFault, refuse_controls
from wfm.domain.operations import OPEN_STATES, Counts, Item, ItemState, Operation, OperationState, Phase
from wfm.domain.people import Actor, Capability
from wfm.genesys.pacing import Usage
from wfm.ledger.records import Event
from wfm.routes import by_name

MAX_COMMENT_LENGTH = 2_000


class Windows(DeskPart):
    """Operations of this tenant. A change is written to the ledger; the worker carries it out."""

    def newest(self, states: Collection[OperationState] | None = None, limit: int = 100) -> list[OperationView]:
        return self._views(self._ledger.operations.page(self._tenant.key, states=states, limit=limit))

    def ended(self, within: timedelta, limit: int = 20) -> list[OperationView]:
        """Return operations that ended within this time before now, the last first."""
        return self._views(self._ledger.operations.ended(self._tenant.key, self._clock() - within, limit=limit))

    def _views(self, found: list[Operation]) -> list[OperationView]:
        """Count the agents of operations. Each source is asked once, however many there are."""
        ids = [operation.id for operation in found]
        counts, blocked = self._ledger.items.counts(ids), self._ledger.operations.blocked_counts(ids)
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

    def get(self, operation_id: str) -> OperationView:
        """Return one operation. Raises NotFound."""
        (view,) = self._views([self._ledger.operations.get(self._tenant.key, operation_id)])
        return view

    def titles(self, limit: int = 100) -> dict[str, tuple[str, datetime]]:
        """Return title and start of the window of the newest operations, by id."""
        return self._ledger.operations.titles(self._tenant.key, limit=limit)

    def _usage(self, client_id: str) -> Usage | None:
        """Return the use of a client's limit; None for a client without a connection, or where it can't be read."""
        connection = self._connections.opened(client_id)
        if connection is None:
            return None
        try:
            return connection.client.pacer.usage()
        except StoreFault:  # a budget that can't be read hides no window
            return None

    def _eta(self, operation: Operation, counts: Counts, usage: Callable[[str], Usage | None]) -> datetime | None:
        """Estimate when the running phase is done, from its pace and what the limit leaves; None before there is a pace."""
        if operation.state is OperationState.APPLYING:
            phase, since, states = Phase.APPLY, operation.started_at, counts.apply
        elif operation.state is OperationState.RESTORING:
            phase, since, states = Phase.RESTORE, operation.restore_started_at, counts.restore
        else:
            return None
        left = states.get(ItemState.PENDING, 0) + states.get(ItemState.SENDING, 0)
        done = sum(states.values()) - left
        now = self._clock()
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
        """Return the agents of an operation in their order. Raises NotFound."""
        self._ledger.operations.get(self._tenant.key, operation_id)
        return self._ledger.items.page(
            operation_id,
            apply_states=apply_states,
            restore_states=restore_states,
            search=search,
            after_seq=after_seq,
            limit=limit,
        )

    def blocked(self, operation_id: str) -> list[tuple[str, str, str]]:
        """Return the agents that were left out: id (or the word given), name, reason. Raises NotFound."""
        self._ledger.operations.get(self._tenant.key, operation_id)
        return self._ledger.operations.blocked(operation_id)

    def events(self, operation_id: str) -> list[Event]:
        """Return the events of an operation, oldest first. Raises NotFound."""
        self._ledger.operations.get(self._tenant.key, operation_id)
        return self._ledger.operations.events(operation_id)

    def open_or_due(self) -> bool:
        """Return whether a window is open or due within a day: then Now is the first screen, else Plan."""
        soon = self._clock() + timedelta(hours=24)
        return any(
            operation.window.start <= soon
            for operation in self._ledger.operations.page(self._tenant.key, states=OPEN_STATES, limit=200)
            if not operation.example
        )

    # --- changes: each raises NotAllowed and NotFound ------------------------------------------------------------------

    def cancel(self, operation_id: str, actor: Actor) -> Operation:
        """Stop an operation before or while it is applied; agents that are out are restored. Raises Refused when too late."""
        self._may(operation_id, actor)
        return self._ledger.lifecycle.request_cancel(operation_id, now=self._clock(), actor=actor.name)

    def end(self, operation_id: str, actor: Actor) -> Operation:
        """End the window now and restore all agents that are still out through it. Raises Refused."""
        self._may(operation_id, actor)
        return self._ledger.lifecycle.request_restore(operation_id, now=self._clock(), actor=actor.name, early=True)

    def restore(self, operation_id: str, actor: Actor) -> Operation:
        """Restore on demand: a window in effect ends now, one that has not started is cancelled.

        Raises Refused when no one is left to restore.
        """
        operation = self._may(operation_id, actor)
        if operation.state is OperationState.SCHEDULED:
            return self.cancel(operation_id, actor)
        early = operation.state is OperationState.IN_EFFECT and operation.window.end > self._clock()
        return self._ledger.lifecycle.request_restore(operation_id, now=self._clock(), actor=actor.name, early=early)

    def undo(self, operation_id: str, actor: Actor) -> Operation:
        """Undo an adherence correction: on demand only, never by the clock. Raises Refused."""
        operation = self._may(operation_id, actor)
        if operation.route.undoable_by_clock:
            raise Refused("state", "Only corrections of adherence are undone this way; end the window instead.")
        return self._ledger.lifecycle.request_restore(operation_id, now=self._clock(), actor=actor.name, early=False)

    def extend(self, operation_id: str, new_end: datetime, actor: Actor, note: str = "") -> Operation:
        """Move the end of the window. The new end may be earlier, but not before now. Raises BadInput, Refused."""
        operation = self._may(operation_id, actor)
        refuse_controls("note", note, lines=True)
        if new_end.tzinfo is None:
            raise BadInput("window end", new_end, "a time with its zone")
        now, start = self._clock(), operation.window.start
        new_end = new_end.astimezone(UTC)
        if new_end <= max(now, start):
            raise BadInput("window end", f"{new_end:%Y-%m-%d %H:%M} UTC", "a time after now; to end it now, use “End now”")
        if new_end - start > timedelta(days=31):
            raise BadInput("window end", f"{new_end:%Y-%m-%d %H:%M} UTC", "at most 31 days after the start")
        held = self._ledger.operations.held_agents(
            self._tenant.key, operation.window.end, new_end, self._agent_ids(operation_id), except_operation=operation_id
        )
        if held:
            titles = sorted({title for _, title in held.values()})
            raise Refused("in_another_window", f"{len(held)} agents are in another window then: {', '.join(titles)}.")
        return self._ledger.lifecycle.revise_window(operation_id, end=new_end, now=now, actor=actor.name, note=note)

    def retry_failed(self, operation_id: str, actor: Actor) -> int:
        """Send the failed updates of the current phase again; return how many. Raises Refused when the window is over."""
        operation = self._may(operation_id, actor)
        restoring = operation.state in (OperationState.FAILED_IN_PART, OperationState.RESTORING)
        if not restoring and operation.window.end <= self._clock():
            raise Refused("state", "The window is over: plan a new one for these agents.")
        phase = Phase.RESTORE if restoring else Phase.APPLY
        return self._ledger.lifecycle.requeue_failed(operation_id, phase, now=self._clock(), actor=actor.name)

    def settle(self, operation_id: str, phase: Phase, agent_id: str, done: bool, actor: Actor) -> None:
        """Record how an unconfirmed update ended, as a person saw it."""
        self._may(operation_id, actor)
        outcome = ItemState.APPLIED if done else ItemState.FAILED
        self._ledger.items.settle_by_person(operation_id, phase, agent_id, outcome, now=self._clock(), actor=actor.name)

    def comment(self, operation_id: str, text: str, actor: Actor) -> None:
        """Add a comment to the events of an operation. Raises BadInput."""
        self._may(operation_id, actor)
        text = text.strip()
        if not text:
            raise BadInput("comment", None, "some text")
        if len(text) > MAX_COMMENT_LENGTH:
            raise BadInput("comment", f"{len(text)} characters", f"at most {MAX_COMMENT_LENGTH} characters")
        refuse_controls("comment", text, lines=True)
        self._ledger.operations.add_event(operation_id, at=self._clock(), actor=actor.name, kind="comment", text=text)

    def _may(self, operation_id: str, actor: Actor) -> Operation:
        actor.require(Capability.EXECUTE)
        return self._ledger.operations.get(self._tenant.key, operation_id)

    def _agent_ids(self, operation_id: str) -> list[str]:
        ids: list[str] = []
        after = 0
        while page := self._ledger.items.page(operation_id, after_seq=after, limit=5_000):
            ids += [item.agent_id for item in page]
            after = page[-1].seq
        return ids
