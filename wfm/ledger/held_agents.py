"""Which agents another window holds: no agent is in two at overlapping times."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from wfm.domain.errors import Refused
from wfm.domain.operations import OPEN_STATES, ItemState, OperationState
from wfm.ledger.ids import encode
from wfm.ledger.schema import agents, items, operations

STOPPED = (OperationState.HALTED, OperationState.CANCELLED)
"""Nothing more is sent to take agents out, but some may be out until the window ends."""

MAX_DIFFERENCES = 20

Held = dict[str, tuple[str, str]]
"""Id and title of the window that holds an agent, by agent id."""


def holding() -> sa.ColumnElement[bool]:
    out = [ItemState.PENDING, ItemState.SENDING, ItemState.APPLIED, ItemState.UNCONFIRMED]
    return sa.and_(
        items.c.apply_state.in_([state.value for state in out]),
        items.c.restore_state.not_in([ItemState.APPLIED.value, ItemState.SKIPPED.value]),
    )


def held_by_others(
    connection: sa.Connection,
    tenant: int,
    start: datetime,
    end: datetime,
    agent_ids: Collection[str] | None,
    except_number: int | None,
) -> Held:
    """Agents (of these, or all) that windows overlapping [start, end) hold, but for one operation's."""
    stopped = operations.c.state.in_([state.value for state in STOPPED])
    rivals = sa.select(operations.c.id, operations.c.title, stopped.label("stopped")).where(
        operations.c.tenant_id == tenant,
        operations.c.state.in_([state.value for state in (*OPEN_STATES, *STOPPED)]),
        operations.c.window_start < end,
        operations.c.window_end > start,
    )
    if except_number is not None:
        rivals = rivals.where(operations.c.id != except_number)
    held: Held = {}
    wanted = None if agent_ids is None else set(agent_ids)
    for number, title, is_stopped in connection.execute(rivals.order_by(operations.c.id)).all():
        asked = sa.select(agents.c.agent_id).join(items, items.c.agent_no == agents.c.id)
        asked = asked.where(items.c.operation_id == number, holding())
        if is_stopped:
            asked = asked.where(items.c.apply_state != ItemState.PENDING.value)
        for agent_id in connection.scalars(asked):
            if wanted is None or agent_id in wanted:
                held.setdefault(agent_id, (encode(number), title))
    return held


def in_another_window(held: Held, names: Mapping[str, str]) -> Refused:
    """The refusal that names the agents and their windows."""
    sentences = [f"{names.get(agent_id) or agent_id} is in “{title}”." for agent_id, (_, title) in sorted(held.items())]
    more = len(sentences) - MAX_DIFFERENCES
    if more > 0:
        sentences = [*sentences[:MAX_DIFFERENCES], f"And {more} more."]
    who = "1 agent is" if len(held) == 1 else f"{len(held)} agents are"
    return Refused("in_another_window", f"{who} in another window at that time. Nothing was written.", tuple(sentences))
