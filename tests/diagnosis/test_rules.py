# ruff: noqa: E501 - payloads stand on one line, as they come
"""Every rule has a page, an example and a test here; a rule without one of them fails."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import pytest

from wfm.diagnosis import diagnose, page_for, rules, sections
from wfm.diagnosis.matching import NOTHING_KNOWN
from wfm.diagnosis.rules import RULES, UNREAD, Rule
from wfm.diagnosis.rules.record import render
from wfm.domain.diagnoses import Diagnosis, Evidence, Kind

EVERY = (*RULES, *UNREAD)
ID = "3ecdfb07-17cf-4c93-80c0-b85b5155063a"
ARN = "arn:aws:iam::111122223333"
PATCH = "PATCH /api/v2/wfm/users/{userId}/availability"
HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


@dataclass(frozen=True)
class Given:
    """An answer that a rule must explain; `missing` and `code` are checked, `retryable` where it is not None."""

    body: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    evidence: Evidence = NOTHING_KNOWN
    missing: tuple[str, ...] = ()
    code: str | None = None
    retryable: bool | None = None

    def read(self) -> Diagnosis:
        return diagnose(self.status, self.headers, self.body, self.evidence)


def wrapped(inner: str, status: int, code: str, *, older: bool = False, category: str = "ACTION.REMOTE_ENDPOINT") -> str:
    """A Data Action failure around somebody else's answer, in the current or the older set of keys."""
    sentence = f"REST call for action execute failed. Message: Request to backend service failed. Response from web service: {inner} [{ID}]"
    said, coded, context = ("userMessage", "errorCode", "correlationId") if older else ("message", "code", "contextId")
    upper = code.upper().replace(".", "_")
    outer = upper if older else code
    error = {said: sentence, coded: upper, "status": status, "details": [], "errors": []}
    details = [{"errorCode": category}]
    return json.dumps({said: "x", coded: outer, "status": status, context: ID, "details": details, "errors": [error]})


def error(code: str, message: str = "", **more: object) -> str:
    return json.dumps({"message": message, "code": code, **more})


CASES: dict[str, list[Given]] = {
    "brief-scope-missing": [
        Given(
            error("forbidden", "Insufficient permissions for resource access"),
            403,
            evidence=Evidence(call=PATCH),
            missing=("wfm:schedule:update",),
            code="forbidden",
            retryable=False,
        ),
        Given(
            error("forbidden", "Forbidden"),
            None,
            missing=("wfm:schedule:update",),
            code="forbidden",
            evidence=Evidence(call="PATCH /api/v2/wfm/users/7f1d/schedule/adherence/55"),
        ),
        Given(
            error("forbidden", "Insufficient permissions for resource access"),
            403,
            missing=("wfm:schedule:read",),
            evidence=Evidence(call="GET /api/v2/wfm/users/{userId}/schedule"),
            code="forbidden",
        ),
        Given(
            wrapped(error("forbidden", "Insufficient permissions for resource access"), 403, "not.authorized"),
            403,
            evidence=Evidence(call=PATCH, via="data_action"),
            missing=("wfm:schedule:update",),
            code="forbidden",
        ),
        Given(
            wrapped(error("forbidden", "Insufficient permissions for resource access"), 400, "forbidden", older=True),
            400,
            evidence=Evidence(call=PATCH, via="data_action"),
            missing=("wfm:schedule:update",),
            code="forbidden",
        ),
        Given(
            error(
                "forbidden",
                "Insufficient permissions for resource access",
                method="PATCH",
                path="/api/v2/wfm/users/7f1d/availability",
            ),
            403,
            missing=("wfm:schedule:update",),
            code="forbidden",
        ),
    ],
    "brief-refused-with-scope": [
        Given(
            error("forbidden", "Insufficient permissions for resource access"),
            403,
            code="forbidden",
            evidence=Evidence(call=PATCH, held_scopes=("wfm:schedule:update",)),
        ),
    ],
    "brief-schedule-not-found": [
        Given(error("not_found", "Resource not found"), 404, evidence=Evidence(call=PATCH), code="not_found"),
        Given(
            wrapped(error("not_found", "Resource not found"), 404, "not.found"),
            404,
            evidence=Evidence(call=PATCH),
            code="not_found",
        ),
        Given("", 404, evidence=Evidence(call="GET /api/v2/wfm/users/7f1d/schedule")),
    ],
    "action-sign-in-failed": [
        Given(
            wrapped(
                '{"error":"invalid_grant","error_description":"AADSTS50126"}',
                400,
                "invalid.credentials",
                older=True,
                category="ACTION.AUTHENTICATION",
            ),
            400,
            code="INVALID_CREDENTIALS",
        ),
    ],
    "token-expired": [
        Given('{"message": "token has expired", "code": 401}', None, code="401", retryable=False),
        Given(
            "",
            401,
            {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="The access token expired"'},
            code="invalid_token",
        ),
        Given(
            '{"fault":{"faultstring":"Access Token expired","detail":{"errorcode":"keymanagement.service.access_token_expired"}}}',
            401,
            code="keymanagement.service.access_token_expired",
        ),
        Given('[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]', 401, code="INVALID_SESSION_ID"),
        Given(
            '{"error":"invalid_grant","error_description":"The refresh token is expired or revoked."}',
            400,
            code="invalid_grant",
        ),
    ],
    "invalid-client": [
        Given(
            'Error calling PostToken: {"error":"invalid_client","description":"authentication failed"}', code="invalid_client"
        ),
        Given("Auth Error: 400 - invalid_client (authentication failed)", 400, code="invalid_client"),
    ],
    "address-not-allowed": [
        Given(
            error("ip.not.authorized", "Requests originating from this IP address are not authorized: [203.0.113.7]"),
            401,
            code="ip.not.authorized",
        ),
    ],
    "not-signed-in": [
        Given("Unauthorized", 401),
        Given('{"message":"Missing Authentication Token"}', 403, {"x-amzn-ErrorType": "MissingAuthenticationTokenException"}),
        Given('{"error":{"message":"User Not Authenticated"},"status":"failure"}', 401),
        Given(HTML.format("401 Authorization Required"), 401),
    ],
    "grant-refused": [
        Given('{"error":"invalid_grant","error_description":"code was used already"}', 400, code="invalid_grant")
    ],
    "user-context-needed": [
        Given(error("not.a.user", "This request requires a user context."), 400, code="not.a.user"),
        Given('{"message":"Client credentials cannot be used for requests to this resource."}', 400),
    ],
    "scope-missing": [
        Given(
            '{"errorCode":"insufficient_scope","message":"Token missing required scope: report:execute"}',
            403,
            missing=("report:execute",),
            code="insufficient_scope",
        ),
        Given(
            "",
            403,
            {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="workforce-management presence"'},
            missing=("workforce-management", "presence"),
            code="insufficient_scope",
        ),
        Given(
            error("app.not.authorized.for.scope", "App not authorized to use scope telephony"),
            403,
            missing=("telephony",),
            code="app.not.authorized.for.scope",
        ),
        Given(
            '{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"identify"}',
            200,
            code="missing_scope",
            missing=("chat:write",),
        ),
        Given(
            '{"message":"The token lacks scope: authorization:readonly","status":403}', 403, missing=("authorization:readonly",)
        ),
        Given('{"message":"This action requires the \'users:readonly\' scope."}', 403, missing=("users:readonly",)),
    ],
    "division-missing": [
        Given(
            error("missing.permissions", f"You are missing the following permission(s): [telephony:pool:edit:{ID}]"),
            403,
            missing=("telephony:pool:edit",),
            code="missing.permissions",
        ),
        Given(
            error(
                "missing.any.division.permissions",
                f"You must have at least one of the following permissions assigned: [a:b:c, d:e:f] in at least one of the "
                f"following division(s): [{ID}]",
            ),
            403,
            missing=("a:b:c", "d:e:f"),
            code="missing.any.division.permissions",
        ),
        Given(
            error("wfm.permission.failure", "They are not authorized for the division of the business unit"),
            403,
            code="wfm.permission.failure",
        ),
    ],
    "team-only-grant": [
        Given(
            error("wfm.only.authorized.for.team.access", "Unauthorized: User only given team access permissions"),
            403,
            code="wfm.only.authorized.for.team.access",
        ),
    ],
    "presence-of-others": [
        Given(
            error("presence.not.authorized.update.other.user.presence"),
            403,
            code="presence.not.authorized.update.other.user.presence",
        ),
    ],
    "permission-missing": [
        Given(
            "API Error: 403 - Unable to perform the requested action. You must have at least one of the following permissions "
            f"assigned: [processautomation:trigger:edit, processautomation:trigger:view] ({ID})",
            missing=("processautomation:trigger:edit", "processautomation:trigger:view"),
        ),
        Given(
            error("missing.permissions", "You are missing the following permission(s): com.inin.iam.util.ResourcePermission"),
            403,
            code="missing.permissions",
        ),
        Given(
            '{"status":403,"code":"forbidden","message":"Denied. Required permission: wfm:schedule:publish."}',
            403,
            missing=("wfm:schedule:publish",),
            code="forbidden",
        ),
        Given(
            error("agent.permission.denied", "Agent does not have required permission: realtimeMonitor:screen:participate"),
            403,
            missing=("realtimeMonitor:screen:participate",),
            code="agent.permission.denied",
        ),
        Given(
            "{'status': 403, 'code': 'missing.any.permissions', 'message': 'one of [wfm:schedule:edit]'}",
            None,
            missing=("wfm:schedule:edit",),
            code="missing.any.permissions",
        ),
        Given(
            json.dumps({"statusCode": 403, "body": error("missing.permissions", "[wfm:schedule:edit]")}),
            200,
            missing=("wfm:schedule:edit",),
            code="missing.permissions",
        ),
        Given(
            error("forbidden", "Insufficient permissions for resource access"),
            403,
            code="forbidden",
            evidence=Evidence(call="GET /api/v2/users"),
        ),
        Given(
            '{"message":"Missing: %s","code":"missing.permissions","messageParams":{"permissions":"[wfm:schedule:edit]"}}',
            403,
            missing=("wfm:schedule:edit",),
            code="missing.permissions",
        ),
    ],
    "feature-not-enabled": [
        Given(
            error("missing.any.license", "You must have at least one of the following licenses assigned: [cloudCX3, wem]"),
            403,
            missing=("cloudCX3", "wem"),
            code="missing.any.license",
        ),
        Given(error("not.implemented", "Feature toggle is not enabled for this endpoint."), 501, code="not.implemented"),
        Given('[{"errorCode":"FUNCTIONALITY_NOT_ENABLED","message":"Not enabled."}]', 403, code="FUNCTIONALITY_NOT_ENABLED"),
        Given(error("forbidden", "User is not licensed for WFM"), 403, code="forbidden"),
    ],
    "organization-refuses": [
        Given(error("blocked", "The request is blocked for your organization"), 400, code="blocked"),
    ],
    "refused": [
        Given("", 403),
        Given("{}", 403),
        Given('{"message":"Forbidden"}', 403, {"x-amzn-ErrorType": "ForbiddenException"}),
        Given('{"timestamp":"2026-03-02T10:15:30Z","status":403,"error":"Forbidden","path":"/agents"}', 403),
        Given("<html><title>Access Denied</title>You don't have permission to access this on this server.</html>", 403),
    ],
    "function-failed": [
        Given(
            '{"errorMessage":"x","errorType":"Runtime.ExitError"}',
            200,
            {"X-Amz-Function-Error": "Unhandled"},
            code="Runtime.ExitError",
            retryable=False,
        ),
        Given(
            error("internal.server.error", "Message: Invoked function failed. Response from function: Type: Unhandled"),
            500,
            code="internal.server.error",
            retryable=False,
        ),
    ],
    "operation-without-reason": [
        Given('{"status":"Error","operationId":"86cb276f-3af5-48da-94be-8945d8b5fc09","eventType":"Import"}', 200),
    ],
    "operation-failed": [
        Given(
            '{"status":"Failure","messages":[{"type":"WARNING","text":"Slow"},{"type":"ERROR","text":"The week has no shift"}]}'
        ),
        Given(f"Flow publish failed. JobID: {ID}, messages:\n2026-03-02 [ERROR] Action 4 has no target"),
    ],
    "aws-limit-or-fault": [
        Given(
            wrapped("", 400, "bad.request").replace(
                "REST call", "Slow (Service: AWSLambda; Status Code: 429; Error Code: ThrottlingException;) REST call"
            ),
            400,
            code="bad.request",
            retryable=True,
        ),
        Given(
            "x (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: 1)",
            code="ResourceNotFoundException",
            retryable=False,
        ),
    ],
    "redirect-address-not-allowed": [
        Given('{"error":"invalid_grant","error_description":"redirect_uri does not match"}', 400, code="invalid_grant"),
        Given("unauthorized redirect_uri: http://localhost/cb", 400),
    ],
    "sign-in-declined": [
        Given("https://app.example.org/?error=access_denied", code="access_denied", retryable=False),
        Given('{"error":"access_denied","error_description":"The user denied access"}', 400, code="access_denied"),
    ],
    "locked-by-somebody": [
        Given("Flow 'Inbound' is locked by another entity.", retryable=False),
        Given("The prompt is checked out by Ana Lopez", 409, retryable=False),
        Given(error("flow.locked", "x"), 409, code="flow.locked", retryable=False),
    ],
    "action-contract": [
        Given(
            json.dumps(
                {
                    "operations": [
                        {
                            "step": 11,
                            "name": "Validate output",
                            "success": False,
                            "error": {"code": "invalid.schema", "message": "no match"},
                        }
                    ],
                    "success": False,
                }
            ),
            200,
            code="invalid.schema",
        ),
        Given(
            '{"errorCode":"INVALID_SCHEMA","status":400,"userMessage":"object has missing required properties"}',
            400,
            code="INVALID_SCHEMA",
        ),
    ],
    "action-template": [
        Given(
            error("bad.request", "Transform failed to process result using 'successTemplate' template"), 400, code="bad.request"
        ),
        Given(error("invalid.substitution", "There was an issue substituting a value"), 500, code="invalid.substitution"),
    ],
    "schedule-not-found": [
        Given(
            wrapped(
                error("wfm.entity.not.found", "not found", details=[{"errorCode": "NOT_FOUND", "fieldName": "scheduleId"}]),
                404,
                "not.found",
                older=True,
            ),
            404,
            code="wfm.entity.not.found",
        ),
        Given(
            '{"errorCode":"WFM_SCHEDULE_NOT_FOUND","status":404,"entityName":"schedule"}', 404, code="WFM_SCHEDULE_NOT_FOUND"
        ),
        Given('{"message":"No published schedule was found for this week"}', 404),
    ],
    "user-not-found": [
        Given(
            '{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"User 7f1d not found."}', 404
        ),
        Given(
            error("general.resource.not.found", "Unable to find a user with that userId"),
            404,
            code="general.resource.not.found",
        ),
        Given(
            error("wfm.entity.not.found", "One of the requested agents was not found in the management unit"),
            400,
            code="wfm.entity.not.found",
        ),
        Given(error("not_found", "User not found"), 404, evidence=Evidence(call=PATCH), code="not_found"),
    ],
    "nothing-found": [
        Given(
            error("not_found", "Resource not found"),
            404,
            code="not_found",
            evidence=Evidence(call="GET /api/v2/users/{userId}"),
        ),
        Given(error("wfm.business.unit.not.found", "Business unit not found"), 404, code="wfm.business.unit.not.found"),
        Given(error("architect.flow.deleted", "Flow has been deleted."), 410, code="architect.flow.deleted"),
        Given(
            wrapped(error("not.found", "The requested resource was not found.", status=404), 400, "bad.request"),
            400,
            code="not.found",
        ),
        Given(HTML.format("404 Not Found")),
    ],
    "earlier-update-running": [Given(error("presenceservice.conflict"), 409, code="presenceservice.conflict", retryable=True)],
    "changed-by-somebody": [
        Given(
            '{"code":"Conflict","message":"Schedule version mismatch. Reload.","status":409}',
            409,
            code="Conflict",
            retryable=False,
        ),
        Given("", 412),
    ],
    "exists-already": [
        Given('{"errors":[{"code":102,"message":"resource already exists"}]}', 409, code="102"),
        Given(error("term.already.exists"), 422, code="term.already.exists"),
    ],
    "conflict": [Given("Conflict", 409), Given(error("wfm.configuration.conflict"), 400, code="wfm.configuration.conflict")],
    "rate-limit": [
        Given('{"message": "Rate limit exceeded the maximum. Retry the request in [3] seconds"}', 429, retryable=True),
        Given('{"statusCode":429,"message":"too many requests","retryAfter":15}', None, retryable=True),
        Given(
            '{"error":"invalid_request","error_description":"rate limit exceeded; try again later"}',
            400,
            retryable=True,
            code="invalid_request",
        ),
        Given(
            '[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]',
            403,
            retryable=True,
            code="REQUEST_LIMIT_EXCEEDED",
        ),
        Given(HTML.format("429 Too Many Requests"), None, retryable=True),
    ],
    "certificate-not-trusted": [
        Given(
            wrapped("", 500, "internal.server.error", category="ACTION.CERTIFICATE"),
            500,
            code="internal.server.error",
            retryable=False,
        ),
        Given("javax.net.ssl.SSLHandshakeException: certificate has expired", 502, retryable=False),
    ],
    "address-unknown": [
        Given(
            error("internal.server.error", "api.example.invalid: Name or service not known"),
            500,
            code="internal.server.error",
            retryable=False,
        ),
    ],
    "timed-out": [
        Given(
            '{"errorMessage":"2026-03-02T10:15:30Z Task timed out after 3.00 seconds"}',
            200,
            {"X-Amz-Function-Error": "Unhandled"},
            retryable=True,
        ),
        Given(
            error("postino.error.request.timeout", "The request timed out."),
            404,
            code="postino.error.request.timeout",
            retryable=True,
        ),
        Given('{"message": "Endpoint request timed out"}', 504, retryable=True),
        Given(HTML.format("504 Gateway Time-out"), None, retryable=True),
        Given("", None, evidence=Evidence(fault="no answer within the time-out"), retryable=True),
    ],
    "not-reachable": [
        Given("no healthy upstream", 503, retryable=True),
        Given('{"message": "Internal server error"}', 502, retryable=True),
        Given('{"message":"Internal server error"}{"message":"Internal server error"}', 502, retryable=True),
        Given(
            error("internal.server.error", "Connect to api.example.com:443 failed: Connection refused"),
            500,
            code="internal.server.error",
            retryable=True,
        ),
        Given("", None, evidence=Evidence(fault="connection reset"), retryable=True),
        Given(
            error("externalservice.unexpectedresponsecode"), 424, code="externalservice.unexpectedresponsecode", retryable=True
        ),
    ],
    "server-error": [
        Given('{"type":"about:blank","title":"Internal Server Error","status":500}', 500, retryable=False),
        Given(
            error("architect.database.throughput.exceeded", "Database too busy.  Please try again."),
            500,
            retryable=True,
            code="architect.database.throughput.exceeded",
        ),
        Given(error("wfm.server.error", "WFM Server Error"), 502, code="wfm.server.error", retryable=True),
    ],
    "redirected": [Given("", 302, {"Location": "https://login.example.com/"})],
    "too-large": [
        Given(
            error("response.entity.too.large", "The response is over the size limit."), 400, code="response.entity.too.large"
        ),
        Given(HTML.format("413 Request Entity Too Large"), 413),
    ],
    "brief-refused-call-unknown": [
        Given(error("forbidden", "Insufficient permissions for resource access"), 403, code="forbidden", retryable=False),
        Given(
            wrapped(error("forbidden", "Insufficient permissions for resource access"), 403, "not.authorized"),
            403,
            evidence=Evidence(call="POST /api/v2/integrations/actions/{actionId}/execute", via="data_action"),
            code="forbidden",
        ),
    ],
    "brief-not-found-call-unknown": [
        Given(error("not_found", "Resource not found"), 404, code="not_found", retryable=False),
        Given(error("not_found", "Resource not found"), None, code="not_found"),
    ],
    "method-not-allowed": [
        Given("\n\n", 405, {"Allow": "GET, POST"}),
        Given(error("method not allowed"), 405, code="method not allowed"),
        Given('{"status":405,"error":"Method Not Allowed","path":"/agents"}', 405),
    ],
    "value-not-accepted": [
        Given('{"title":"Your request is not valid.","detail":"userId is required","errors":[{"detail":"x"}]}', 422),
        Given('{"errorCode":"HTTP_422","httpStatus":422,"message":""}', None, code="HTTP_422"),
        Given(
            '{"title":"One or more validation errors occurred.","status":400,"errors":{"userId":["The field is required."]}}',
            400,
        ),
        Given(error("invalid.id", "The management unit ID must be a valid UUID"), 400, code="invalid.id"),
    ],
    "bad-request": [
        Given("Bad Request", 400),
        Given(error("unsupported.media.type"), 415, code="unsupported.media.type"),
        Given(
            '{"errorCode":"TOO_MANY_RESULTS","status":400,"userMessage":"Too many results matched criteria."}',
            400,
            code="TOO_MANY_RESULTS",
        ),
    ],
    "grant-type-not-allowed": [
        Given('{"error":"unauthorized_client","error_description":"Client is not allowed"}', 400, code="unauthorized_client"),
        Given(
            '{"error":"invalid_request","description":"grant type is not allowed for this client"}', 400, code="invalid_request"
        ),
    ],
    "grant-type-unknown": [
        Given('{"error":"unsupported_grant_type"}', 400, code="unsupported_grant_type"),
        Given('{"error":"invalid_request","description":"Invalid grant type."}', 400, code="invalid_request"),
    ],
    "scope-asked-not-accepted": [
        Given(
            '{"error":"invalid_scope","error_description":"unknown scope [calls:read]"}',
            400,
            missing=("calls:read",),
            code="invalid_scope",
        ),
    ],
    "aws-role-not-trusted": [
        Given(f"User: {ARN}:user/x is not authorized to perform: sts:AssumeRole on resource: {ARN}:role/y", 403),
        Given(
            wrapped(f"User: {ARN}:user/x is not authorized to perform: sts:AssumeRole", 400, "bad.request"),
            400,
            code="bad.request",
        ),
    ],
    "another-service-refuses": [
        Given('{"Message":"User is not authorized to access this resource with an explicit deny"}', 403),
        Given('<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>', 403, code="AccessDenied"),
        Given("Unauthorized", 401, evidence=Evidence(via="data_action")),
        Given(wrapped('{"message":"Forbidden"}', 403, "forbidden", older=True), 403),
        Given("HTTPError: 403 Client Error: Forbidden for url: https://dev1.service-now.com/api/now/table/incident"),
        Given(
            wrapped('{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}', 400, "bad.request"),
            400,
            code="Authorization_RequestDenied",
        ),
    ],
    "firewall-refuses": [
        Given("error code: 1020", 403, evidence=Evidence(via="data_action"), code="1020"),
        Given(wrapped("error code: 1020", 403, "forbidden"), 403, code="forbidden"),
        Given("Request unsuccessful. Incapsula incident ID: 123-456", 403),
        Given(
            "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with your"
            " administrator.<br>Your support ID is: 123</body></html>"
        ),
        Given(
            '<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY>You don\'t have permission to access "http://x/" on this'
            " server.<P>Reference #18.1</BODY></HTML>",
            403,
        ),
    ],
    "aws-policy-refuses": [
        Given(f"User: {ARN}:user/x is not authorized to perform: dynamodb:GetItem on resource: *", 400),
        Given(
            json.dumps(
                {"__type": "AccessDeniedException", "Message": f"{ARN} is not authorized to perform: connect:StopContact"}
            ),
            403,
            code="AccessDeniedException",
        ),
    ],
    "signed-request-refused": [
        Given("<Error><Code>RequestTimeTooSkewed</Code><Message>x</Message></Error>", 403, code="RequestTimeTooSkewed"),
        Given('{"message":"The request signature we calculated does not match the signature you provided."}', 403),
    ],
    "caller-not-let-out": [
        Given("Access to fetch at 'https://api.mypurecloud.ie/api/v2/users' has been blocked by CORS policy"),
        Given("ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 403 Forbidden'))"),
    ],
    "token-asked-of-wrong-host": [
        Given("HTTPError: 404 Client Error: Not Found for url: https://api.mypurecloud.ie/oauth/token"),
        Given(
            "<html><title>Not Found</title></html>", 404, evidence=Evidence(call="POST https://apps.mypurecloud.ie/oauth/token")
        ),
        Given("", 404, evidence=Evidence(call="GET https://login.mypurecloud.ie/api/v2/users/me")),
    ],
    "function-package-processing": [
        Given(
            '{"code":"bad.request","status":400,"details":[{"errorCode":"ACTION.PROCESSING"}]}',
            400,
            evidence=Evidence(call="POST /api/v2/integrations/actions/{actionId}/draft/publish"),
            code="bad.request",
            retryable=True,
        ),
    ],
    "not-at-this-time": [
        Given(error("bad.request", "Can't be done, try again later."), 400, code="bad.request", retryable=True),
        Given(error("precondition.failed", "The resource is not ready yet"), 412, code="precondition.failed", retryable=True),
    ],
    "still-processing": [
        Given('{"id":"x","status":"Processing"}', 202, retryable=False),
        Given("", 202),
        Given('{"jobId":"x","state":"QUEUED"}'),
        Given("HTTP/1.1 202 Accepted"),
    ],
    "nothing-failed": [
        Given("[]"),
        Given('[{"id": "a", "name": "x"}]'),
        Given('{"uploadKey": "a", "url": "https://s3", "headers": {"x-amz": "a"}}'),
        Given("No changes. Your infrastructure matches the configuration."),
        Given("", 204, retryable=False),
        Given('{"id":"x","name":"Ann"}', 200),
        Given("OK", 200),
        Given('{"status":"Complete"}'),
        Given("PATCH /api/v2/users/7 HTTP/1.1 204 No Content"),
        Given('{"operations":[{"step":1,"success":true}],"finalResult":"{\\"message\\":\\"denied\\"}","success":true}', 200),
        Given('{"agentWarnings":[{"messages":[{"type":"AgentHasNoSkills"}]}],"status":"Complete"}', code="AgentHasNoSkills"),
    ],
    "answer-torn": [
        Given('{"errorCode":"BAD_REQUEST","status":400,"userMessage":"Response from web service: {\\"error\\":\\"inv', 400),
        Given("{“code”:“badRequest”,“message”:“Access denied. Check scopes or org settings.”}", 403),
        Given('{"message":"Internal Server Error","stat', 500, retryable=False),
    ],
    "answer-empty": [Given(""), Given("  \n\t "), Given("{}"), Given('{"foo": "bar"}')],
    "answer-page": [Given(HTML.format("Sign in")), Given(HTML.format("Welcome"), 200)],
    "answer-unknown": [Given('"something went wrong"'), Given("42")],
}


def _cases() -> list[tuple[str, Given]]:
    return [(key, given) for key, listed in CASES.items() for given in listed]


@pytest.mark.parametrize(("key", "given"), _cases())
def test_case(key: str, given: Given) -> None:
    found = given.read()
    assert found.rule == key, (found.rule, found.kind)
    assert found.missing == given.missing
    assert found.code == given.code
    if given.retryable is not None:
        assert found.retryable is given.retryable


def _aws(sentence: str) -> Given:
    return Given(wrapped("", 400, "bad.request").replace("REST call", f"{sentence} REST call"), 400)


TOKEN = Evidence(call="POST /oauth/token", via="oauth")
BEHIND_ACTION = Evidence(call="POST /api/v2/integrations/actions/{actionId}/execute", via="data_action")
VARIANTS: dict[str, list[tuple[Given, str]]] = {
    "action-sign-in-failed": [
        (
            Given(
                wrapped(f'{{"error":"{code}"}}', 400, "invalid.credentials", older=True, category="ACTION.AUTHENTICATION"), 400
            ),
            phrase,
        )
        for code, phrase in {
            "invalid_scope": "Correct the scope",
            "unauthorized_client": "may not use this grant type",
            "invalid_client": "the id or the secret",
        }.items()
    ],
    "token-asked-of-wrong-host": [
        (Given("", 404, evidence=Evidence(call="GET https://login.mypurecloud.ie/api/v2/users/me")), "API")
    ],
    "scope-asked-not-accepted": [(Given('{"error": "invalid_scope"}', 403, evidence=BEHIND_ACTION), "Integration admin")],
    "aws-limit-or-fault": [
        (_aws("(Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException;)"), "no more calls"),
        (_aws("(Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException;)"), "name (ARN)"),
        (_aws("(Service: AWSLambda; Status Code: 502; Error Code: KMSAccessDeniedException;)"), "kms:Decrypt"),
        (_aws("(Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException;)"), "AWS Lambda refuses"),
        (_aws("(Service: AWSLambda; Status Code: 502; Error Code: SubnetIPAddressLimitReachedException;)"), "network"),
        (_aws("(Service: AWSLambda; Status Code: 500; Error Code: ServiceException;)"), "not ready"),
        *(
            (Given(f"An error occurred ({code}) when calling the {call} operation: no", code=code), phrase)
            for code, call, phrase in (
                ("ExpiredTokenException", "Invoke", "AWS Lambda does not accept the key or session"),
                ("ValidationException", "PutItem", "AWS DynamoDB does not accept a value"),
                ("ConditionalCheckFailedException", "PutItem", "AWS DynamoDB refuses the write"),
            )
        ),
    ],
    "invalid-client": [
        (Given('{"error": "invalid_client", "error_description": "client is disabled"}', 400, evidence=TOKEN), "Enable"),
        (Given('{"error": "invalid_client", "error_description": "client not found: 3fc1"}', 400, evidence=TOKEN), "region"),
    ],
    "division-missing": [
        (
            Given(error("missing.division.permission", f"[wfm:schedul:edit] in the provided division(s) [{ID}]"), 403),
            "wfm:schedul:edit, which",
        )
    ],
    "permission-missing": [(Given(error("missing.permissions", "[wfm:schedul:edit]"), 403), "nearest: wfm:schedule:edit")],
    "function-failed": [
        (
            Given('{"errorType":"Runtime.OutOfMemory","errorMessage":"signal: killed"}', 200, evidence=BEHIND_ACTION),
            "more memory",
        )
    ],
    "nothing-found": [
        (
            Given("[ERROR] The queue 'Sales DE' referenced by the flow was not found in the organization"),
            "Create the queue 'Sales DE'",
        ),
        (
            Given(error("not.found"), 404, evidence=Evidence(call="PATCH /api/v2/nothing/here")),
            "PATCH /api/v2/nothing/here is not",
        ),
    ],
    "conflict": [
        (Given(error("conflict_error", "Conflict occurred while saving. Please try again."), 409), "Nobody: it passes")
    ],
    "aws-policy-refuses": [
        (
            Given('{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs"}', 403),
            "URL to NONE",
        )
    ],
    "certificate-not-trusted": [
        (Given("javax.net.ssl.SSLHandshakeException: Received fatal alert: handshake_failure"), "no version or cipher"),
        (Given("SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1129)')"), "does not speak TLS"),
        (Given("curl: (60) SSL certificate problem: self-signed certificate"), "The program"),
    ],
    "timed-out": [(Given("2026-03-02T02:00:07.114Z 0a1b2c3d Task timed out after 3.00 seconds"), "more time in its settings")],
    "not-reachable": [(Given("Cannot connect to proxy.: Connection refused"), "address of the proxy")],
    "not-signed-in": [(Given('{"message": "Missing Authentication Token"}', 403), "Correct the path")],
    "answer-page": [(Given("json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"), "wanted JSON")],
    "answer-unknown": [(Given('{"errorcode": "1", "error": ["No such table: network"]}', code="1"), "the sentence")],
    "address-unknown": [(Given("getaddrinfo ENOTFOUND api.mypurecloud.frr"), "api.mypurecloud.frr that the program")],
}


@pytest.mark.parametrize(
    ("key", "number", "given", "phrase"),
    [(key, number, *pair) for key, pairs in VARIANTS.items() for number, pair in enumerate(pairs)],
)
def test_variant_says_what_is_particular(key: str, number: int, given: Given, phrase: str) -> None:
    variant = next(rule for rule in EVERY if rule.key == key).variants[number]
    found = given.read()
    assert found.rule == key
    assert phrase in " ".join((found.cause, found.confirm, found.fix, found.who))
    assert variant.kind in (None, found.kind)
    assert variant.retryable in (None, found.retryable)


def test_every_variant_has_a_test() -> None:
    assert {rule.key: len(rule.variants) for rule in EVERY if rule.variants} == {
        key: len(pairs) for key, pairs in VARIANTS.items()
    }


@pytest.mark.parametrize(
    ("text", "values", "said"),
    [
        ("The token lacks {what|a scope}.", {"what": "presence"}, "The token lacks presence."),
        ("The token lacks {what|a scope}.", {}, "The token lacks a scope."),
        ("Cut off.{status|}", {}, "Cut off."),
        ("Cut off.{status| No status.}", {"status": ""}, "Cut off."),
        ("{what|it} is not known", {"what": "queue"}, "Queue is not known"),
        ("{what|it} is not known", {"what": "wfm:schedule:edit"}, "wfm:schedule:edit is not known"),
        ("Add it to {client}.", {"client": "{what|nothing}"}, "Add it to {what|nothing}."),
        ("An unset {{oauth_token}} for {client}.", {"client": "us"}, "An unset {{oauth_token}} for us."),
        ("Sent: {what|}", {"what": "client_secret=abcdef0123456789"}, "Sent: client_secret=[redacted]"),
    ],
)
def test_texts_are_filled(text: str, values: dict[str, str], said: str) -> None:
    assert render(text, values) == said


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500])
def test_a_quoted_answer_makes_one_cause_for_many_runs(status: int) -> None:
    """What differs from one request to the next is left out: each would be a cause of its own, with one agent's id in it."""
    causes = set()
    for agent, other, at in (
        ("3f1d9c52-1111-4b77-8a3c-6b1e7c2d9f01", "ana@example.com", "2026-11-23T14:30:00.123Z"),
        ("5555dc52-2222-4b77-8a3c-6b1e7c2d9f02", "bo+x@example.org", "2026-11-24T08:01:59Z"),
    ):
        body = json.dumps({"message": f"Agent {agent} was put on hold by {other} at {at} under 4711815", "code": "odd.state"})
        causes.add(diagnose(status, {}, body, Evidence(call="PATCH /api/v2/x", via="direct")).cause)
    (cause,) = causes
    assert "Agent … was put on hold by … at … under" in cause


def test_every_rule_has_a_test() -> None:
    assert set(CASES) == {rule.key for rule in EVERY}
    assert all(CASES.values())


def test_keys_are_unique() -> None:
    keys = [rule.key for rule in EVERY]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.key)
def test_example_is_explained_by_its_rule(rule: Rule) -> None:
    example = rule.example
    evidence = Evidence(call=example.call, via=example.via, held_scopes=example.held_scopes)
    found = diagnose(example.status, example.headers, example.body, evidence)
    assert found.rule == rule.key
    assert found.kind is rule.kind


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.key)
def test_page_is_complete_and_calm(rule: Rule) -> None:
    page = page_for(rule.key)
    texts = [text for said in (rule.general(), *rule.particular()) for text in (said.cause, said.confirm, said.fix)]
    for heading, text in sections(page):
        assert text.endswith("."), heading
    for text in (*texts, *(text for _, text in sections(page)), page.title):
        assert text == text.strip()
        assert "!" not in text
        assert "UNVERIFIED" not in text
        assert not re.search(r"\b(please|sorry|oops|simply|just do|you forgot)\b", text, re.IGNORECASE)
        assert not re.search(r"(?<!\{)\{\w+\|?|  | \.", text), "a placeholder that leaves something behind"
    assert all(len(sentence) <= 200 for text in texts for sentence in text.split(". "))
    assert rule.who
    assert page.provenance.startswith(("Published", "Observed", "Brief"))
    assert page.retry.startswith(("Yes", "No", "Not", "Rarely", "By"))


def test_every_kind_is_reached_by_some_rule() -> None:
    assert {rule.kind for rule in EVERY} == set(Kind)


def test_rules_lists_every_page_in_order() -> None:
    assert [page.key for page in rules()] == [rule.key for rule in EVERY]
