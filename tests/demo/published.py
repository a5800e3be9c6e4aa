"""A demo tenant with the published platform alone, and questions that several tests ask of it."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.demo_inprocess import InProcess
from wfm.demo.tenant import Options

UNKNOWN_USER = "00000000-0000-4000-8000-000000000000"


def published_tenant(agents: int = 240, rate_limit: int = 100_000) -> InProcess:
    return InProcess(options=Options(agents=agents, latency_ms=0, rate_limit=rate_limit, platform="published"))


def in_division(inside: InProcess, name: str, **filters: str) -> list[dict[str, Any]]:
    """Active agents of that division who are in the office."""
    query = httpx.QueryParams({"active": "true", "out_of_office": "false", **filters})
    return [row for row in inside.demo("GET", f"/agents?{query}")["agents"] if row["division"] == name]


def definition(inside: InProcess, name: str, division: str | None = None) -> str:
    """The id of an active presence definition; `division` is the name of one, None for those of all."""
    wanted = {row.name: row.id for row in inside.tenant.world.divisions}.get(division or "", "*")
    rows = inside.get("/api/v2/presence/definitions")["entities"]
    return next(str(row["id"]) for row in rows if row["name"] == name and row["divisionId"] == wanted)


def item(agent: dict[str, Any], definition_id: str, message: str = "Maintenance CHG-1") -> dict[str, Any]:
    """One entry of a bulk update (SDK MutableUserPresence)."""
    return {"id": agent["id"], "presenceDefinition": {"id": definition_id}, "message": message}


def user_token(inside: InProcess, user_id: str, scopes: list[str] | None = None) -> dict[str, str]:
    """Headers with a token of that user."""
    body = None if scopes is None else {"scopes": scopes}
    return {"Authorization": f"Bearer {inside.demo('POST', f'/users/{user_id}/token', body)['access_token']}"}


def refused(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, str(response.json()["code"])
