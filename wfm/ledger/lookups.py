"""Dimension tables, which keep once what repeats in every run: numbers of agents, call targets and causes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

from wfm.domain.diagnoses import Diagnosis
from wfm.ledger.bulk_rows import add_missing
from wfm.ledger.schema import agents, call_targets, causes
from wfm.ledger.search_words import fold

T = TypeVar("T")

BATCH = 500
"""How many values one IN may hold: far below the limit of any build of either database."""


def batches(values: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    remaining = iter(values)
    while batch := list(islice(remaining, size)):
        yield batch


def known_agents(connection: sa.Connection, tenant_id: int, agent_ids: Collection[str]) -> dict[str, tuple[int, str]]:
    """Number and name by agent id, of those that are known."""
    found: dict[str, tuple[int, str]] = {}
    for some in batches(agent_ids):
        rows = connection.execute(
            sa.select(agents.c.agent_id, agents.c.id, agents.c.name).where(
                agents.c.tenant_id == tenant_id, agents.c.agent_id.in_(some)
            )
        )
        found |= {agent_id: (number, name) for agent_id, number, name in rows}
    return found


def make_agents(connection: sa.Connection, tenant_id: int, names: Mapping[str, str], *, renames: bool = True) -> dict[str, int]:
    """The numbers of agents by id. A name that has changed is kept for all their runs: people know today's names.

    Without `renames`, for old files, only an agent who has no name yet gets one. An id in place of a name is none.
    """
    known = known_agents(connection, tenant_id, names)
    changed = [
        {"at_agent": known[agent_id][0], "name": name, "sought": fold(f"{name} {agent_id}")}
        for agent_id, name in names.items()
        if agent_id in known
        and name not in ("", agent_id, known[agent_id][1])
        and (renames or known[agent_id][1] in ("", agent_id))
    ]
    if changed:
        changed.sort(key=lambda row: str(row["at_agent"]))
        connection.execute(sa.update(agents).where(agents.c.id == sa.bindparam("at_agent")), changed)
    missing = sorted(agent_id for agent_id in names if agent_id not in known)
    if missing:
        rows = [
            {"tenant_id": tenant_id, "agent_id": one, "name": names[one], "sought": fold(f"{names[one]} {one}")}
            for one in missing
        ]
        add_missing(connection, agents, rows)
        known |= known_agents(connection, tenant_id, missing)
    return {agent_id: number for agent_id, (number, _) in known.items()}


def call_target_number(
    connection: sa.Connection, tenant_id: int, route: str, action: str, via: str, call: str, client_id: str
) -> int:
    """The number of what runs call and how, which is made where it is missing."""
    row = {"tenant_id": tenant_id, "route": route, "action": action, "via": via, "call": call, "client_id": client_id}
    asked = sa.select(call_targets.c.id).where(*(call_targets.c[name] == value for name, value in row.items()))
    found = connection.scalar(asked)
    if found is None:
        add_missing(connection, call_targets, [row])
        found = connection.scalar(asked)
    assert found is not None
    return found


def make_causes(connection: sa.Connection, tenant_id: int, diagnoses: Sequence[tuple[Diagnosis, str]]) -> dict[str, int]:
    """The numbers of what diagnoses said, by digest. Each is given with the fingerprint of its run."""
    rows: dict[str, dict[str, Any]] = {}
    for diagnosis, fingerprint in diagnoses:
        digest = cause_digest(diagnosis, fingerprint)
        rows[digest] = {
            "tenant_id": tenant_id,
            "digest": digest,
            "rule": diagnosis.rule,
            "cause": diagnosis.cause,
            "missing": diagnosis.missing,
            "retryable": diagnosis.retryable,
            "fingerprint": fingerprint,
        }
    found = _known_causes(connection, tenant_id, rows)
    missing = sorted(set(rows) - set(found))
    if missing:
        add_missing(connection, causes, [rows[digest] for digest in missing])
        found |= _known_causes(connection, tenant_id, missing)
    return found


def cause_digest(diagnosis: Diagnosis, fingerprint: str) -> str:
    """What makes a cause one of its own."""
    parts = [diagnosis.rule, diagnosis.cause, str(diagnosis.retryable), fingerprint, *diagnosis.missing]
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _known_causes(connection: sa.Connection, tenant_id: int, digests: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in batches(digests):
        rows = connection.execute(
            sa.select(causes.c.digest, causes.c.id).where(causes.c.tenant_id == tenant_id, causes.c.digest.in_(some))
        )
        found |= {row.digest: row.id for row in rows}
    return found
