"""Token, client, roles and grants where roles in divisions decide (SDK models TokenInfo, OAuthClient, AuthzSubject …)."""

from __future__ import annotations

from wfm.catalogue import published_permissions, published_scopes
from wfm.demo.clients import SIGN_IN, Client, Grants
from wfm.demo.problems import Json, Problem, bad_field, not_found
from wfm.demo.role_models import division_json, grants_json, role_json
from wfm.demo.roles import ROLES, held_in, people_by_role, user_grants
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer, page_links
from wfm.demo.world import stable_id

_CLIENT_CREDENTIALS, _CODE = "CLIENT-CREDENTIALS", "CODE"


def _role_divisions(tenant: DemoTenant, grants: Grants) -> list[Json]:
    return [{"roleId": ROLES[name].id(tenant.seed), "divisionId": division} for name, division in grants]


def get_token(call: Call) -> Answer:
    """SDK model TokenInfo. Client credentials have no scopes; their roles are in roleDivisions."""
    tenant, token = call.tenant, call.token
    assert token is not None
    organization = {"id": tenant.world.organization_id, "name": tenant.world.organization}
    client = None if token.user else tenant.access.clients[token.client]
    scopes = list(token.scopes)
    own: Json = {
        "id": stable_id(tenant.seed, "client", SIGN_IN) if client is None else client.id,
        "name": SIGN_IN if client is None else client.name,
        "authorizedGrantType": _CODE if client is None else _CLIENT_CREDENTIALS,
        "scope": scopes,
        "roleDivisions": [] if client is None else _role_divisions(tenant, client.grants),
        "state": "active",
        "organization": organization,
    }
    body = {"organization": organization, "homeOrganization": organization, "authorizedScope": scopes, "OAuthClient": own}
    return answer(body)


def _client_json(tenant: DemoTenant, client: Client) -> Json:
    """SDK model OAuthClient, never with the secret."""
    return {
        "id": client.id,
        "name": client.name,
        "description": client.description,
        "accessTokenValiditySeconds": client.token_seconds,
        "registeredRedirectUri": [],
        "authorizedGrantType": _CLIENT_CREDENTIALS,
        "scope": [],
        "roleIds": list(dict.fromkeys(row["roleId"] for row in _role_divisions(tenant, client.grants))),
        "roleDivisions": _role_divisions(tenant, client.grants),
        "state": "active",
        "selfUri": f"/api/v2/oauth/clients/{client.id}",
    }


def get_client(call: Call) -> Answer:
    client = call.tenant.access.by_id(call.params["clientId"])
    if client is None:
        raise Problem(404, "client.not.found", "Client was not found.")
    return answer(_client_json(call.tenant, client))


def get_scopes(_call: Call) -> Answer:
    """Every published scope."""
    names = sorted(published_scopes())
    entities = [{"id": name, "description": "", "selfUri": f"/api/v2/oauth/scopes/{name}"} for name in names]
    return answer({"total": len(entities), "entities": entities, "selfUri": "/api/v2/oauth/scopes"})


def _subject(tenant: DemoTenant, subject_id: str, name: str, grants: Grants) -> Answer:
    """SDK model AuthzSubject."""
    rows = grants_json(subject_id, grants, tenant.world.divisions, tenant.seed)
    own = f"/api/v2/authorization/subjects/{subject_id}"
    return answer({"id": subject_id, "name": name, "grants": rows, "version": 1, "selfUri": own})


def get_own_subject(call: Call) -> Answer:
    """The grants of the caller: of the user that the token stands for, else of the client."""
    tenant, token = call.tenant, call.token
    assert token is not None
    if token.user:
        return _subject(tenant, token.user, tenant.world.by_id[token.user].name, tenant.grants(token))
    client = tenant.access.clients[token.client]
    return _subject(tenant, client.id, client.name, client.grants)


def get_subject(call: Call) -> Answer:
    """The grants of any user or client."""
    tenant, subject_id = call.tenant, call.params["subjectId"]
    client, person = tenant.access.by_id(subject_id), tenant.person(subject_id)
    if client is not None:
        return _subject(tenant, client.id, client.name, client.grants)
    if person is None:
        raise not_found()
    return _subject(tenant, person.id, person.name, user_grants(person))


def get_role(call: Call) -> Answer:
    seed = call.tenant.seed
    role = next((role for role in ROLES.values() if role.id(seed) == call.params["roleId"]), None)
    if role is None:
        raise not_found()
    return answer(role_json(role, seed, people_by_role(call.tenant.world).get(role.name, 0)))


def get_permissions(call: Call) -> Answer:
    """Every published permission, by domain (SDK PermissionCollectionEntityListing)."""
    domains: dict[str, dict[str, list[Json]]] = {}
    for name in sorted(published_permissions()):
        domain, entity, action = name.split(":")
        row = {"domain": domain, "entityType": entity, "action": action, "label": name, "divisionAware": True}
        domains.setdefault(domain, {}).setdefault(entity, []).append(row)
    rows = [{"domain": domain, "permissionMap": entities} for domain, entities in domains.items()]
    size, number = call.whole("pageSize", 1, 200, 25), call.whole("pageNumber", 1, 1_000_000, 1)
    return answer({"entities": rows[(number - 1) * size : number * size], **page_links(call, number, size, len(rows))})


def get_permitted(call: Call) -> Answer:
    """Divisions in which the caller has `permission`. 400 missing.permission.param without it (published)."""
    permission = call.first("permission")
    if not permission:
        raise Problem(400, "missing.permission.param", "Missing required permission parameter", field="permission")
    if len(permission.split(":")) != 3:
        raise bad_field("permission", permission, "domain:entity:action")
    tenant, token = call.tenant, call.token
    assert token is not None
    held = held_in(tenant.grants(token)).get(permission, frozenset())
    name = call.first("name").casefold()
    divisions = [row for row in tenant.world.divisions if row.id in held and name in row.name.casefold()]
    size, number = call.whole("pageSize", 1, 500, 25), call.whole("pageNumber", 1, 1_000_000, 1)
    entities = [division_json(division) for division in divisions[(number - 1) * size : number * size]]
    everywhere = len(held) == len(tenant.world.divisions)
    return answer({"entities": entities, "allDivsPermitted": everywhere, **page_links(call, number, size, len(divisions))})


ENDPOINTS = (
    Endpoint("GET", "/api/v2/tokens/me", get_token),
    Endpoint("HEAD", "/api/v2/tokens/me", get_token),
    Endpoint("GET", "/api/v2/oauth/clients/{clientId}", get_client),
    Endpoint("GET", "/api/v2/oauth/scopes", get_scopes),
    Endpoint("GET", "/api/v2/authorization/subjects/me", get_own_subject),
    Endpoint("GET", "/api/v2/authorization/subjects/{subjectId}", get_subject),
    Endpoint("GET", "/api/v2/authorization/roles/{roleId}", get_role),
    Endpoint("GET", "/api/v2/authorization/permissions", get_permissions),
    Endpoint("GET", "/api/v2/authorization/divisionspermitted/paged/me", get_permitted),
)
