"""/_demo: clients, their rights, tokens, and contracts of Data Actions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wfm.catalogue import BRIEF_SCOPES, known_scopes, published_scopes
from wfm.demo.action_contracts import actions_of, put_action, read_inputs
from wfm.demo.clients import TOKEN_SECONDS, Client, Grants
from wfm.demo.problems import Json, bad_field, not_found
from wfm.demo.roles import ROLES
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer

_SCOPE_MEMBERS = ("scopes", "add", "remove", "token_seconds")
_ROLE_MEMBERS = ("grant", "withdraw", "divisions", "token_seconds")


def get_clients(call: Call) -> Answer:
    return answer({"clients": [client.public() for client in call.tenant.access.clients.values()]})


def change_client(call: Call) -> Answer:
    """Change a client by name.

    Body {"scopes": [...]}, {"add": [...]}, {"remove": [...]}, {"token_seconds": n}: the next token carries it. Where roles
    decide {"grant": [roles]} or {"withdraw": [roles]}, with {"divisions": [names]} for some only: counts at once.
    """
    tenant, body, name = call.tenant, call.members(), call.params["name"]
    accepted = _ROLE_MEMBERS if tenant.published else _SCOPE_MEMBERS
    unknown = sorted(set(body) - set(accepted))
    if unknown or not body:
        raise bad_field(unknown[0] if unknown else "body", body, ", ".join(accepted))
    lists = {member: _scopes(member, body[member]) for member in ("scopes", "add", "remove") if member in body}
    seconds = body.get("token_seconds")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= 172_800):
        raise bad_field("token_seconds", seconds, "a whole number from 1 to 172800")
    client = tenant.access.clients.get(name)
    if client is None:
        raise not_found()
    if tenant.published:
        return answer(tenant.access.change(name, token_seconds=seconds, grants=_grants(tenant, client, body)).public())
    scopes = [*lists.get("scopes", client.scopes), *lists.get("add", ())]
    kept = tuple(scope for scope in dict.fromkeys(scopes) if scope not in lists.get("remove", ()))
    return answer(tenant.access.change(name, scopes=kept, token_seconds=seconds).public())


def _grants(tenant: DemoTenant, client: Client, body: Json) -> Grants:
    ids = {division.name: division.id for division in tenant.world.divisions}
    named = _names("divisions", body.get("divisions", list(ids)), ids)
    changed = {
        member: [(role, ids[division]) for role in _names(member, body.get(member, []), ROLES) for division in named]
        for member in ("grant", "withdraw")
    }
    return tuple(row for row in dict.fromkeys((*client.grants, *changed["grant"])) if row not in changed["withdraw"])


def _names(member: str, given: object, known: Iterable[str]) -> list[str]:
    if not isinstance(given, list) or any(name not in known for name in given):
        raise bad_field(member, given, f"a list of {', '.join(known)}")
    return given


def _scopes(member: str, given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        given = [given]
    known = {*BRIEF_SCOPES, *known_scopes()}
    if not isinstance(given, list) or any(scope not in known for scope in given):
        wrong = next((scope for scope in given if scope not in known), given) if isinstance(given, list) else given
        raise bad_field(member, wrong, f"a list of scopes, such as {', '.join(BRIEF_SCOPES)}")
    return tuple(given)


def revoke_tokens(call: Call) -> Answer:
    """End every token now, or those of one client: body {"client": name}."""
    client = call.members().get("client") if call.body else None
    if client is not None and client not in call.tenant.access.clients:
        raise bad_field("client", client, ", ".join(call.tenant.access.clients))
    return answer({"revoked": call.tenant.access.revoke_all(client)})


def issue_user_token(call: Call) -> Answer:
    """A token as the user gets who signs in, where roles decide. Body {"scopes": [...]}: else with every published scope."""
    tenant, body = call.tenant, call.members() if call.body else {}
    scopes = tuple(_names("scopes", body.get("scopes", sorted(published_scopes())), published_scopes()))
    person = tenant.person(call.params["id"])
    if person is None or not tenant.published:
        raise not_found()
    value = tenant.access.issue_for_user(person.id, scopes, tenant.seconds())
    return answer({"access_token": value, "token_type": "bearer", "expires_in": TOKEN_SECONDS})


def change_contract(call: Call) -> Answer:
    """Publish another input contract of a Data Action, as another person would. Body: the new input schema."""
    inputs, required = read_inputs(call.json())
    action = actions_of(call.tenant).get(call.params["id"])
    if action is None or not call.tenant.published:
        raise not_found()
    put_action(call.tenant, replace(action, inputs=inputs, required=required, version=action.version + 1))
    return answer({"version": action.version + 1})


ENDPOINTS = (
    Endpoint("GET", "/_demo/clients", get_clients),
    Endpoint("PATCH", "/_demo/clients/{name}", change_client),
    Endpoint("POST", "/_demo/users/{id}/token", issue_user_token),
    Endpoint("POST", "/_demo/tokens/revoke", revoke_tokens),
    Endpoint("POST", "/_demo/actions/{id}/contract", change_contract),
)
