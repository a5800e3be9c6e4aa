"""No secret gets through, whatever it looks like and wherever it stands; and what is no secret stays readable."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wfm.domain.redaction import HIDDEN, redact_body, redact_headers, redact_json, redact_text

SECRET = "Zk3-9aQwErTyUiOpLkJhGfDs"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJkZXNrIiwiZXhwIjoxfQ.c2lnbmF0dXJlLWJ5dGVz"
BASIC = base64.b64encode(f"client-1:{SECRET}".encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: bearer {SECRET}==",
        f"Authorization: Basic {BASIC}",
        f"curl -H 'Authorization: Bearer {SECRET}' https://api.mypurecloud.com",
        f"the token {JWT} was refused",
        f"grant_type=client_credentials&client_id=abc&client_secret={SECRET}&scope=x",
        f"refresh_token={SECRET}",
        f'{{"access_token": "{SECRET}", "token_type": "bearer"}}',
        f"{{'access_token': '{SECRET}'}}",
        f'{{"message": "{{\\"access_token\\":\\"{SECRET}\\"}}"}}',
        f'{{\\\\"client_secret\\\\": \\\\"{SECRET}\\\\"}}',
        f"password: {SECRET}",
        f'{{"password":{SECRET}}}',
        f'"password": "with blanks, commas; and {SECRET}"',
        f"PASSWORD={SECRET};",
        f"https://hook.example.org/in?api_key={SECRET}",
        f"https://hook.example.org/in?access_token={SECRET}#x",
        f"client-secret: {SECRET}",
        f"x-api-key: {SECRET}",
        f"https://user:{SECRET}@example.org/path",
        f"postgresql+psycopg://desk:{SECRET}@db/ledger",
        f"assertion={JWT}",
        f"clientSecret={SECRET}",
        f'"accessToken": "{SECRET}"',
        f"Set-Cookie: session={SECRET}; Path=/",
        f'{{"Authorization":"{SECRET}"}} and more',
        f"headers={{'Authorization': 'Token {SECRET}'}}",
        f"Authorization: {SECRET}",
        f"curl -u client-1:{SECRET} https://login.mypurecloud.com/oauth/token",
        f"curl --user 'client-1:{SECRET}' https://login.mypurecloud.com/oauth/token",
        f"client_secret%3D{SECRET}%26grant_type",
        f"token={SECRET}",
        f'"token":"{SECRET}"',
        f"api_secret={SECRET}",
        f"Ocp-Apim-Subscription-Key: {SECRET}",
        f"<password>{SECRET}</password>",
        f"<ns:access_token>{SECRET}</ns:access_token>",
        f"https://files.example.org/x?sv=1&sig={SECRET}&x=1",
        f"https://desk.example.org/cb?code={SECRET}&state=1",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}",
        f"JSESSIONID={SECRET}",
        f"X-Auth-Token: {SECRET}",
        f"&quot;access_token&quot;:&quot;{SECRET}&quot;",
        f"credentials: {SECRET}",
        f"passphrase={SECRET}",
    ],
)
def test_secrets_in_text_are_hidden(text: str) -> None:
    shown = redact_text(text)
    for hidden in (SECRET, BASIC, JWT):
        assert hidden not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "text",
    [
        "Insufficient permissions for resource access",
        '{"code": "forbidden", "message": "Insufficient permissions for resource access"}',
        "architect-flow holds wfm:schedule:write, needs wfm:schedule:update",
        "the basic idea: a bearer of news",
        "PATCH /api/v2/wfm/users/11111111-aaaa-4bbb-8ccc-000000000001/availability",
        "token expired at 14:12",
        "missing permission oauth:token:delete",
        "ININ-Correlation-Id: 5b2e8f7a-1c3d-4e5f-8a9b-0c1d2e3f4a5b",
        "https://api.mypurecloud.com/api/v2/users?pageSize=100&pageNumber=2",
        "http://127.0.0.1:8808/api/v2/users/me@example.org",
        "password is wrong",
        "Bearer authentication required",
        "Basic authentication failed",
        "token: expired",
        "code=missing.permissions status=403",
        "You are missing the following permission(s): [authorization:grant:view:81bd940d-5331-4905-b01a-c8795595e972]",
        "token lacks scope: authorization:readonly",
        "credentials: invalid",
        "GET /api/v2/tokens/me 200",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


def test_headers_are_hidden_by_name_and_by_shape() -> None:
    shown = redact_headers(
        {
            "Authorization": f"Bearer {SECRET}",
            "Set-Cookie": f"s={SECRET}",
            "X-Api-Key": SECRET,
            "X-Forwarded": f"Basic {BASIC}",
            "ININ-Correlation-Id": "5b2e",
            "Content-Type": "application/json",
        }
    )
    assert SECRET not in json.dumps(shown)
    assert BASIC not in json.dumps(shown)
    assert shown["ININ-Correlation-Id"] == "5b2e"
    assert shown["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "name",
    [
        "access_token",
        "refreshToken",
        "client_secret",
        "clientSecret",
        "password",
        "Authorization",
        "apiKey",
        "api-key",
        "privateKey",
    ],
)
@pytest.mark.parametrize("wrapped", ["{}", '{{"a": [{{"b": {}}}]}}'])
def test_json_members_are_hidden_by_name_at_any_depth(name: str, wrapped: str) -> None:
    body = wrapped.format(json.dumps({name: SECRET, "id": "agent-1"}))
    shown = redact_body(body)
    assert shown is not None
    assert SECRET not in shown
    assert "agent-1" in shown


@pytest.mark.parametrize("value", [[SECRET], {"value": SECRET}, [{"inner": SECRET}]])
def test_a_secret_name_hides_lists_and_objects_too(value: object) -> None:
    assert SECRET not in json.dumps(redact_json({"client_secret": value, "credentials": value}))


def test_json_within_json_is_cleaned_by_shape() -> None:
    inner = json.dumps({"error": "invalid_grant", "client_secret": SECRET, "password": SECRET})
    shown = redact_body(json.dumps({"message": f"Response from web service: {inner}"}))
    assert shown is not None
    assert SECRET not in shown
    assert "invalid_grant" in shown


def test_a_body_is_cut_and_still_clean() -> None:
    body = json.dumps({"note": "x" * 200, "access_token": SECRET, "more": "y" * 200})
    shown = redact_body(body, limit=260)
    assert shown is not None
    assert len(shown) <= 300
    assert SECRET not in shown
    assert redact_body(None) is None
    assert redact_body("") == ""


def test_a_secret_cut_in_half_by_the_limit_is_hidden_too() -> None:
    body = f'{{"access_token": "{SECRET}"}}'
    for limit in range(len(body)):
        shown = redact_body(body, limit=limit)
        assert shown is not None
        assert SECRET[:4] not in shown


def test_deep_and_odd_json_does_not_fall_over() -> None:
    deep: object = "x"
    for _ in range(5_000):
        deep = [deep]
    redact_json(deep)
    assert redact_body("[" * 100_000) is not None
    assert redact_body('{"a": NaN, "b": 1e999}') is not None
    assert redact_json({1: SECRET, None: True}) == {1: SECRET, None: True}


@given(
    st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/", min_size=12, max_size=80),
    st.sampled_from(["Bearer {}", "Authorization: Basic {}", "access_token={}", '"client_secret": "{}"', "password={}&x=1"]),
    st.text(max_size=20),
)
def test_no_secret_of_any_letters_gets_through(secret: str, shape: str, around: str) -> None:
    assume(secret not in around and secret not in HIDDEN)
    shown = redact_text(f"{around} {shape.format(secret)} {around}")
    assert secret not in shown


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=10), lambda kids: st.lists(kids, max_size=3)))
def test_json_without_secret_names_keeps_its_shape(value: object) -> None:
    shown = redact_json({"members": value})
    assert isinstance(shown, dict)
    assert json.dumps(shown).count("[") >= json.dumps({"members": value}).count("[") - json.dumps(value).count(HIDDEN)


def test_a_percent_encoded_secret_in_a_form_is_hidden() -> None:
    body = f"grant_type=client_credentials&client_secret={quote('a b/c=' + SECRET)}"
    assert SECRET not in redact_text(body)
