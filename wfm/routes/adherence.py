"""Route `adherence`: corrects the adherence records of a window in the past (source: the brief, called legacy there).

PATCH /api/v2/wfm/users/{userId}/schedule/adherence/{adherenceId}, and the form without an id for the current record
where the read gives records without ids. The marker remembers the records as they were, so that an undo on
demand can restore them; the clock never undoes a correction. An agent without a record in the window is left alone and listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wfm.catalogue import GET_ADHERENCE, PATCH_ADHERENCE, PATCH_ADHERENCE_CURRENT, PlatformOperation
from wfm.domain.agents import Status
from wfm.domain.errors import StoreFault
from wfm.domain.operations import Exchange, Operation, Phase, SkipReason
from wfm.domain.plans import RouteName, RouteOffer
from wfm.domain.tenant import TokenFacts
from wfm.domain.windows import Window
from wfm.genesys.errors import GenesysError
from wfm.routes.base import (
    Answer,
    Interrupted,
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
    shown,
    unpack,
)

Record = Mapping[str, object]
KEPT = ("status", "reason", "startDate", "endDate")
"""Members of a record beside its id: these are remembered and restored."""


@dataclass(frozen=True, slots=True)
class _Change:
    """One record to write: its id (None: the current record), its present and its new content."""

    id: str | None
    was: Record | None
    becomes: Record


class AdherenceRoute:
    """Sets the records that overlap the window to unavailable, each clipped to the window."""

    name = RouteName.ADHERENCE
    via = "direct"
    reads_back = True

    def calls(self, phase: Phase) -> tuple[PlatformOperation, ...]:
        return (GET_ADHERENCE, PATCH_ADHERENCE)

    def requests(self, phase: Phase) -> float:
        """Return the usual cost: one read and one record. Each further record of an agent in the window costs one more."""
        return 2.0

    def offer(self, window: Window, now: datetime, facts: TokenFacts | None) -> RouteOffer:
        if window.end > now:
            return RouteOffer(
                route=self.name, offered=False, best=False, reason="corrects windows that are over; this one is not"
            )
        return RouteOffer(
            route=self.name, offered=True, best=True, reason="corrects the record of a past window; undone on demand only"
        )

    def prepare(self, client: Sender, operation: Operation, phase: Phase) -> Prepared:
        return Prepared()

    def apply(self, client: Sender, task: Task) -> Written | Left:
        read = _read(client, task)
        inside = [record for record in _records(read) if _overlaps(record, task.operation.window)]
        if not inside:
            # The form without an id would write to the current record, not to the one of that time.
            return Left(reason=SkipReason.NO_RECORD, exchanges=read.exchanges)
        mine = _remembered(task)
        changes = [
            _Change(_id(record), mine.get(_id(record), _kept(record)), _correction(record, task))
            for record in inside
            if _id(record) is not None and not (_id(record) in mine and _is_ours(record, task))
        ]
        kept: list[dict[str, object]] = [{"id": known, "was": was} for known, was in mine.items()]
        if not changes and not kept:
            changes = [_Change(None, _kept(inside[-1]), _correction(inside[-1], task))]
        return _write(client, task, changes, kept, read.exchanges)

    def restore(self, client: Sender, task: Task) -> Written | Left:
        remembered = _remembered(task)
        read = _read(client, task)
        there = {_id(record): record for record in _records(read)}
        changes = [
            _Change(known, None, was if was is not None else {"status": Status.AVAILABLE.value})
            for known, was in remembered.items()
            if known is None or (known in there and _is_ours(there[known], task))
        ]
        if not changes:
            return Left(reason=SkipReason.NOT_OURS, exchanges=read.exchanges)
        return Written(marker=None, exchanges=_write(client, task, changes, [], read.exchanges).exchanges)

    def read_back(self, client: Sender, task: Task) -> ReadBack:
        read = _read(client, task)
        records = _records(read)
        if task.phase is Phase.RESTORE:
            known = _remembered(task)
            ours = any(_id(record) in known and _is_ours(record, task) for record in records)
            return ReadBack(verdict=Verdict.NOT_APPLIED if ours else Verdict.APPLIED, exchanges=read.exchanges)
        inside = [record for record in records if _overlaps(record, task.operation.window)]
        if not inside:
            return ReadBack(verdict=Verdict.UNKNOWN, exchanges=read.exchanges)
        if not all(_is_ours(record, task) for record in inside):
            return ReadBack(verdict=Verdict.NOT_APPLIED, exchanges=read.exchanges)
        remembered = _remembered(task)
        marker = pack(records=[{"id": _id(record), "was": remembered.get(_id(record))} for record in inside])
        return ReadBack(verdict=Verdict.APPLIED, marker=marker, exchanges=read.exchanges)


def _read(client: Sender, task: Task) -> Answer:
    window = task.operation.window
    range_ = {"startDate": shown(window.start), "endDate": shown(window.end)}
    return client.send(GET_ADHERENCE, path={"userId": task.item.agent_id}, query=range_, lane=task.lane)


def _records(answer: Answer) -> list[Record]:
    listed = answer.json
    if isinstance(listed, Mapping):
        listed = listed.get("entities", [])
    return [record for record in listed if isinstance(record, Mapping)] if isinstance(listed, list) else []


def _id(record: Record) -> str | None:
    known = record.get("id")
    return known if isinstance(known, str) and known else None


def _kept(record: Record) -> Record:
    return {name: record[name] for name in KEPT if record.get(name) is not None}


def _overlaps(record: Record, window: Window) -> bool:
    start, end = instant(record.get("startDate")), instant(record.get("endDate"))
    return start is not None and window.overlaps(start, end or window.end)


def _is_ours(record: Record, task: Task) -> bool:
    return record.get("status") == Status.UNAVAILABLE and record.get("reason") == task.operation.request.reason


def _correction(record: Record, task: Task) -> Record:
    """Return the part of the record inside the window, as unavailable."""
    window = task.operation.window
    start = instant(record.get("startDate")) or window.start
    end = instant(record.get("endDate")) or window.end
    return _body(task, max(start, window.start), min(end, window.end))


def _body(task: Task, start: datetime, end: datetime) -> Record:
    return {
        "status": Status.UNAVAILABLE.value,
        "reason": task.operation.request.reason,
        "startDate": shown(start),
        "endDate": shown(end),
    }


def _remembered(task: Task) -> dict[str | None, Record | None]:
    """Return the earlier records by id; None for one whose earlier state is not known."""
    listed = unpack(task.item.marker).get("records")
    records: dict[str | None, Record | None] = {}
    for entry in listed if isinstance(listed, list) else []:
        known, was = fields(entry).get("id"), fields(entry).get("was")
        records[known if isinstance(known, str) else None] = was if isinstance(was, Mapping) else None
    return records


def _write(
    client: Sender, task: Task, changes: list[_Change], kept: list[dict[str, object]], before: tuple[Exchange, ...]
) -> Written:
    """Send the changes one after the other. Each record is in the marker before it is written."""
    exchanges = before
    for written, change in enumerate(changes):
        kept.append({"id": change.id, "was": change.was})
        path = {"userId": task.item.agent_id}
        call = PATCH_ADHERENCE_CURRENT
        if change.id is not None:
            path["adherenceId"] = change.id
            call = PATCH_ADHERENCE
        try:
            answer = client.send(call, path=path, body=change.becomes, lane=task.lane)
        except GenesysError as error:
            exchanges = joined(exchanges, error.exchanges)
            raise Interrupted(error, pack(records=kept), exchanges, written=written) from error
        except StoreFault as fault:
            raise Interrupted(fault, pack(records=kept), exchanges, written=written) from fault
        exchanges = joined(exchanges, answer.exchanges)
        if change.id is None:
            kept[-1]["id"] = _id(fields(answer.json))
    return Written(marker=pack(records=kept), exchanges=exchanges)
