"""Failure groups: the runs that failed for the same reason, with what people said about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfm.domain.diagnoses import Diagnosis, Kind
from wfm.domain.errors import NotFound, Refused
from wfm.domain.operations import FailureGroup, GroupState
from wfm.ledger import lookups
from wfm.ledger.bulk_rows import add_missing, insert_rows
from wfm.ledger.counters import bucket_start, by_bucket
from wfm.ledger.ids import encode
from wfm.ledger.records import GroupChange, same_named
from wfm.ledger.schema import group_agents, group_changes, groups, operations, runs
from wfm.ledger.tenants import Repository

_PROVEN_WRONG = (GroupState.FIXED.value, GroupState.RESOLVED.value)


class FailureGroups(Repository):
    """Groups of a tenant's runs by fingerprint, kept as runs settle."""

    def all(self, tenant_key: str, *, states: Collection[GroupState] | None = None) -> list[FailureGroup]:
        """Failure groups of this tenant, the last seen first."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            asked = sa.select(groups).where(groups.c.tenant_id == tenant)
            if states is not None:
                asked = asked.where(groups.c.state.in_([state.value for state in states]))
            rows = connection.execute(asked.order_by(groups.c.last_seen.desc(), groups.c.id.desc())).all()
            examples = _examples(connection, tenant)
        return [_group(row, tenant_key, examples) for row in rows]

    def get(self, tenant_key: str, fingerprint: str) -> FailureGroup:
        """One failure group. Raises NotFound."""
        with self._db.read() as connection:
            return self._read(connection, tenant_key, fingerprint)

    def series(
        self, tenant_key: str, fingerprint: str, since: datetime, *, step_minutes: int = 60, until: datetime | None = None
    ) -> list[tuple[datetime, int]]:
        """(start of step, runs) of a group since an instant, from counters; steps without runs are left out."""
        with self._db.read() as connection:
            row = self._row(connection, tenant_key, fingerprint)
            found = _series(connection, row.tenant_id, [row.id], since, until, step_minutes)
        return found.get(row.id, [])

    def series_of(
        self,
        tenant_key: str,
        fingerprints: Collection[str],
        since: datetime,
        *,
        step_minutes: int = 60,
        until: datetime | None = None,
    ) -> dict[str, list[tuple[datetime, int]]]:
        """`series` of several groups at once, by fingerprint; groups without runs in that time are left out."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            known = _fingerprints(connection, tenant, fingerprints)
            if tenant is None or not known:
                return {}
            found = _series(connection, tenant, known, since, until, step_minutes)
        return {known[number]: series for number, series in found.items()}

    def count_agents(self, tenant_key: str, fingerprints: Collection[str]) -> int:
        """How many agents the runs of these groups touched, each counted once; the examples are left out."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            taught = {(one.group, one.agent) for one in _examples(connection, tenant) if not one.more}
            touched: set[int] = set()
            for part in lookups.batches(_fingerprints(connection, tenant, fingerprints)):
                rows = connection.execute(sa.select(group_agents).where(group_agents.c.group_id.in_(part)))
                touched.update(row.agent_no for row in rows if (row.group_id, row.agent_no) not in taught)
        return len(touched)

    def set_state(
        self,
        tenant_key: str,
        fingerprint: str,
        state: GroupState,
        *,
        actor: str,
        note: str,
        now: datetime,
        expected: int | None = None,
    ) -> FailureGroup:
        """What a person says of a group. The change is kept in its history.

        `expected` is the revision that the person saw. Raises NotFound; Refused (stale) when somebody changed it since.
        """

        def work(connection: sa.Connection) -> FailureGroup:
            row = self._row(connection, tenant_key, fingerprint, lock=True)
            _refuse_stale(connection, row, expected)
            self._change_state(connection, row.id, row.state, state, actor, note, now)
            return self._read(connection, tenant_key, fingerprint)

        return self._db.write(work)

    def amend(
        self,
        tenant_key: str,
        fingerprint: str,
        *,
        actor: str,
        now: datetime,
        owner: str | None = None,
        note: str = "",
        expected: int | None = None,
    ) -> FailureGroup:
        """Gives a group an owner, a note, or both; state and propagation clock stay. Raises as `set_state`."""

        def work(connection: sa.Connection) -> FailureGroup:
            row = self._row(connection, tenant_key, fingerprint, lock=True)
            _refuse_stale(connection, row, expected)
            values: dict[str, object] = {"revision": row.revision + 1}
            if owner is not None:
                values["owner"] = owner
            if note:
                values["note"] = note
            connection.execute(sa.update(groups).where(groups.c.id == row.id).values(values))
            said = [f"Owner: {owner or 'nobody'}."] if owner is not None and owner != row.owner else []
            text = " ".join([*said, note]).strip()
            change = {"group_id": row.id, "at": now, "actor": actor, "note": text}
            connection.execute(sa.insert(group_changes).values(change | {"from_state": row.state, "to_state": row.state}))
            return self._read(connection, tenant_key, fingerprint)

        return self._db.write(work)

    def changes(self, tenant_key: str, fingerprint: str) -> list[GroupChange]:
        """Everything said of a group, oldest first. Raises NotFound."""
        with self._db.read() as connection:
            row = self._row(connection, tenant_key, fingerprint)
            asked = sa.select(group_changes).where(group_changes.c.group_id == row.id).order_by(group_changes.c.id)
            found = connection.execute(asked).all()
        return [_change(one) for one in found]

    # --- as runs settle ----------------------------------------------------------------------------------------------

    def join(
        self,
        connection: sa.Connection,
        tenant: int,
        diagnosed: Sequence[tuple[Any, Diagnosis]],
        *,
        sent_again: Collection[int] = (),
    ) -> dict[int, tuple[int, int | None]]:
        """Put runs (rows with words) that fail for the first time into their groups; gives (cause, group) by run.

        The runs `sent_again` keep what was said of them and are in no group: they are no failures.
        """
        if not diagnosed:
            return {}
        fingerprints = {row.id: diagnosis.fingerprint(row.call) for row, diagnosis in diagnosed}
        causes = lookups.make_causes(connection, tenant, [(diagnosis, fingerprints[row.id]) for row, diagnosis in diagnosed])
        by_group: dict[str, list[tuple[Any, Diagnosis]]] = {}
        for row, diagnosis in diagnosed:
            by_group.setdefault(fingerprints[row.id], []).append((row, diagnosis))
        joined: dict[int, tuple[int, int | None]] = {}
        for fingerprint, members in sorted(by_group.items()):
            failed = [member for member in members if member[0].id not in sent_again]
            group = self._grow(connection, tenant, fingerprint, failed) if failed else None
            for row, diagnosis in members:
                cause = causes[lookups.cause_digest(diagnosis, fingerprint)]
                joined[row.id] = (cause, None if row.id in sent_again else group)
        return joined

    def shrink(self, connection: sa.Connection, gone: Sequence[Any]) -> None:
        """A cause counts the runs and agents that can still be opened. Its newest run never goes, so none becomes empty."""
        lost: dict[int, Counter[int]] = {}
        for row in gone:
            if row.group_id is not None:
                lost.setdefault(row.group_id, Counter())[row.agent_no] += 1
        for group, touched in sorted(lost.items()):
            left = 0
            for some in lookups.batches(sorted(touched)):
                # One agent after the other, by its own runs, which are few: a cause may have millions.
                others = sa.select(runs.c.id).where(runs.c.agent_no == group_agents.c.agent_no, runs.c.group_id == group)
                still = others.with_hint(runs, "INDEXED BY ix_runs_agent", "sqlite").limit(1).scalar_subquery()
                mine = (group_agents.c.group_id == group, group_agents.c.agent_no.in_(some))
                left += connection.execute(sa.delete(group_agents).where(*mine, still.is_(None))).rowcount
            connection.execute(
                sa.update(groups)
                .where(groups.c.id == group)
                .values(runs=groups.c.runs - touched.total(), agents=groups.c.agents - left)
            )

    def _grow(self, connection: sa.Connection, tenant: int, fingerprint: str, members: Sequence[tuple[Any, Diagnosis]]) -> int:
        newest, diagnosis = max(members, key=lambda member: int(member[0].id))
        first = min(row.started_at for row, _ in members)
        add_missing(connection, groups, [_new_group(tenant, fingerprint, newest, diagnosis, first)])
        asked = sa.select(groups).where(groups.c.tenant_id == tenant, groups.c.fingerprint == fingerprint)
        group = connection.execute(asked.with_for_update()).one()
        touched = sorted({row.agent_no for row, _ in members})
        known: set[int] = set()
        for some in lookups.batches(touched):
            asked_agents = sa.select(group_agents.c.agent_no).where(
                group_agents.c.group_id == group.id, group_agents.c.agent_no.in_(some)
            )
            known.update(connection.scalars(asked_agents))
        new_agents = [{"group_id": group.id, "agent_no": number} for number in touched if number not in known]
        insert_rows(connection, group_agents, new_agents)
        changes = {
            "runs": group.runs + len(members),
            "agents": group.agents + len(new_agents),
            "first_seen": min(group.first_seen, first),
            "last_seen": max(group.last_seen, newest.started_at),
        }
        if newest.id >= group.sample_run:
            # Today's rules explain it best.
            changes |= {"sample_run": newest.id, "rule": diagnosis.rule, "cause": diagnosis.cause}
        connection.execute(sa.update(groups).where(groups.c.id == group.id).values(changes))
        if group.state in _PROVEN_WRONG and group.state_at is not None and newest.started_at > group.state_at:
            said = f"Failed again after it was marked {group.state}."
            self._change_state(connection, group.id, group.state, GroupState.REGRESSED, "desk", said, newest.started_at)
        return int(group.id)

    def _change_state(
        self, connection: sa.Connection, group: int, before: str, state: GroupState, actor: str, note: str, now: datetime
    ) -> None:
        values = {"state": state.value, "state_at": now, "state_by": actor, "note": note, "revision": groups.c.revision + 1}
        connection.execute(sa.update(groups).where(groups.c.id == group).values(values))
        change = {"group_id": group, "at": now, "actor": actor, "from_state": before, "to_state": state.value, "note": note}
        connection.execute(sa.insert(group_changes).values(change))

    def _read(self, connection: sa.Connection, tenant_key: str, fingerprint: str) -> FailureGroup:
        row = self._row(connection, tenant_key, fingerprint)
        return _group(row, tenant_key, _examples(connection, row.tenant_id))

    def _row(self, connection: sa.Connection, tenant_key: str, fingerprint: str, *, lock: bool = False) -> Any:
        tenant = self._tenants.known(connection, tenant_key)
        asked = sa.select(groups).where(groups.c.tenant_id == tenant, groups.c.fingerprint == fingerprint)
        row = connection.execute(asked.with_for_update() if lock else asked).one_or_none()
        if row is None:
            raise NotFound(f"There is no failure group {fingerprint!r} in this tenant.")
        return row


@dataclass(frozen=True, slots=True)
class _Example:
    """The runs of a demo tenant's examples in which one agent failed for one cause. `more`: it failed so elsewhere too."""

    group: int
    agent: int
    runs: int
    more: bool


def _examples(connection: sa.Connection, tenant: int | None) -> list[_Example]:
    """What the examples of a tenant left in its groups: two operations of a few agents each, and none on a real tenant."""
    other, its = sa.alias(runs), sa.alias(operations)
    elsewhere = (
        sa.select(other.c.id)
        .where(other.c.agent_no == runs.c.agent_no, other.c.group_id == runs.c.group_id)
        .where(sa.or_(other.c.operation_id.is_(None), ~sa.exists().where(its.c.id == other.c.operation_id, its.c.example)))
        # By the agent's own runs, which are few: a cause may have millions.
        .with_hint(other, "INDEXED BY ix_runs_agent", "sqlite")
        .exists()
    )
    asked = (
        sa.select(runs.c.group_id, runs.c.agent_no, sa.func.count().label("n"), elsewhere.label("more"))
        .join(operations, operations.c.id == runs.c.operation_id)
        .where(operations.c.tenant_id == tenant, operations.c.example, runs.c.group_id.is_not(None))
        .group_by(runs.c.group_id, runs.c.agent_no)
    )
    return [_Example(row.group_id, row.agent_no, row.n, bool(row.more)) for row in connection.execute(asked)]


def _fingerprints(connection: sa.Connection, tenant: int | None, given: Collection[str]) -> dict[int, str]:
    """Those of these groups that there are, by number."""
    known: dict[int, str] = {}
    for some in lookups.batches(given):
        asked = sa.select(groups.c.id, groups.c.fingerprint).where(groups.c.tenant_id == tenant, groups.c.fingerprint.in_(some))
        known |= {row.id: row.fingerprint for row in connection.execute(asked)}
    return known


def _series(
    connection: sa.Connection, tenant: int, numbers: Collection[int], since: datetime, until: datetime | None, step: int
) -> dict[int, list[tuple[datetime, int]]]:
    """(start of step, runs) by group, in order of time."""
    steps: dict[tuple[int, int], int] = {}
    for some in lookups.batches(numbers):
        for (value, start, _), n in by_bucket(
            connection, tenant, "group", [str(one) for one in some], since, until, step
        ).items():
            key = int(value), start
            steps[key] = steps.get(key, 0) + n
    found: dict[int, list[tuple[datetime, int]]] = {}
    for (number, start), n in sorted(steps.items()):
        found.setdefault(number, []).append((bucket_start(start), n))
    return found


def _refuse_stale(connection: sa.Connection, row: Any, expected: int | None) -> None:
    """Tells the second of two people who was first, and what was said: an owner and a note change no state."""
    if expected is None or row.revision == expected:
        return
    asked = sa.select(group_changes).where(group_changes.c.group_id == row.id).order_by(group_changes.c.id.desc()).limit(1)
    last = connection.execute(asked).one_or_none()
    actor, note = (last.actor, last.note) if last is not None else (row.state_by, row.note)
    said = f"{actor or 'Somebody'} changed this cause meanwhile: it is {row.state}"
    raise Refused("stale", f"{said}, “{note}”." if note else f"{said}.")


def _new_group(tenant: int, fingerprint: str, row: Any, diagnosis: Diagnosis, first: datetime) -> dict[str, Any]:
    return {
        "tenant_id": tenant,
        "fingerprint": fingerprint,
        "kind": diagnosis.kind.value,
        "code": diagnosis.code,
        "call": row.call,
        "rule": diagnosis.rule,
        "cause": diagnosis.cause,
        "missing": diagnosis.missing,
        "state": GroupState.OPEN.value,
        "first_seen": first,
        "last_seen": row.started_at,
        "runs": 0,
        "agents": 0,
        "sample_run": row.id,
        "state_at": None,
        "state_by": "",
        "note": "",
        "owner": "",
        "revision": 0,
    }


def _group(row: Any, tenant_key: str, examples: Sequence[_Example]) -> FailureGroup:
    taught = [one for one in examples if one.group == row.id]
    shown = sum(one.runs for one in taught)
    known = same_named(FailureGroup, row) | {
        "tenant_key": tenant_key,
        "kind": Kind(row.kind),
        "state": GroupState(row.state),
        "runs": row.runs - shown,
        "agents": row.agents - sum(not one.more for one in taught),
        "sample_run": encode(row.sample_run),
        "examples": shown,
    }
    return FailureGroup(**known)


def _change(row: Any) -> GroupChange:
    states = {"from_state": GroupState(row.from_state), "to_state": GroupState(row.to_state)}
    return GroupChange(**same_named(GroupChange, row) | states)
