"""Roles and grants as the SDK's models have them."""

from __future__ import annotations

from collections.abc import Iterable

from wfm.demo.clients import Grants
from wfm.demo.problems import Json
from wfm.demo.roles import ROLES, Role
from wfm.demo.roster import iso_minute
from wfm.demo.world import Division

_GRANTED = iso_minute(29_460_000)


def role_uri(role: Role, seed: int) -> str:
    return f"/api/v2/authorization/roles/{role.id(seed)}"


def division_json(division: Division, objects: int | None = None) -> Json:
    """SDK models AuthzDivision and AuthzGrant's division."""
    return {
        "id": division.id,
        "name": division.name,
        "description": division.description,
        "homeDivision": division.home,
        "objectCounts": {} if objects is None else {"USER": objects},
        "selfUri": f"/api/v2/authorization/divisions/{division.id}",
    }


def role_json(role: Role, seed: int, users: int) -> Json:
    """SDK model DomainOrganizationRole."""
    return {
        "id": role.id(seed),
        "name": role.name,
        "description": role.text,
        "defaultRoleId": "",
        "permissions": list(role.permissions),
        "unusedPermissions": [],
        "permissionPolicies": [
            {"domain": domain, "entityName": entity, "actionSet": list(actions), "allowConditions": False}
            for domain, entity, actions in role.policies
        ],
        "userCount": users,
        "roleNeedsUpdate": False,
        "default": False,
        "base": False,
        "selfUri": role_uri(role, seed),
    }


def grants_json(subject_id: str, grants: Grants, divisions: Iterable[Division], seed: int) -> list[Json]:
    """SDK model AuthzGrant of each role in each division."""
    by_id = {division.id: division for division in divisions}
    return [
        {
            "subjectId": subject_id,
            "division": division_json(by_id[division_id]),
            "role": {
                "id": ROLES[name].id(seed),
                "name": name,
                "description": ROLES[name].text,
                "policies": [
                    {"domain": domain, "entityName": entity, "actions": list(actions)}
                    for domain, entity, actions in ROLES[name].policies
                ],
                "default": False,
                "selfUri": role_uri(ROLES[name], seed),
            },
            "grantMadeAt": _GRANTED,
        }
        for name, division_id in grants
    ]


def user_authorization(seed: int, grants: Grants) -> Json:
    """SDK model UserAuthorization."""
    roles = [ROLES[name] for name in dict.fromkeys(name for name, _division in grants)]
    return {
        "roles": [{"id": role.id(seed), "name": role.name} for role in roles],
        "unusedRoles": [],
        "permissions": sorted({permission for role in roles for permission in role.permissions}),
        "permissionPolicies": [
            {
                "domain": domain,
                "entityName": entity,
                "policyName": role.name,
                "actionSetKey": f"{domain}:{entity}",
                "allowConditions": False,
                "actionSet": list(actions),
            }
            for role in roles
            for domain, entity, actions in role.policies
        ],
    }
