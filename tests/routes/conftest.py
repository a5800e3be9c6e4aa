"""Tasks for the tests of routes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wfm.domain.agents import Status
from wfm.domain.operations import Item, ItemState, Operation, OperationState, Phase
from wfm.domain.plans import PlanRequest, RouteName, Selection
from wfm.domain.windows import Window, WindowSpec
from wfm.routes import Task

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


@pytest.fixture
def a_task() -> Callable[..., Task]:
    def make(
        phase: Phase = Phase.APPLY,
        *,
        marker: str | None = None,
        before: Status | None = Status.AVAILABLE,
        route: RouteName = RouteName.AVAILABILITY,
        window: Window | None = None,
        intent: datetime | None = None,
        inputs: frozenset[str] | None = None,
        **changes: Any,
    ) -> Task:
        window = window or Window(start=NOW, end=NOW + timedelta(hours=1), zone="UTC")
        values: dict[str, Any] = {
            "id": "op",
            "tenant_key": "t",
            "client_id": "c",
            "client_name": "desk",
            "plan_id": "p",
            "title": "w",
            "request": PlanRequest(selection=Selection(), window=WindowSpec(minutes=5), reason="upgrade"),
            "route": route,
            "action_id": None,
            "restore_action_id": None,
            "window": window,
            "revision": 1,
            "state": OperationState.APPLYING,
            "created_at": NOW,
            "created_by": "x",
            "example": False,
            "rehearsal": False,
            "cancel_requested": False,
            "restore_requested": False,
            "started_at": None,
            "applied_at": None,
            "restore_started_at": None,
            "ended_at": None,
            "halt_reason": "",
        }
        item = Item(
            operation_id="op",
            seq=1,
            agent_id="u 1",
            agent_name="U",
            before=before,
            marker=marker,
            apply_state=ItemState.SENDING,
            restore_state=ItemState.PENDING,
            skip_reason="",
            fate="ready",
            apply_run="r",
            restore_run=None,
            changed_at=NOW,
        )
        operation = Operation(**{**values, **changes})
        return Task(operation=operation, item=item, phase=phase, intent=intent, inputs=inputs)

    return make
