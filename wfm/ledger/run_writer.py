"""Writing runs: begun, ended, or stored whole. Counters, attempts, failure groups and text index change with the run."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.operations import Exchange, Outcome, Phase
from wfm.ledger import lookups
from wfm.ledger.bulk_rows import change_rows, insert_rows
from wfm.ledger.counters import count_runs
from wfm.ledger.failure_groups import FailureGroups
from wfm.ledger.ids import decode
from wfm.ledger.records import DirectRun, Settlement, field_names
from wfm.ledger.run_rows import counted, read_attempts, runs_with_names
from wfm.ledger.schema import attempts, origins, runs
from wfm.ledger.text_index import index_runs


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that a settlement ends: its row of `runs_with_names`, and the settlement."""

    row: Any
    settlement: Settlement


class RunWriter:
    """Writes runs inside a transaction of its caller."""

    def __init__(self, failure_groups: FailureGroups) -> None:
        self._failure_groups = failure_groups

    def store(
        self,
        connection: sa.Connection,
        tenant: int,
        directs: Mapping[int, DirectRun],
        *,
        operations: Container[int | None] = (),
        renames: bool = True,
    ) -> list[Any]:
        """Store runs made outside the engine under these numbers, whole; gives their rows as they were begun.

        A run keeps the operation it names if that is one of `operations`. `renames` as in `lookups.make_agents`.
        """
        names = {direct.agent_id: direct.agent_name for direct in directs.values()}
        agent_numbers = lookups.make_agents(connection, tenant, names, renames=renames)
        targets: dict[tuple[str, ...], int] = {}
        rows: list[dict[str, Any]] = []
        for number, direct in directs.items():
            target = (direct.route, direct.action or "", direct.via, direct.call, direct.client_id)
            if target not in targets:
                targets[target] = lookups.call_target_number(connection, tenant, *target)
            operation = decode(direct.operation_id)
            operation = operation if operation in operations else None
            agent = agent_numbers[direct.agent_id]
            rows.append(new_run(number, tenant, operation, agent, targets[target], direct.phase, direct.started_at))
        insert_rows(connection, runs, rows)
        who = [
            {"run_id": number, "created_by": direct.created_by, "tags": dict(direct.tags)} for number, direct in directs.items()
        ]
        insert_rows(connection, origins, who)
        begun: list[Any] = []
        for some in lookups.batches(sorted(directs)):
            begun += connection.execute(runs_with_names().where(runs.c.id.in_(some))).all()
        count_runs(connection, tenant, come=[counted(row) for row in begun])
        self.end(connection, tenant, [Ended(row, directs[row.id].settlement) for row in begun])
        return begun

    def end(self, connection: sa.Connection, tenant: int, ended: Sequence[Ended]) -> None:
        """End runs: rows, attempts, search words, failure groups, counters. A run keeps its first diagnosis."""
        joined = self._failure_groups.join(
            connection,
            tenant,
            [
                (one.row, one.settlement.diagnosis)
                for one in ended
                if one.settlement.diagnosis is not None and one.row.cause_id is None
            ],
            sent_again={one.row.id for one in ended if one.settlement.outcome is Outcome.RESENT},
        )
        gone, come, changes = [], [], []
        for one in ended:
            row, settlement = one.row, one.settlement
            before = counted(row)
            diagnosis = settlement.diagnosis if row.id in joined else None
            cause, group = joined.get(row.id, (row.cause_id, row.group_id))
            after = replace(
                before,
                outcome=settlement.outcome.value,
                status=settlement.status if settlement.status is not None else row.status,
                code=settlement.code or row.code,
                kind=diagnosis.kind.value if diagnosis else row.kind,
                group_id=group,
                cause_id=cause,
            )
            gone.append(before)
            come.append(after)
            changes.append(
                {
                    "id": row.id,
                    "outcome": after.outcome,
                    "status": after.status,
                    "code": after.code,
                    "kind": after.kind,
                    "cause_id": cause,
                    "group_id": group,
                    "correlation_id": settlement.correlation_id or row.correlation_id,
                    "attempts": row.attempts + len(settlement.exchanges),
                    "duration_ms": settlement.duration_ms,
                    "finished_at": settlement.finished_at,
                    "note": settlement.note or row.note,
                }
            )
        change_rows(connection, runs, changes, keys=["id"])
        self._add_attempts(connection, ended)
        self._index_texts(connection, ended)
        count_runs(connection, tenant, gone=gone, come=come)

    def _add_attempts(self, connection: sa.Connection, ended: Sequence[Ended]) -> None:
        rows = [
            {name: getattr(exchange, name) for name in field_names(Exchange)}
            | {
                "run_id": one.row.id,
                "number": one.row.attempts + place,
                "response_headers": dict(exchange.response_headers),
            }
            for one in ended
            for place, exchange in enumerate(one.settlement.exchanges, start=1)
        ]
        insert_rows(connection, attempts, rows)

    def _index_texts(self, connection: sa.Connection, ended: Sequence[Ended]) -> None:
        # A run that is settled a second time has attempts already.
        earlier = read_attempts(connection, [one.row.id for one in ended if one.row.attempts])
        texts: dict[int, list[str | None]] = {}
        for one in ended:
            row, settlement = one.row, one.settlement
            texts[row.id] = [
                row.agent_name,
                row.agent_id,
                row.action,
                settlement.code or row.code,
                settlement.correlation_id or row.correlation_id,
                settlement.diagnosis.cause if settlement.diagnosis else None,
                *(settlement.diagnosis.missing if settlement.diagnosis else ()),
                settlement.note,
                *_exchange_texts((*earlier.get(row.id, ()), *settlement.exchanges)),
            ]
        index_runs(connection, texts)


def new_run(
    number: int, tenant: int, operation: int | None, agent: int, target: int, phase: Phase, started_at: datetime
) -> dict[str, Any]:
    """The row of a run that begins now."""
    return {
        "id": number,
        "tenant_id": tenant,
        "operation_id": operation,
        "agent_no": agent,
        "way_id": target,
        "phase": phase.value,
        "outcome": Outcome.SENDING.value,
        "attempts": 0,
        "started_at": started_at,
        "note": "",
    }


def _exchange_texts(exchanges: Iterable[Exchange]) -> list[str | None]:
    """What of exchanges is searched in: ids and answers before requests, since the space is bounded."""
    texts: list[str | None] = []
    for exchange in exchanges:
        texts += [exchange.correlation_id, exchange.fault, exchange.response_body, exchange.request_body, exchange.url]
    return texts
