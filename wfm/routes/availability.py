"""Route `availability`: PATCH /api/v2/wfm/users/{userId}/availability (source: the brief; in no published catalogue).

Taking an agent out costs one request. Restoring costs two: one reads the present state, one writes the earlier state, and
only when status, reason and dateModified are still those of our own write.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from wfm.catalogue import GET_AVAILABILITY, PATCH_AVAILABILITY, PlatformOperation
from wfm.domain.agents import Status
from wfm.domain.operations import Operation, Phase, SkipReason
from wfm.domain.plans import RouteName, RouteOffer
from wfm.domain.tenant import TokenFacts
from wfm.domain.windows import Window
from wfm.routes.base import (
    Answer,
    Left,
    Prepared,
    ReadBack,
    Sender,
    Task,
    Verdict,
    Written,
    fields,
    instant,
    joined,
    pack,
    unpack,
)

SKEW = timedelta(seconds=30)
"""How far the tenant's clock may be behind ours; beyond it, our write looks older than its intent."""


class AvailabilityRoute:
    """Sets the agent's availability now and restores it at the end of the window."""

    name = RouteName.AVAILABILITY
    via = "direct"
    reads_back = True

    def calls(self, phase: Phase) -> tuple[PlatformOperation, ...]:
        """Return the calls of the phase. Both read: apply only when an outcome is unknown."""
        return (GET_AVAILABILITY, PATCH_AVAILABILITY)

    def requests(self, phase: Phase) -> float:
        return 1.0 if phase is Phase.APPLY else 2.0

    def offer(self, window: Window, now: datetime, facts: TokenFacts | None) -> RouteOffer:
        if window.end <= now:
            return RouteOffer(
                route=self.name, offered=False, best=False, reason="changes the state of now; this window is in the past"
            )
        reason = "takes effect at once" if window.start <= now else "sent when the window starts"
        return RouteOffer(route=self.name, offered=True, best=True, reason=f"{reason}, undone when it ends")

    def prepare(self, client: Sender, operation: Operation, phase: Phase) -> Prepared:
        return Prepared()

    def apply(self, client: Sender, task: Task) -> Written | Left:
        reason = task.operation.request.reason
        answer = client.send(
            PATCH_AVAILABILITY,
            path={"userId": task.item.agent_id},
            body={"status": Status.UNAVAILABLE.value, "reason": reason},
            lane=task.lane,
        )
        return Written(marker=_marker(answer, task), exchanges=answer.exchanges)

    def restore(self, client: Sender, task: Task) -> Written | Left:
        read = _read(client, task)
        if not _still_ours(read, task):
            return Left(reason=SkipReason.NOT_OURS, exchanges=read.exchanges)
        answer = client.send(
            PATCH_AVAILABILITY,
            path={"userId": task.item.agent_id},
            body={"status": task.previous.value},
            lane=task.lane,
        )
        return Written(marker=None, exchanges=joined(read.exchanges, answer.exchanges))

    def read_back(self, client: Sender, task: Task) -> ReadBack:
        read = _read(client, task)
        now = fields(read.json)
        if now.get("status") not in tuple(Status):
            return ReadBack(verdict=Verdict.UNKNOWN, exchanges=read.exchanges)
        if task.phase is Phase.RESTORE:
            done = now["status"] == task.wanted
            return ReadBack(verdict=_verdict(done), exchanges=read.exchanges)
        modified = instant(now.get("dateModified"))
        recent = task.intent is None or modified is None or modified >= task.intent - SKEW
        done = now["status"] == Status.UNAVAILABLE and now.get("reason") == task.operation.request.reason and recent
        return ReadBack(verdict=_verdict(done), marker=_marker(read, task) if done else None, exchanges=read.exchanges)


def _verdict(done: bool) -> Verdict:
    return Verdict.APPLIED if done else Verdict.NOT_APPLIED


def _read(client: Sender, task: Task) -> Answer:
    return client.send(GET_AVAILABILITY, path={"userId": task.item.agent_id}, lane=task.lane)


def _marker(answer: Answer, task: Task) -> str:
    state = fields(answer.json)
    return pack(
        before=(task.before or task.item.before or Status.AVAILABLE).value,
        reason=state.get("reason", task.operation.request.reason),
        dateModified=state.get("dateModified"),
    )


def _still_ours(read: Answer, task: Task) -> bool:
    """Return whether status and reason are ours, and dateModified too where the tenant returned it with our write.

    An answer without status can't be compared: the agent is then left alone, not overwritten.
    """
    now, ours = fields(read.json), unpack(task.item.marker)
    if now.get("status") != Status.UNAVAILABLE or now.get("reason") != ours.get("reason", task.operation.request.reason):
        return False
    written = instant(ours.get("dateModified"))
    return written is None or instant(now.get("dateModified")) == written
