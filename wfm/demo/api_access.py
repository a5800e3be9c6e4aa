"""The token's client and rights, through the published paths; the tenant itself and its limits.

The brief's tenant decides by scope: tokens/me returns the token's scopes, and roles here follow from them.
"""

from __future__ import annotations

from wfm.catalogue import BRIEF_SCOPES, known_scopes
from wfm.demo.clients import READ, UPDATE, WRITE, Client
from wfm.demo.problems import Json, Problem, bad_field, not_found
from wfm.demo.roster import iso_minute
from wfm.demo.tenant import DemoTenant
from wfm.demo.wire import Answer, Call, Endpoint, answer, page_links
from wfm.demo.world import stable_id

# The published permissions of each scope of the brief. The demo's own mapping, after the reference.
_PERMISSIONS: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    READ: (
        ("wfm", "schedule", ("view",)),
        ("wfm", "publishedSchedule", ("view",)),
        ("wfm", "agent", ("view",)),
        ("wfm", "realtimeAdherence", ("view",)),
        ("directory", "user", ("view",)),
        ("groups", "team", ("view",)),
        ("routing", "queue", ("view",)),
        ("integrations", "action", ("view",)),
    ),
    WRITE: (("integrations", "action", ("execute",)),),
    UPDATE: (("wfm", "schedule", ("edit",)), ("presence", "userPresence", ("edit",))),
}


def _token_client(call: Call) -> Client:
    assert call.token is not None
    return call.tenant.access.clients[call.token.client]


def _role_id(tenant: DemoTenant, scope: str) -> str:
    return stable_id(tenant.seed, "role", scope)


def _role_divisions(tenant: DemoTenant, scopes: tuple[str, ...]) -> list[Json]:
    return [
        {"roleId": _role_id(tenant, scope), "divisionId": division.id}
        for scope in scopes
        if scope in _PERMISSIONS
        for division in tenant.world.divisions
    ]


def get_token(call: Call) -> Answer:
    """SDK model TokenInfo. The scopes are those of the token, which a change of the client does not touch."""
    tenant, client, token = call.tenant, _token_client(call), call.token
    assert token is not None
    organization = {"id": tenant.world.organization_id, "name": tenant.world.organization}
    return answer(
        {
            "organization": organization,
            "homeOrganization": organization,
            "authorizedScope": list(token.scopes),
            "OAuthClient": {
                "id": client.id,
                "name": client.name,
                "authorizedGrantType": "CLIENT-CREDENTIALS",
                "scope": list(token.scopes),
                "roleDivisions": _role_divisions(tenant, token.scopes),
                "state": "active",
                "organization": organization,
            },
        }
    )


def delete_token(call: Call) -> Answer:
    """End this token."""
    call.tenant.access.revoke(call.headers.get("authorization", "").partition(" ")[2].strip())
    return Answer(200)


def get_client(call: Call) -> Answer:
    """SDK model OAuthClient, never with the secret."""
    client = call.tenant.access.by_id(call.params["clientId"])
    if client is None:
        raise Problem(404, "client.not.found", "The OAuth client was not found.")
    return answer(
        {
            "id": client.id,
            "name": client.name,
            "description": client.description,
            "accessTokenValiditySeconds": client.token_seconds,
            "authorizedGrantType": "CLIENT-CREDENTIALS",
            "scope": list(client.scopes),
            "roleDivisions": _role_divisions(call.tenant, client.scopes),
            "state": "active",
            "selfUri": f"/api/v2/oauth/clients/{client.id}",
        }
    )


def get_scopes(call: Call) -> Answer:
    """The published scopes that the catalogue knows, and the brief's."""
    names = sorted({*known_scopes(), *BRIEF_SCOPES})
    entities = [{"id": name, "description": "", "selfUri": f"/api/v2/oauth/scopes/{name}"} for name in names]
    return answer({"total": len(entities), "entities": entities, "selfUri": "/api/v2/oauth/scopes"})


def _division(tenant: DemoTenant, division_id: str) -> Json:
    division = next(row for row in tenant.world.divisions if row.id == division_id)
    return {
        "id": division.id,
        "name": division.name,
        "description": division.description,
        "homeDivision": division.home,
        "objectCounts": {},
        "selfUri": f"/api/v2/authorization/divisions/{division.id}",
    }


def get_subject(call: Call) -> Answer:
    """SDK model AuthzSubject: a grant for every role in every division."""
    tenant, client, token = call.tenant, _token_client(call), call.token
    assert token is not None
    grants = [
        {
            "subjectId": client.id,
            "division": _division(tenant, division.id),
            "role": {
                "id": _role_id(tenant, scope),
                "name": _role_name(scope),
                "description": f"What {scope} gives",
                "policies": [{"domain": d, "entityName": e, "actions": list(a)} for d, e, a in _PERMISSIONS[scope]],
                "default": False,
                "selfUri": f"/api/v2/authorization/roles/{_role_id(tenant, scope)}",
            },
            "grantMadeAt": iso_minute(29_460_000),
        }
        for scope in token.scopes
        if scope in _PERMISSIONS
        for division in tenant.world.divisions
    ]
    return answer({"id": client.id, "name": client.name, "grants": grants, "version": 1})


def _role_name(scope: str) -> str:
    return {READ: "WFM Reader", WRITE: "WFM Flow Runner", UPDATE: "WFM Editor"}[scope]


def get_role(call: Call) -> Answer:
    """SDK model DomainOrganizationRole."""
    scope = next((name for name in _PERMISSIONS if _role_id(call.tenant, name) == call.params["roleId"]), None)
    if scope is None:
        raise not_found()
    return answer(
        {
            "id": call.params["roleId"],
            "name": _role_name(scope),
            "description": f"What {scope} gives",
            "permissions": [f"{d}:{e}:{a}" for d, e, actions in _PERMISSIONS[scope] for a in actions],
            "permissionPolicies": [
                {"domain": d, "entityName": e, "actionSet": list(a), "allowConditions": False}
                for d, e, a in _PERMISSIONS[scope]
            ],
            "default": False,
            "base": False,
            "selfUri": f"/api/v2/authorization/roles/{call.params['roleId']}",
        }
    )


def get_permitted(call: Call) -> Answer:
    """Divisions in which the caller has `permission`. 400 missing.permission.param without it (published)."""
    permission = call.first("permission")
    if not permission:
        raise Problem(400, "missing.permission.param", "Missing required permission parameter.", field="permission")
    parts = permission.split(":")
    if len(parts) != 3:
        raise bad_field("permission", permission, "domain:entity:action")
    tenant, token = call.tenant, call.token
    assert token is not None
    held = {f"{d}:{e}:{a}" for scope in token.scopes for d, e, actions in _PERMISSIONS.get(scope, ()) for a in actions}
    divisions = list(tenant.world.divisions) if permission in held else []
    size, number = call.whole("pageSize", 1, 500, 25), call.whole("pageNumber", 1, 1_000_000, 1)
    entities = [_division(tenant, division.id) for division in divisions[(number - 1) * size : number * size]]
    links = page_links(call, number, size, len(divisions))
    return answer({"entities": entities, "allDivsPermitted": bool(divisions), **links})


def get_organization(call: Call) -> Answer:
    world = call.tenant.world
    return answer(
        {
            "id": world.organization_id,
            "name": world.organization,
            "defaultLanguage": "en-us",
            "defaultCountryCode": "DE",
            "thirdPartyOrgName": "alder-finch-demo",
            "domain": world.domain,
            "version": 1,
            "state": "active",
            "productPlatform": "PureCloud",
            "features": {"workforceManagement": True},
            "selfUri": "/api/v2/organizations/me",
        }
    )


_LIMITS: dict[str, dict[str, int]] = {
    "workforce.management": {"management.units.max": 300},
    "workforce.management.adherence": {"realtime.adherence.users.max": 100},
    "presence": {"bulk.presence.users.max": 50},
    "users": {"user.ids.max": 100},
    "dataactions": {"actions.total.max": 500},
}


def get_limits(call: Call) -> Answer:
    """SDK LimitsEntityListing. `platform.api` is the present limit; other numbers are the demo's own."""
    namespace, limit = call.params["namespaceName"], call.tenant.limit
    if namespace == "platform.api":
        values = {
            "client.credentials.token.rate.per.minute": limit,
            "token.rate.per.minute": limit,
            "request.bytes.max": 512_000,
        }
    elif namespace in _LIMITS:
        values = _LIMITS[namespace]
    else:
        raise not_found()
    return answer({"entities": [{"key": key, "namespace": namespace, "value": value} for key, value in values.items()]})


_LIMITS_PATH = "/api/v2/organizations/limits/namespaces/{namespaceName}"
ENDPOINTS = (
    Endpoint("GET", "/api/v2/tokens/me", get_token),
    Endpoint("HEAD", "/api/v2/tokens/me", get_token),
    Endpoint("DELETE", "/api/v2/tokens/me", delete_token),
    Endpoint("GET", "/api/v2/oauth/clients/{clientId}", get_client),
    Endpoint("GET", "/api/v2/oauth/scopes", get_scopes),
    Endpoint("GET", "/api/v2/authorization/subjects/me", get_subject),
    Endpoint("GET", "/api/v2/authorization/roles/{roleId}", get_role),
    Endpoint("GET", "/api/v2/authorization/divisionspermitted/paged/me", get_permitted),
    Endpoint("GET", "/api/v2/organizations/me", get_organization),
    Endpoint("GET", _LIMITS_PATH, get_limits),
    Endpoint("GET", f"{_LIMITS_PATH}/defaults", get_limits),
)
