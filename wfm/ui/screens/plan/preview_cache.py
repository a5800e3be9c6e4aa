"""The preview of the Plan screen: what it depends on, and the one that was made last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wfm.domain.errors import DeskError
from wfm.domain.plans import PlanRequest, Preview
from wfm.ui.components import times
from wfm.ui.components.demo_switches import tenant_changes
from wfm.ui.screens.plan import state

if TYPE_CHECKING:
    from wfm.desk import Desk


def cache_key(desk: Desk, request: PlanRequest) -> str:
    """What a preview depends on beside the clock: the request, who would send it with which access, the demo's switches."""
    try:
        client = desk.clients.current
        access = f"{client.id}|{','.join(client.scopes or ())}"
    except DeskError:
        access = ""
    return f"{request.model_dump_json()}|{access}|{tenant_changes()}"


def make(desk: Desk, request: PlanRequest, key: str, *, fresh: bool = False) -> state.CachedPreview:
    """The preview, or the error that came instead. Remembered either way."""
    preview: Preview | None = None
    failure: DeskError | None = None
    try:
        preview = desk.plans.preview(request, fresh=fresh)
    except DeskError as error:
        failure = error
    answer = state.CachedPreview(key=key, preview=preview, error=failure, at=times.now())
    state.remember(answer)
    return answer
