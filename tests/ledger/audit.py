"""Holds every counter of a ledger against a GROUP BY over what it counts."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa

from wfm.domain.operations import ItemState
from wfm.ledger import Ledger
from wfm.ledger.ids import encode
from wfm.ledger.item_rows import RESTORABLE, counts_by_operation
from wfm.ledger.run_rows import counted, runs_with_names
from wfm.ledger.schema import group_agents, groups, item_counts, items, run_counts, runs


def check_all(ledger: Ledger, *, archived: bool = False) -> None:
    """Fails when a counter disagrees with the rows, or an item with its runs.

    Where runs were `archived`, a cause still knows when it was first seen, though that run is gone.
    """
    with ledger.database.read() as connection:
        check_item_counts(connection)
        check_run_counts(connection)
        check_groups(connection, archived=archived)
        check_intents(connection)


def check_item_counts(connection: sa.Connection) -> None:
    kept = {
        (row.operation_id, row.apply_state, row.restore_state): row.n
        for row in connection.execute(sa.select(item_counts))
        if row.n
    }
    pair = (items.c.operation_id, items.c.apply_state, items.c.restore_state)
    real = {
        (int(row[0]), str(row[1]), str(row[2])): int(row[3])
        for row in connection.execute(sa.select(*pair, sa.func.count()).group_by(*pair))
    }
    assert kept == real
    numbers = {key[0] for key in real}
    for number in numbers:
        counts = counts_by_operation(connection, [number])[number]
        mine = {(key[1], key[2]): n for key, n in real.items() if key[0] == number}
        assert counts.total == sum(mine.values())
        for state in ItemState:
            assert counts.apply[state] == sum(n for (apply, _), n in mine.items() if apply == state)
            back = sum(n for (apply, restore), n in mine.items() if apply in RESTORABLE and restore == state)
            assert counts.restore[state] == back, encode(number)
        done = (ItemState.APPLIED, ItemState.SKIPPED)
        assert counts.out == sum(n for (apply, restore), n in mine.items() if apply == "applied" and restore not in done)


def check_run_counts(connection: sa.Connection) -> None:
    kept = {
        (row.tenant_id, row.facet, row.value, row.bucket, row.outcome): row.n
        for row in connection.execute(sa.select(run_counts))
    }
    assert all(n > 0 for n in kept.values())
    real: Counter[tuple[int, str, str, int, str]] = Counter()
    for row in connection.execute(runs_with_names()):
        real.update((row.tenant_id, *key) for key in counted(row).keys())  # noqa: SIM118 - not a mapping
    assert kept == dict(real)


def check_groups(connection: sa.Connection, *, archived: bool = False) -> None:
    for group in connection.execute(sa.select(groups)):
        members = connection.execute(
            sa.select(
                sa.func.count(),
                sa.func.count(sa.distinct(runs.c.agent_no)),
                sa.func.min(runs.c.started_at),
                sa.func.max(runs.c.started_at),
                sa.func.max(runs.c.id),
            ).where(runs.c.group_id == group.id)
        ).one()
        listed = connection.scalar(sa.select(sa.func.count()).where(group_agents.c.group_id == group.id))
        first_seen = min(group.first_seen, members[2]) if archived else group.first_seen
        assert first_seen == group.first_seen
        seen = (members[2] if archived else first_seen, group.last_seen, group.sample_run)
        assert (group.runs, group.agents, *seen) == tuple(members)
        assert listed == group.agents


def check_intents(connection: sa.Connection) -> None:
    """Every item in `sending` has one run in `sending`, and the other way round."""
    in_air: set[int] = set()
    for state, run in ((items.c.apply_state, items.c.apply_run), (items.c.restore_state, items.c.restore_run)):
        found = list(connection.scalars(sa.select(run).where(state == "sending")))
        assert None not in found
        in_air |= {number for number in found if number is not None}
    sending = set(connection.scalars(sa.select(runs.c.id).where(runs.c.outcome == "sending")))
    assert sending == in_air
