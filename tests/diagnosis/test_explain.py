"""Paste anything: what is read out of it, and which names nobody knows."""

from __future__ import annotations

import pytest

from wfm.diagnosis import explain
from wfm.domain.diagnoses import Evidence, Explanation, Kind
from wfm.domain.plans import LaneName, LaneState

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


def test_a_published_path_is_known_although_the_desk_never_calls_it() -> None:
    assert explain("GET /api/v2/journey/actionmaps gave 403").unknown == ()


@pytest.mark.parametrize(
    ("text", "given", "nearest"),
    [
        (
            f"PATCH https://api.mypurecloud.com/api/v2/wfm/users/{ID}/availability",
            "/api/v2/wfm/users/{id}/availability",
            "PATCH /api/v2/users/{userId}/presences/purecloud",
        ),
        (
            "PATCH /api/v2/workforcemanagement/agent/7/unavailabletimes",
            "/api/v2/workforcemanagement/agent/7/unavailabletimes",
            "PATCH /api/v2/workforcemanagement/agents/{agentId}/unavailabletimes",
        ),
        (
            "POST /api/v2/integration/action/99/execute",
            "/api/v2/integration/action/{id}/execute",
            "POST /api/v2/integrations/actions/{actionId}/execute",
        ),
    ],
)
def test_a_path_in_no_catalogue_is_named_with_the_nearest_real_one(text: str, given: str, nearest: str) -> None:
    (unknown,) = explain(f"{text} gave 404").unknown
    assert (unknown.what, unknown.given, unknown.nearest) == ("path", given, nearest)
    assert unknown.sentence == f"{given} is not in Genesys's published API; nearest: {nearest}."


def test_a_path_that_resembles_nothing_gets_no_nearest() -> None:
    (unknown,) = explain("GET /api/v2/zzqxj").unknown
    assert unknown.sentence == "/api/v2/zzqxj is not in Genesys's published API."


def test_a_verb_that_a_published_path_does_not_take_is_named() -> None:
    (unknown,) = explain(f"PATCH /api/v2/users/{ID}/routingstatus -> 405").unknown
    assert unknown.what == "call"
    assert "not with PATCH: it takes GET and PUT" in unknown.sentence


CURL = f"""*   Trying 203.0.113.7:443...
* Connected to api.mypurecloud.com (203.0.113.7) port 443
> PATCH /api/v2/wfm/users/{ID}/availability HTTP/2
> Host: api.mypurecloud.com
> Authorization: Bearer s3cr3t-token-value-0815
> Content-Length: 54
>
}} [54 bytes data]
* upload completely sent off: 54 bytes
< HTTP/2 403
< content-type: application/json
< inin-correlation-id: {ID}
<
{{ [77 bytes data]
* Connection #0 to host api.mypurecloud.com left intact
{{"code": "forbidden", "message": "Insufficient permissions for resource access"}}"""


def test_what_curl_prints_is_read_with_its_call_and_headers() -> None:
    for text in (
        CURL,
        CURL.replace("\n", "\r\n"),
        CURL.replace("< HTTP/2 403", "< HTTP/1.1 100 Continue\n<\n< HTTP/1.1 403 Forbidden"),
    ):
        found = explain(text)
        assert found.form == "JSON"
        assert (found.diagnosis.status, found.diagnosis.correlation_id) == (403, ID)
        assert found.diagnosis.missing == ("wfm:schedule:update",)
        assert found.call == f"PATCH /api/v2/wfm/users/{ID}/availability"
        assert "s3cr3t" not in repr(found)


def test_a_tail_that_curl_glues_to_the_body_is_cut_off() -> None:
    answer = f"< HTTP/1.1 429 Too Many Requests\n< Retry-After: 9\n<\n{BODY.replace('403', '429')}"
    assert explain(f"{answer}* Connection #0 to host api.mypurecloud.com left intact").form == "JSON"


def test_a_mail_with_wrapped_and_quoted_lines() -> None:
    wrapped = BODY.replace("permission(s): ", "permission(s):\n").replace(',"', ',\n"')
    quoted = "\n".join(f"> {line}" for line in wrapped.splitlines())
    for text in (f"Hello,\n\n{wrapped}\n\nBo", f"On Monday Ana wrote:\n\n{quoted}\n\nBo", f"Hello\n\n{BODY.translate(SMART)}"):
        found = explain(text).diagnosis
        assert (found.kind, found.missing, found.correlation_id) == (Kind.MISSING_PERMISSION, ("wfm:schedule:edit",), ID)


SMART = str.maketrans({'"': "“"})


def test_an_architect_error_as_the_screen_shows_it() -> None:
    text = (
        "Call Data Action: Failure\nError Code: WFM_SCHEDULE_NOT_FOUND\nStatus: 404\n"
        f"User message: Schedule 0e184a6e-cc01-43c1-a9d2-7a4064a9d9e2 was not found\nCorrelation ID: {ID}"
    )
    found = explain(text).diagnosis
    assert (found.kind, found.code, found.status) == (Kind.NOT_FOUND_SCHEDULE, "WFM_SCHEDULE_NOT_FOUND", 404)
    assert found.correlation_id == ID


def test_several_payloads_in_one_text_are_each_named_once() -> None:
    limit = '{"code":"too.many.requests","message":"Rate limit exceeded","status":429}'
    found = explain(f"first PATCH /api/v2/users/1/presences/purecloud gave {BODY}\nthen {limit}\nand again {limit}\nand {BODY}")
    assert found.diagnosis.code == "missing.permissions"
    assert found.call == "PATCH /api/v2/users/1/presences/purecloud"
    assert [other.kind for other in found.others] == [Kind.RATE_LIMITED]
    assert next(value for name, value in found.fields if name == "Also in this text").startswith("rate limited (429 too.many")


def test_several_answers_of_one_transcript() -> None:
    text = f"HTTP/1.1 401 Unauthorized\n\n{{}}\nHTTP/1.1 403 Forbidden\nContent-Type: application/json\n\n{BODY}"
    found = explain(text)
    assert found.diagnosis.kind is Kind.UNAUTHENTICATED
    assert [other.missing for other in found.others] == [("wfm:schedule:edit",)]


def test_a_list_of_errors_is_one_answer() -> None:
    found = explain('[{"message":"Session expired","errorCode":"INVALID_SESSION_ID"},{"message":"x","errorCode":"Y"}]')
    assert found.diagnosis.kind is Kind.EXPIRED_TOKEN
    assert found.others == ()


def test_bytes_and_a_status_from_outside() -> None:
    assert explain(BODY.encode("utf-16")).diagnosis.missing == ("wfm:schedule:edit",)
    assert explain("nothing to see", status=503).diagnosis.kind is Kind.UPSTREAM_UNAVAILABLE


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


def test_a_refusal_comes_with_its_four_lanes() -> None:
    found = explain('PATCH /api/v2/wfm/users/1/availability\n403 {"code":"forbidden","message":"Forbidden"}')
    assert found.lanes[LaneName.SCOPE].state is LaneState.MISSING
    assert all(verdict.evidence for verdict in found.lanes.values())
    assert explain('{"code":"too.many.requests","status":429}').lanes == {}


MAIL = """Hi,

since this morning it fails for all:

> PATCH https://api.mypurecloud.com/api/v2/wfm/users/3fb0c1d2-0000-4000-8000-000000000001/availability
> HTTP/1.1 403 Forbidden
> ININ-Correlation-Id: 5b2e0c8a-1111-4222-8333-944445555666
>
> {"code": "forbidden", "message": "Insufficient permissions for resource access"}

Thanks, Jane"""


def test_a_whole_exchange_quoted_in_a_mail() -> None:
    found = explain(MAIL)
    assert (found.form, found.diagnosis.status) == ("JSON", 403)
    assert found.diagnosis.missing == ("wfm:schedule:update",)
    assert found.diagnosis.correlation_id == "5b2e0c8a-1111-4222-8333-944445555666"


@pytest.mark.parametrize(
    "line", ["PATCH /api/v2/x -> 409 busy", '10.0.0.1 "PUT /api/v2/x HTTP/1.1" 409 12', "GET /api/v2/x 409 busy"]
)
def test_a_log_line_with_call_and_status(line: str) -> None:
    assert explain(line).diagnosis.status == 409


def test_a_paste_beyond_the_bound_is_read_as_text() -> None:
    long = '{"code":"missing.permissions","message":"missing the permission [wfm:schedule:edit]","x":"' + "y" * 300_000 + '"}'
    found = explain(long, status=403)
    assert found.form.startswith("text: it is too long")
    assert found.diagnosis.missing == ("wfm:schedule:edit",)


def test_one_answer_printed_twice_is_one() -> None:
    printed = f'{{"resourceName":"x","path":"/api/v2/users","statusCode":403,"errorMessage":"403","correlationId":"{ID}"}}'
    found = explain(f"Error: refused\n{printed}\nResponse: {BODY}")
    assert (found.diagnosis.kind, found.diagnosis.missing, found.others) == (
        Kind.MISSING_PERMISSION,
        ("wfm:schedule:edit",),
        (),
    )
