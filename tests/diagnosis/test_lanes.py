"""The four lanes of a refusal, each with its evidence."""

from __future__ import annotations

import pytest

from wfm.diagnosis import diagnose, four_lanes, reads_work_writes_fail
from wfm.domain.diagnoses import Evidence
from wfm.domain.plans import LaneName, LaneState

BRIEF = "PATCH /api/v2/wfm/users/{userId}/availability"
BULK = "PUT /api/v2/users/presences/bulk"
FORBIDDEN = '{"code":"forbidden","message":"Insufficient permissions for resource access"}'
PERMISSION = '{"code":"missing.any.permissions","message":"at least one of: [presence:userPresence:edit]"}'
DIVISION = (
    '{"code":"missing.division.permission","message":"missing the permission \'presence:userPresence:edit\' in the division"}'
)
LICENCE = '{"code":"feature.toggle.disabled","message":"Feature Toggle is not enabled for the organization."}'
SCOPE = '{"code":"app.not.authorized.for.scope","message":"App not authorized to use scope [presence]"}'

HELD, MISSING, NOT, UNKNOWN = LaneState.HELD, LaneState.MISSING, LaneState.NOT_APPLICABLE, LaneState.UNKNOWN
CLIENT = "CLIENT-CREDENTIALS"


@pytest.mark.parametrize(
    ("body", "call", "evidence", "states"),
    [
        (FORBIDDEN, BRIEF, Evidence(held_scopes=("wfm:schedule:write",)), (MISSING, NOT, NOT, UNKNOWN)),
        (FORBIDDEN, BRIEF, Evidence(grant_type=CLIENT, reads_ok=3), (MISSING, NOT, NOT, UNKNOWN)),
        (FORBIDDEN, BRIEF, Evidence(held_scopes=("wfm:schedule:update",)), (HELD, UNKNOWN, UNKNOWN, UNKNOWN)),
        (PERMISSION, BULK, Evidence(grant_type=CLIENT), (NOT, MISSING, UNKNOWN, UNKNOWN)),
        (PERMISSION, BULK, Evidence(grant_type="client_credentials"), (NOT, MISSING, UNKNOWN, UNKNOWN)),
        (PERMISSION, BULK, Evidence(grant_type="CODE", held_scopes=("presence",)), (HELD, MISSING, UNKNOWN, UNKNOWN)),
        (PERMISSION, BULK, Evidence(grant_type="CODE", held_scopes=("users",)), (UNKNOWN, MISSING, UNKNOWN, UNKNOWN)),
        (DIVISION, BULK, Evidence(grant_type=CLIENT), (NOT, HELD, MISSING, UNKNOWN)),
        (LICENCE, BULK, Evidence(grant_type=CLIENT), (NOT, NOT, UNKNOWN, MISSING)),
        (SCOPE, BULK, Evidence(grant_type="CODE"), (MISSING, UNKNOWN, UNKNOWN, UNKNOWN)),
        (FORBIDDEN, None, Evidence(), (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)),
        ("", BULK, Evidence(), (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)),
        ("", None, Evidence(), (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)),
    ],
)
def test_lanes(body: str, call: str | None, evidence: Evidence, states: tuple[LaneState, ...]) -> None:
    with_call = Evidence(
        call=call, grant_type=evidence.grant_type, held_scopes=evidence.held_scopes, reads_ok=evidence.reads_ok
    )
    lanes = four_lanes(diagnose(403, {}, body, with_call), with_call, call)
    assert tuple(lanes[name].state for name in LaneName) == states
    for verdict in lanes.values():
        assert verdict.evidence.endswith((".", "!")) is True
        assert "!" not in verdict.evidence
        open_lane = verdict.state in (MISSING, UNKNOWN) and "not about access" not in verdict.evidence
        assert bool(verdict.next_step) is open_lane


def test_reads_that_worked_prove_no_licence() -> None:
    """They are counted for the client, whatever they read."""
    evidence = Evidence(call=BULK, reads_ok=1234)
    lane = four_lanes(diagnose(403, {}, PERMISSION, evidence), evidence)[LaneName.LICENCE]
    assert lane.state is UNKNOWN
    assert "1,234 reads worked with this client" in lane.evidence


def test_a_scope_that_is_refused_to_client_credentials_is_said_to_be_odd() -> None:
    evidence = Evidence(call=BULK, grant_type=CLIENT)
    lane = four_lanes(diagnose(403, {}, SCOPE, evidence), evidence)[LaneName.SCOPE]
    assert lane.state is MISSING
    assert "although client credentials have none" in lane.evidence


def test_client_credentials_have_no_scopes() -> None:
    evidence = Evidence(call=BULK, grant_type=CLIENT)
    lane = four_lanes(diagnose(403, {}, PERMISSION, evidence), evidence)[LaneName.SCOPE]
    assert lane.evidence == "Roles in divisions decide; client credentials have no scopes."


def test_what_is_needed_is_named() -> None:
    evidence = Evidence(call=BULK)
    lanes = four_lanes(diagnose(403, {}, '{"code":"missing.permissions"}', evidence), evidence)
    assert lanes[LaneName.PERMISSION].needed == ("presence:userPresence:edit",)
    assert "presence" in lanes[LaneName.SCOPE].needed


def test_reads_work_writes_fail_is_said_from_the_counts() -> None:
    evidence = Evidence(call=BRIEF, reads_ok=41, writes_ok=0, held_scopes=("wfm:schedule:read",))
    lane = four_lanes(diagnose(403, {}, FORBIDDEN, evidence), evidence)[LaneName.SCOPE]
    assert "Reads work, writes fail: 41 reads worked with this client, no write did." in lane.evidence
    assert reads_work_writes_fail(Evidence(reads_ok=41, writes_ok=2)) == ""
    assert reads_work_writes_fail(Evidence(reads_ok=0, writes_ok=0)) == ""
    assert reads_work_writes_fail(Evidence()) == ""


def test_other_failures_say_nothing_about_access() -> None:
    lanes = four_lanes(diagnose(404, {}, "", Evidence()), Evidence(), BRIEF)
    assert {verdict.state for verdict in lanes.values()} == {UNKNOWN}


@pytest.mark.parametrize(
    ("status", "body", "evidence"),
    [
        (
            403,
            '{"error":{"message":"User Not Authorized","detail":"Failed API level ACL Validation"}}',
            Evidence(via="data_action"),
        ),
        (403, "Forbidden", Evidence(call="GET https://crm.example/cases")),
        (403, '{"Message":"arn:aws:iam::1:user/x is not authorized to perform: lambda:InvokeFunction"}', Evidence()),
        (None, "Access to fetch at 'https://api.mypurecloud.ie/api/v2/users' has been blocked by CORS policy", Evidence()),
    ],
)
def test_where_another_system_refuses_no_lane_applies(status: int | None, body: str, evidence: Evidence) -> None:
    lanes = four_lanes(diagnose(status, {}, body, evidence), evidence)
    assert {lane.state for lane in lanes.values()} == {NOT}
    assert all("Another system refuses" in lane.evidence for lane in lanes.values())
