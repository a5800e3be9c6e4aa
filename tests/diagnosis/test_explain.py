"""Paste anything: what is read out of it, and which names nobody knows."""

from __future__ import annotations

import pytest

from wfm.diagnosis import explain
from wfm.domain.diagnoses import Evidence, Explanation, Kind

ID = "76dca866-649b-4809-8780-b8cf55034265"
BODY = (
    '{"message":"Unable to perform the requested action. You are missing the following permission(s): [wfm:schedule:edit]",'
    f'"code":"missing.permissions","status":403,"contextId":"{ID}"}}'
)


def fields(found: Explanation) -> dict[str, str]:
    return dict(found.fields)


PASTED = {
    "a body": BODY,
    "a raw answer": f"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nININ-Correlation-Id: {ID}\r\n\r\n{BODY}",
    "curl -v": f"< HTTP/2 403 \n< content-type: application/json\n< inin-correlation-id: {ID}\n\n{BODY}",
    "an SDK exception": f"(403)\nReason: Forbidden\nHTTP response headers: HTTPHeaderDict({{'ININ-Correlation-Id': '{ID}'}})\n"
    f"HTTP response body: {BODY}\n",
    "an e-mail": f"Hi team,\n\nthe action fails since Monday. It says:\n\n> {BODY}\n\nCan anybody help?\nThanks, Bo",
    "a log line": f"2026-11-23T14:30:02Z ERROR dispatcher agent=7 PATCH /api/v2/users/1/presences/purecloud -> 403 body={BODY}",
    "a Data Action": '{"errorCode":"FORBIDDEN","status":403,"correlationId":"' + ID + '","errors":[{"errorCode":"FORBIDDEN",'
    '"userMessage":"Request to backend service failed. Response from web service: '
    + BODY.replace('"', '\\"')
    + f' [{ID}]"}}]}}',
    "a Terraform line": "Error: API Error: 403 - Unable to perform the requested action. You are missing the following "
    f"permission(s): [wfm:schedule:edit] ({ID})",
}


@pytest.mark.parametrize("name", PASTED)
def test_the_same_error_however_it_is_pasted(name: str) -> None:
    found = explain(PASTED[name])
    assert found.diagnosis.kind is Kind.MISSING_PERMISSION
    assert found.diagnosis.missing == ("wfm:schedule:edit",)
    assert found.diagnosis.correlation_id == ID
    assert found.diagnosis.status == 403
    assert fields(found)["Correlation id"] == ID
    assert fields(found)["Missing"] == "wfm:schedule:edit"


def test_a_known_call_and_known_names_raise_no_doubt() -> None:
    found = explain(PASTED["a log line"])
    assert found.call == "PATCH /api/v2/users/1/presences/purecloud"
    assert found.unknown == ()


def test_an_unknown_permission_is_named_with_the_nearest() -> None:
    found = explain(BODY.replace("wfm:schedule:edit", "wfm:schedule:edt"))
    (unknown,) = found.unknown
    assert (unknown.what, unknown.given, unknown.nearest) == ("permission", "wfm:schedule:edt", "wfm:schedule:edit")
    assert "nearest: wfm:schedule:edit" in unknown.sentence


def test_an_unknown_scope_is_named_with_the_nearest() -> None:
    found = explain('{"message":"App not authorized to use scope [workforce-managment]","code":"app.not.authorized.for.scope"}')
    (unknown,) = found.unknown
    assert (unknown.what, unknown.nearest) == ("scope", "workforce-management")


def test_a_path_outside_the_desk_is_not_called_unpublished() -> None:
    """The catalogue holds what the desk needs, not the whole API: it must not claim more."""
    (unknown,) = explain("GET /api/v2/journey/actionmaps gave 403").unknown
    assert "not among the calls that this desk knows" in unknown.sentence
    assert "published" not in unknown.sentence


def test_the_evidence_given_outranks_the_text() -> None:
    text = '{"code":"forbidden","message":"Insufficient permissions for resource access"}'
    found = explain(text, Evidence(call="PATCH /api/v2/wfm/users/{userId}/availability"))
    assert found.diagnosis.missing == ("wfm:schedule:update",)


def test_the_error_is_taken_not_the_request_beside_it() -> None:
    text = f'sent {{"status":"unavailable","reason":"maintenance_window"}} and got {BODY}'
    assert explain(text).diagnosis.code == "missing.permissions"


def test_details_parameters_and_steps_are_listed() -> None:
    text = (
        '{"operations":[{"step":1,"name":"Sign in","success":true},{"step":9,"name":"Execute","success":false,"error":'
        '{"code":"invalid.schema","message":"no match","messageParams":{"field":"userId"},'
        '"details":[{"errorCode":"ACTION.PROCESSING","fieldName":"userId"}]}}],"success":false}'
    )
    listed = explain(text).fields
    assert ("Class of the Data Action error", "ACTION.PROCESSING") in listed
    assert ("Parameter field", "userId") in listed
    assert ("Detail", "ACTION.PROCESSING · userId") in listed


def test_rate_limit_headers_are_listed() -> None:
    text = 'HTTP/1.1 429 Too Many Requests\nRetry-After: 9\ninin-ratelimit-allowed: 300\n\n{"code":"too.many.requests"}'
    found = explain(text)
    assert fields(found)["retry-after"] == "9"
    assert found.diagnosis.fix.startswith("Wait 9 s")
    assert "(300 in a window)" in found.diagnosis.cause


def test_a_misleading_status_is_noted() -> None:
    text = 'HTTP/1.1 404 Not Found\n\n{"code":"postino.error.request.timeout","message":"The request timed out."}'
    assert fields(explain(text))["Note"].startswith("The HTTP status 404 misleads")


def test_nothing_pasted_is_explained_too() -> None:
    found = explain("")
    assert found.diagnosis.kind is Kind.UNPARSEABLE
    assert found.unknown == ()
