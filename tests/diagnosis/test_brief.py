"""The brief's two messages with its two remedies, in the words that a supervisor reads."""

from __future__ import annotations

import json

import pytest

from wfm.diagnosis import diagnose, explain, four_lanes
from wfm.domain.diagnoses import Evidence, Kind, Provenance
from wfm.domain.plans import LaneName, LaneState

FORBIDDEN = '{"code":"forbidden","message":"Insufficient permissions for resource access"}'
NOT_FOUND = '{"code":"not_found","message":"Resource not found"}'
WRITES = [
    "PATCH /api/v2/wfm/users/{userId}/availability",
    "PATCH /api/v2/wfm/users/{userId}/schedule/adherence",
    "PATCH /api/v2/wfm/users/{userId}/schedule/adherence/{adherenceId}",
    "PATCH /api/v2/wfm/users/0f2d7a54-31c7-4b0c-9a55-0c1f3d1f7a10/availability",
    "PATCH https://api.mypurecloud.com/api/v2/wfm/users/0f2d7a54-31c7-4b0c-9a55-0c1f3d1f7a10/availability",
]
FLOW = Evidence(
    call=WRITES[0],
    client_name="architect-flow",
    held_scopes=("wfm:schedule:read", "wfm:schedule:write"),
    reads_ok=41,
    writes_ok=0,
)


def _wrapped(inner: str, status: int) -> str:
    sentence = f"Request to backend service failed. Response from web service: {inner} [3ecdfb07-17cf-4c93-80c0-b85b5155063a]"
    error = {"message": sentence, "code": "NOT_AUTHORIZED", "status": status}
    return json.dumps({"message": "x", "code": "not.authorized", "status": status, "contextId": "c-1", "errors": [error]})


@pytest.mark.parametrize("call", WRITES)
def test_a_refused_write_names_the_scope(call: str) -> None:
    found = diagnose(403, {}, FORBIDDEN, Evidence(call=call))
    assert (found.kind, found.missing) == (Kind.MISSING_SCOPE, ("wfm:schedule:update",))
    assert found.provenance is Provenance.BRIEF
    assert found.fix.startswith("Add wfm:schedule:update to the OAuth client")
    assert found.who == "OAuth admin"
    assert not found.retryable


def test_with_evidence_it_says_what_is_held() -> None:
    found = diagnose(403, {}, FORBIDDEN, FLOW)
    assert found.cause == "The OAuth client may read schedules but not update them."
    assert found.fix == "Add wfm:schedule:update to the OAuth client architect-flow. The next token carries it."
    assert "wfm:schedule:write is not enough" in found.confirm


def test_without_evidence_it_does_not_claim_that_reading_works() -> None:
    assert diagnose(403, {}, FORBIDDEN, Evidence(call=WRITES[0])).cause.startswith("The OAuth client may not update schedules")


def test_a_refused_read_names_the_other_scope() -> None:
    found = diagnose(403, {}, FORBIDDEN, Evidence(call="GET /api/v2/wfm/users/{userId}/schedule"))
    assert found.missing == ("wfm:schedule:read",)
    assert found.cause == "The OAuth client may not read schedules."


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize("via", ["direct", "data_action"])
def test_no_schedule(call: str, via: str) -> None:
    body = NOT_FOUND if via == "direct" else _wrapped(NOT_FOUND, 404)
    found = diagnose(404, {}, body, Evidence(call=call, via=via))
    assert (found.kind, found.code) == (Kind.NOT_FOUND_SCHEDULE, "not_found")
    assert found.provenance is Provenance.BRIEF
    assert "Check the schedule id; the agent may have no schedule" in found.fix


def test_behind_a_data_action_the_inner_error_decides() -> None:
    found = diagnose(403, {}, _wrapped(FORBIDDEN, 403), FLOW)
    assert (found.kind, found.missing, found.code) == (Kind.MISSING_SCOPE, ("wfm:schedule:update",), "forbidden")
    assert found.correlation_id == "c-1"
    assert len(found.chain) == 3
    assert found.fingerprint(WRITES[0]) == diagnose(403, {}, FORBIDDEN, FLOW).fingerprint(WRITES[0])


@pytest.mark.parametrize("call", [None, "POST /api/v2/integrations/actions/{actionId}/execute", "GET /api/v2/users/{userId}"])
def test_elsewhere_no_scope_is_inferred(call: str | None) -> None:
    found = diagnose(403, {}, FORBIDDEN, Evidence(call=call))
    assert (found.kind, found.missing) == (Kind.MISSING_PERMISSION, ())
    assert diagnose(404, {}, NOT_FOUND, Evidence(call=call)).kind is Kind.NOT_FOUND_OTHER


def test_a_named_permission_outranks_the_inference() -> None:
    body = '{"code":"forbidden","message":"Insufficient permissions. Required permission: wfm:schedule:publish"}'
    found = diagnose(403, {}, body, Evidence(call=WRITES[0]))
    assert (found.kind, found.missing) == (Kind.MISSING_PERMISSION, ("wfm:schedule:publish",))


def test_the_scope_is_not_asked_for_twice() -> None:
    found = diagnose(403, {}, FORBIDDEN, Evidence(call=WRITES[0], held_scopes=("wfm:schedule:update",)))
    assert found.missing == ()
    assert found.cause == "The token holds the scope that this call needs, so something else refuses it."


THREAD = """
The flow triggers a Data Action configured to call the PATCH /api/v2/wfm/users/{userId}/schedule/adherence endpoint.
The answer is a 403 Forbidden with {"code": "forbidden", "message": "Insufficient permissions for resource access"}.
We have verified that the scope includes wfm:schedule:write. Here is the Terraform:
resource "genesyscloud_dataaction" "wfm_unavail" {
  url = "https://api.mypurecloud.com/api/v2/wfm/users/{{userId}}/availability"
}
"""


def test_the_thread_pasted_whole() -> None:
    found = explain(THREAD)
    assert (found.diagnosis.kind, found.diagnosis.status) == (Kind.MISSING_SCOPE, 403)
    assert found.call == "PATCH /api/v2/wfm/users/{userId}/schedule/adherence"
    assert found.page.key == found.diagnosis.rule == "brief-scope-missing"
    said = {unknown.given: unknown for unknown in found.unknown}
    assert said["/api/v2/wfm/users/{userId}/availability"].what == "path"
    assert said["/api/v2/wfm/users/{userId}/availability"].nearest == "PATCH /api/v2/users/{userId}/presences/purecloud"
    assert "is not in Genesys's published API; nearest:" in said["/api/v2/wfm/users/{userId}/schedule/adherence"].sentence
    assert "wfm:schedule:edit" in said["wfm:schedule:write"].nearest
    assert said["genesyscloud_dataaction"].nearest == "genesyscloud_integration_action"


BEHIND = Evidence(
    call="POST /api/v2/integrations/actions/{actionId}/execute",
    via="data_action",
    client_name="desk",
    held_scopes=("wfm:schedule:update",),
    behind=WRITES[0],
)


def test_behind_a_data_action_the_credentials_of_its_integration_are_named() -> None:
    found = diagnose(403, {}, _wrapped(FORBIDDEN, 403), BEHIND)
    assert (found.rule, found.missing) == ("brief-scope-missing", ("wfm:schedule:update",))
    assert "credentials of the Data Action's integration" in found.fix
    lanes = four_lanes(found, BEHIND, BEHIND.call)
    assert [lanes[name].state for name in LaneName] == [
        LaneState.MISSING,
        LaneState.NOT_APPLICABLE,
        LaneState.NOT_APPLICABLE,
        LaneState.UNKNOWN,
    ]
    # What the client of the desk holds was not asked for, so it is not said.
    assert "desk" not in found.fix
    assert "holds" not in found.confirm


def test_a_refusal_of_the_execution_itself_is_about_its_own_caller() -> None:
    body = json.dumps({"message": "Missing permission", "code": "missing.permissions", "status": 403})
    found = diagnose(403, {}, body, BEHIND)
    assert found.rule == "permission-missing"
    assert "credentials of the Data Action" not in found.fix
