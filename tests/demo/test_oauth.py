"""POST /oauth/token and the tokens it gives."""

from __future__ import annotations

import pytest

from tests.support.demo_inprocess import Clock, InProcess

GRANT = {"grant_type": "client_credentials"}


def keys(inside: InProcess, name: str = "desk") -> tuple[str, str]:
    client = inside.tenant.access.clients[name]
    return client.id, client.secret


def test_basic_and_form_give_a_bearer_token_with_the_clients_scopes(inside: InProcess) -> None:
    client_id, secret = keys(inside)
    by_header = inside.request("POST", "/oauth/token", data=GRANT, auth=(client_id, secret))
    by_form = inside.request("POST", "/oauth/token", data={**GRANT, "client_id": client_id, "client_secret": secret})
    for response in (by_header, by_form):
        assert response.status_code == 200
        body = response.json()
        assert body["token_type"] == "bearer"
        assert body["expires_in"] == 86_400
        assert body["scope"] == "wfm:schedule:read wfm:schedule:write wfm:schedule:update"
        assert response.headers["cache-control"] == "no-store"
        own = inside.request("GET", "/api/v2/tokens/me", headers={"Authorization": f"Bearer {body['access_token']}"})
        assert own.status_code == 200
    assert by_header.json()["access_token"] != by_form.json()["access_token"]


def test_the_three_clients_hold_what_the_brief_says(inside: InProcess) -> None:
    held = {name: set(client.scopes) for name, client in inside.tenant.access.clients.items()}
    read, write, update = "wfm:schedule:read", "wfm:schedule:write", "wfm:schedule:update"
    assert held == {"desk": {read, write, update}, "architect-flow": {read, write}, "read-only": {read}}


def test_a_wrong_secret_is_401_by_header_and_400_by_form(inside: InProcess) -> None:
    client_id, _ = keys(inside)
    by_header = inside.request("POST", "/oauth/token", data=GRANT, auth=(client_id, "wrong"))
    by_form = inside.request("POST", "/oauth/token", data={**GRANT, "client_id": client_id, "client_secret": "wrong"})
    assert by_header.status_code == 401
    assert by_header.headers["www-authenticate"].startswith("Basic")
    assert by_form.status_code == 400
    assert by_header.json()["error"] == by_form.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({**GRANT, "scope": "wfm:schedule:everything"}, 400, "invalid_scope"),
        ({**GRANT, "client_secret": "again"}, 400, "invalid_request"),
    ],
)
def test_bad_requests(inside: InProcess, form: dict[str, str], status: int, error: str) -> None:
    response = inside.request("POST", "/oauth/token", data=form, auth=keys(inside))
    assert (response.status_code, response.json()["error"]) == (status, error)


def test_other_broken_credentials(inside: InProcess) -> None:
    assert inside.request("POST", "/oauth/token", data=GRANT).json()["error"] == "invalid_client"
    for header in ("Basic !!!", "Basic bm9jb2xvbg==", "Bearer x"):
        response = inside.request("POST", "/oauth/token", data=GRANT, headers={"Authorization": header})
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    as_json = inside.request("POST", "/oauth/token", json=GRANT, auth=keys(inside))
    assert (as_json.status_code, as_json.json()["error"]) == (400, "invalid_request")
    assert inside.request("GET", "/oauth/token").status_code == 405


def test_a_narrower_scope_can_be_asked_for(inside: InProcess) -> None:
    body = inside.request("POST", "/oauth/token", data={**GRANT, "scope": "wfm:schedule:read"}, auth=keys(inside)).json()
    own = inside.request("GET", "/api/v2/tokens/me", headers={"Authorization": f"Bearer {body['access_token']}"}).json()
    assert own["authorizedScope"] == ["wfm:schedule:read"]


def test_a_token_expires(inside: InProcess) -> None:
    inside.demo("PATCH", "/clients/desk", {"token_seconds": 300})
    inside.token("desk")
    inside.clock.advance(299)
    assert inside.request("GET", "/api/v2/tokens/me", "desk").status_code == 200
    inside.clock.advance(2)
    response = inside.request("GET", "/api/v2/tokens/me", "desk")
    assert (response.status_code, response.json()["code"]) == (401, "bad.credentials")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_tokens_me_tells_client_grant_scopes_and_organization(inside: InProcess) -> None:
    body = inside.get("/api/v2/tokens/me", "architect-flow")
    client_id, _ = keys(inside, "architect-flow")
    assert body["OAuthClient"]["id"] == client_id
    assert body["OAuthClient"]["name"] == "architect-flow"
    assert body["OAuthClient"]["authorizedGrantType"] == "CLIENT-CREDENTIALS"
    assert body["authorizedScope"] == body["OAuthClient"]["scope"] == ["wfm:schedule:read", "wfm:schedule:write"]
    assert body["organization"]["id"] == inside.tenant.world.organization_id
    assert inside.request("HEAD", "/api/v2/tokens/me", "architect-flow").status_code == 200


def test_a_token_can_be_ended_by_its_holder(inside: InProcess) -> None:
    assert inside.request("DELETE", "/api/v2/tokens/me", "desk").status_code == 200
    assert inside.request("GET", "/api/v2/tokens/me", "desk").status_code == 401


def test_an_added_scope_is_carried_by_the_next_token_not_by_the_old_one(inside: InProcess) -> None:
    path = f"/api/v2/wfm/users/{inside.working()['id']}/availability"
    body = {"status": "unavailable", "reason": "maintenance_window"}
    assert inside.request("PATCH", path, "architect-flow", json=body).status_code == 403
    inside.demo("PATCH", "/clients/architect-flow", {"add": ["wfm:schedule:update"]})
    assert inside.request("PATCH", path, "architect-flow", json=body).status_code == 403
    inside.forget_tokens()
    assert inside.request("PATCH", path, "architect-flow", json=body).status_code == 200
    assert "wfm:schedule:update" in inside.get("/api/v2/tokens/me", "architect-flow")["authorizedScope"]


def test_secrets_are_in_no_repr() -> None:
    inside = InProcess(Clock())
    client = inside.tenant.access.clients["desk"]
    assert client.secret not in repr(client)
    assert client.secret not in repr(inside.tenant.access.clients)
