"""Asks the Desk for a preview, and tells two questions apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wfm.domain.errors import DeskError
from wfm.domain.plans import PlanRequest
from wfm.ui.components import times
from wfm.ui.screens.plan import state

if TYPE_CHECKING:
    from wfm.desk import Desk


def question(desk: Desk, request: PlanRequest) -> str:
    """What a preview depends on beside the world: the request, and who would send it with which access."""
    try:
        client = desk.current_client
        held = f"{client.id}|{','.join(client.scopes or ())}"
    except DeskError:
        held = ""
    return f"{request.model_dump_json()}|{held}"


def ask(desk: Desk, request: PlanRequest, asked: str, *, fresh: bool = False) -> state.Seen:
    """The preview, or the sentence that came instead. Remembered either way."""
    try:
        answer = state.Seen(question=asked, preview=desk.preview(request, fresh=fresh), error=None, at=times.now())
    except DeskError as error:
        answer = state.Seen(question=asked, preview=None, error=error, at=times.now())
    state.saw(answer)
    return answer
