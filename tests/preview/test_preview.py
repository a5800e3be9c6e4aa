"""The preview as a whole: rows, totals, findings, refusals and cost, over a fake tenant."""

from __future__ import annotations

from tests.support.preview_world import Room, ask, at, schedule, shift, state, token
from wfm.domain.agents import Status
from wfm.domain.plans import Fate


def codes(preview: object) -> list[str]:
    return [finding.code for finding in preview.findings]  # type: ignore[attr-defined]


def test_everybody_on_shift_is_ready_and_the_plan_can_be_applied(room: Room) -> None:
    preview = room.previewer.preview(ask())
    assert preview.totals() == {Fate.READY: 6}
    assert preview.rows[0].reason == "on shift 08:00–18:00"
    assert preview.can_apply
    assert not preview.missing_access
    assert preview.findings == ()
    assert (preview.cost.apply_requests, preview.cost.restore_requests) == (6, 12)
    assert (preview.client_name, preview.tenant_key) == ("desk", "127.0.0.1:8808|org-1")
    assert preview.read_requests == len(room.reader.reads)
    assert set(preview.as_of) >= {"token", "directory", "schedules", "states"}


def test_blocked_agents_are_left_out_and_said_so(room: Room) -> None:
    reader = room.reader
    reader.schedule_of["user-00001"] = schedule("user-00001")
    reader.schedule_of["user-00002"] = schedule("user-00002", shift(at(7), at(17)), time_off=((at(0), at(23, 59)),))
    reader.state_of["user-00003"] = state("user-00003", in_contact=True)
    reader.state_of["user-00004"] = state("user-00004", status=Status.UNAVAILABLE, presence="Meeting")
    preview = room.previewer.preview(ask())
    assert preview.totals() == {
        Fate.READY: 2,
        Fate.AFTER_CONTACT: 1,
        Fate.ALREADY_UNAVAILABLE: 1,
        Fate.NOT_SCHEDULED: 1,
        Fate.TIME_OFF: 1,
    }
    assert {row.given for row in preview.ready} == {"user-00003", "user-00005", "user-00006"}
    left_out = next(finding for finding in preview.findings if finding.code == "blocked_left_out")
    assert left_out.title.startswith("3 agents are left out: ")
    assert "1 not scheduled" in left_out.title
    assert preview.can_apply


def test_the_missing_scope_of_the_brief_is_said_before_anything_is_written(room: Room) -> None:
    room.reader.facts = token(("wfm:schedule:read", "wfm:schedule:write"), client_name="architect-flow")
    preview = room.previewer.preview(ask())
    assert preview.missing_access
    assert not preview.can_apply
    assert preview.refusals[0] == (
        "access_missing",
        "architect-flow holds wfm:schedule:write, needs wfm:schedule:update. "
        "Add wfm:schedule:update to the OAuth client architect-flow.",
    )


def test_nobody_ready_refuses(room: Room) -> None:
    preview = room.previewer.preview(ask("nobody@example.org", "ghost"))
    assert preview.totals() == {Fate.UNKNOWN_USER: 2}
    assert [code for code, _ in preview.refusals] == ["nobody_ready"]
    assert codes(preview) == ["nobody_ready", "unknown_users"]
