"""POST /oauth/token: client credentials, by Basic or by form (RFC 6749 sections 2.3.1, 4.4 and 5.2)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs, unquote_plus

from wfm.demo.wire import Answer, Call, answer

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthProblem(Exception):
    """An error answer of the token endpoint: RFC 6749 section 5.2."""

    def __init__(self, status: int, error: str, text: str) -> None:
        self.status = status
        self.error = error
        self.text = text
        super().__init__(text)


def token(call: Call) -> Answer:
    """Issue a token. A wrong secret is 401 when sent by Basic, 400 when sent by form, as the RFC says."""
    try:
        return _token(call)
    except OAuthProblem as problem:
        headers = dict(_NO_STORE)
        if problem.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="demo tenant"'
        # `description` beside `error_description`: the platform writes both.
        return answer(
            {"error": problem.error, "description": problem.text, "error_description": problem.text}, problem.status, headers
        )


def _token(call: Call) -> Answer:
    form = _form(call)
    client_id, secret, basic = _credentials(call, form)
    grant = form.get("grant_type")
    if not grant:
        raise OAuthProblem(400, "invalid_request", "grant_type is missing")
    client = call.tenant.access.check_secret(client_id, secret)
    if client is None:
        raise OAuthProblem(401 if basic else 400, "invalid_client", "client not found or invalid client secret")
    if grant != "client_credentials":
        raise OAuthProblem(400, "unsupported_grant_type", "only client_credentials is supported here")
    if call.tenant.published:  # roles decide: a client-credentials token has no scopes
        value = call.tenant.access.issue(client, (), call.tenant.seconds())
        return answer({"access_token": value, "token_type": "bearer", "expires_in": client.token_seconds}, 200, _NO_STORE)
    scopes = client.scopes
    asked = form.get("scope", "").split()
    if asked:
        if not set(asked) <= set(client.scopes):
            raise OAuthProblem(400, "invalid_scope", "the client does not have every scope asked for")
        scopes = tuple(scope for scope in client.scopes if scope in asked)
    value = call.tenant.access.issue(client, scopes, call.tenant.seconds())
    body = {"access_token": value, "token_type": "bearer", "expires_in": client.token_seconds, "scope": " ".join(scopes)}
    return answer(body, 200, _NO_STORE)


def _form(call: Call) -> dict[str, str]:
    kind = call.headers.get("content-type", "").split(";")[0].strip().lower()
    if call.body and kind != "application/x-www-form-urlencoded":
        raise OAuthProblem(400, "invalid_request", "the body must be application/x-www-form-urlencoded")
    try:
        parsed = parse_qs(call.body.decode("utf-8"), keep_blank_values=True)
    except UnicodeDecodeError:
        raise OAuthProblem(400, "invalid_request", "the body is not UTF-8") from None
    if any(len(values) > 1 for values in parsed.values()):
        raise OAuthProblem(400, "invalid_request", "a parameter is given twice")
    return {name: values[0] for name, values in parsed.items()}


def _credentials(call: Call, form: dict[str, str]) -> tuple[str, str, bool]:
    """Return (client id, secret, whether by Basic)."""
    header = call.headers.get("authorization", "")
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, colon, secret = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise OAuthProblem(401, "invalid_client", "the Authorization header is not Basic credentials") from None
        if not colon:
            raise OAuthProblem(401, "invalid_client", "the Authorization header is not Basic credentials")
        if "client_secret" in form:
            raise OAuthProblem(400, "invalid_request", "credentials are given twice, by header and by form")
        return unquote_plus(client_id), unquote_plus(secret), True
    if header:
        raise OAuthProblem(401, "invalid_client", "the Authorization header must be Basic")
    if not form.get("client_id") or "client_secret" not in form:
        raise OAuthProblem(400, "invalid_client", "client_id and client_secret are missing")
    return form["client_id"], form["client_secret"], False
