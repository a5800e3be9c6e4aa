"""The platform's JSON as values of the domain. No answer is trusted to have the documented form.

Forms: SDK models User, ManagementUnit, UserScheduleAdherence, BuAgentScheduleSearchResponse, TokenInfo (published).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wfm.domain.agents import Agent, AgentState, ManagementUnit, Status
from wfm.domain.schedules import Activity, Shift
from wfm.domain.tenant import TokenFacts

IN_CONTACT = frozenset({"INTERACTING", "COMMUNICATING"})
NO_ZONE = "UTC"


def text(value: object) -> str:
    """Return a string, or "" for anything else."""
    return value if isinstance(value, str) else ""


def inside(value: object, *names: str) -> Any:
    """Return a nested member, None where a step is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def instant(value: object) -> datetime | None:
    """Return an ISO 8601 instant as aware UTC; None for anything else."""
    return _instant(value) if isinstance(value, str) else None


# Schedules repeat the same quarter-hours: each is parsed once, one object instead of hundreds of thousands.
@lru_cache(maxsize=8192)
def _instant(value: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    if read.tzinfo is UTC:
        return read
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def written(moment: datetime) -> str:
    """Return an instant as the platform takes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def known_zone(name: object) -> str:
    """Return the name if it is an IANA zone, else ""."""
    try:
        return ZoneInfo(name).key if isinstance(name, str) and name else ""
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ""


def agent(user: Mapping[str, Any], unit: ManagementUnit | None, team_names: Mapping[str, str]) -> Agent:
    """Read SDK model User, with its team expanded."""
    team_id = text(inside(user, "team", "id")) or None
    return Agent(
        id=text(user.get("id")),
        name=text(user.get("name")) or text(user.get("email")) or text(user.get("id")),
        email=text(user.get("email")) or text(user.get("username")),
        active=text(user.get("state")).casefold() in ("active", ""),
        division_id=text(inside(user, "division", "id")),
        division=text(inside(user, "division", "name")),
        team_id=team_id,
        team=(text(inside(user, "team", "name")) or team_names.get(team_id) or team_id) if team_id else None,
        management_unit_id=unit.id if unit else None,
        management_unit=unit.name if unit else None,
        business_unit_id=unit.business_unit_id if unit else None,
        zone=unit.zone if unit else NO_ZONE,
    )


def state(row: Mapping[str, Any], read_at: datetime) -> AgentState | None:
    """Read SDK model UserScheduleAdherence; None for a row without user."""
    agent_id = text(inside(row, "user", "id")) or text(row.get("id"))
    if not agent_id:
        return None
    routing, presence = text(row.get("routingStatus")), text(row.get("systemPresence"))
    unavailable = row.get("actualActivityCategory") == "Unavailable"
    return AgentState(
        agent_id=agent_id,
        status=Status.UNAVAILABLE if unavailable else Status.AVAILABLE,
        presence=presence,
        on_queue=presence == "OnQueue",
        in_contact=routing in IN_CONTACT,
        out_of_office=row.get("isOutOfOffice") is True,
        read_at=read_at,
    )


def shift(row: Mapping[str, Any], codes: Mapping[str, tuple[str, str]]) -> Shift | None:
    """Read SDK model BuAgentScheduleShift; None without a start. `codes` gives (category, name) by activity code."""
    start = instant(row.get("startDate"))
    if start is None:
        return None
    activities = []
    for part in row.get("activities") or ():
        begins = instant(part.get("startDate")) if isinstance(part, dict) else None
        if begins is not None:
            code, description = text(part.get("activityCodeId")), text(part.get("description"))
            category, name = codes.get(code, ("", ""))
            activities.append(_activity(begins, _minutes(part.get("lengthMinutes")), category, description or name))
    return Shift(
        id=text(row.get("id")), start=start, end=start + _minutes(row.get("lengthMinutes")), activities=tuple(activities)
    )


@lru_cache(maxsize=16_384)
def _activity(start: datetime, length: timedelta, category: str, name: str) -> Activity:
    return Activity(start=start, end=start + length, category=category, name=name)


def time_off(row: Mapping[str, Any], zone: str) -> tuple[datetime, datetime] | None:
    """Read SDK model BuFullDayTimeOffMarker: the whole date in the business unit's zone, or the part its offsets name.

    `lengthMinutes` is what the day counts for, not how long it lasts.
    """
    try:
        day = date.fromisoformat(text(row.get("businessUnitDate"))[:10])
    except ValueError:
        return None
    start, end = row.get("startOffsetMinutes"), row.get("endOffsetMinutes")
    if isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= 2880:
        midnight = midnight_of(day, zone)
        return midnight + timedelta(minutes=start), midnight + timedelta(minutes=end)
    return midnight_of(day, zone), midnight_of(day + timedelta(days=1), zone)


def midnight_of(day: date, zone: str) -> datetime:
    """Return the start of the day in that zone, as UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def token_facts(
    info: Mapping[str, Any], client_id: str, granted: tuple[str, ...] | None, expires_at: datetime | None
) -> TokenFacts:
    """Read SDK model TokenInfo. `granted` are the scopes that the token answer named.

    On the published platform a client-credentials token has no scopes and roles in divisions decide: an empty list
    beside roles means "states none", an empty list without roles means "holds none".
    """
    client = info.get("OAuthClient") or {}
    roles = tuple(
        (text(row.get("roleId")), text(row.get("divisionId")))
        for row in inside(client, "roleDivisions") or ()
        if isinstance(row, dict)
    )
    stated = next((s for s in (info.get("authorizedScope"), inside(client, "scope")) if isinstance(s, list)), None)
    scopes = tuple(name for name in stated if isinstance(name, str) and name.strip()) if stated is not None else granted
    if not scopes and (roles or scopes is None):
        scopes = granted or None
    organization = info.get("organization") or info.get("homeOrganization")
    return TokenFacts(
        client_id=text(inside(client, "id")) or client_id,
        client_name=text(inside(client, "name")) or client_id,
        grant_type=text(inside(client, "authorizedGrantType")) or "CLIENT-CREDENTIALS",
        scopes=scopes,
        role_divisions=roles,
        organization_id=text(inside(organization, "id")),
        organization_name=text(inside(organization, "name")),
        expires_at=expires_at,
    )


def _minutes(value: object) -> timedelta:
    return _length(value) if type(value) in (int, float) else timedelta()


@lru_cache(maxsize=2048)
def _length(minutes: float) -> timedelta:
    return timedelta(minutes=minutes) if -1e6 < minutes < 1e6 else timedelta()
