"""Access as values: what the screen finds, the lanes as a table, and the fields of an explained payload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wfm.desk import AccessReport
from wfm.domain.plans import AccessCheck, LaneState, RouteName
from wfm.domain.sentences import join_words, quantity
from wfm.ui.components.lanes import LANE_HEADS, lane_cell
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.components.states import style_of

ROUTE_TITLES = {
    RouteName.AVAILABILITY: "Availability: takes agents out now or at the window's start",
    RouteName.ADHERENCE: "Adherence: corrects a window of the past",
    RouteName.DATA_ACTION: "Data Action: does what an Architect flow does",
}
PROVENANCE_HELP = {
    "published": "In Genesys's published API catalogue.",
    "observed": "Seen in real answers, in no catalogue.",
    "brief": "From the brief this desk was made for; not in Genesys's published catalogue.",
}
PROVENANCE_COLOR = {"published": "blue", "observed": "violet", "brief": "gray"}


def finding(report: AccessReport) -> str:
    """The title of the screen: which routes this client can't take, or that it can take all of them."""
    client = report.token.client_name or report.token.client_id
    blocked = [name for name, checks in report.checks.items() if any(check.missing for check in checks)]
    unknown = [name for name, checks in report.checks.items() if _unknown(checks) and name not in blocked]
    if blocked and len(blocked) == len(report.checks):
        return f"{client} can take no agent out: {join_words(missing_names(report)) or 'access is missing'}"
    if blocked:
        names = join_words([name.replace("_", " ") for name in blocked])
        return f"{client} can't use {quantity(len(blocked), 'route')} of {len(report.checks)}: {names}"
    if unknown:
        return f"{client} has all the access that can be checked; {quantity(len(unknown), 'route')} can't be checked fully"
    return f"{client} has what all {quantity(len(report.checks), 'route')} need"


def _unknown(checks: Iterable[AccessCheck]) -> bool:
    return any(verdict.state is LaneState.UNKNOWN for check in checks for verdict in check.lanes.values())


def roles_text(pairs: Iterable[tuple[str, str]]) -> str:
    """How many roles in how many divisions the token carries; "" where it says nothing of them."""
    found = list(pairs)
    if not found:
        return ""
    roles, divisions = {role for role, _ in found}, {division for _, division in found}
    return f"{quantity(len(roles), 'role')} in {quantity(len(divisions), 'division')}"


def counts_text(report: AccessReport) -> str:
    """What the ledger has seen go through this client; "" before anything did."""
    if not (report.reads_ok or report.writes_ok or report.writes_failed):
        return ""
    parts = [f"{quantity(report.reads_ok, 'read')} worked" if report.reads_ok else ""]
    parts += [f"{quantity(report.writes_ok, 'write')} worked", f"{report.writes_failed} failed"]
    return "So far through this client: " + ", ".join(part for part in parts if part) + "."


def missing_names(report: AccessReport) -> list[str]:
    """Every scope or permission that is missing somewhere, once each: "wfm:schedule:update is missing"."""
    names = {
        name: None
        for checks in report.checks.values()
        for check in checks
        for verdict in check.lanes.values()
        if verdict.state is LaneState.MISSING
        for name in verdict.needed
    }
    return [f"{name} is missing" for name in names]


def provenance_badge(word: str) -> str:
    """Where a statement comes from, as a badge."""
    return f":{PROVENANCE_COLOR.get(word, 'gray')}-badge[{escape_markdown(word)}]"


def lanes_rows(checks: Iterable[AccessCheck]) -> dict[str, list[str]]:
    """The table of one route in Markdown cells: call, what for, four lanes, provenance."""
    table: dict[str, list[str]] = {name: [] for name in ("call", "for", *LANE_HEADS.values(), "source")}
    for check in checks:
        table["call"].append(code(check.call))
        table["for"].append(escape_markdown(", ".join(check.purposes)) or "–")
        for lane, head in LANE_HEADS.items():
            table[head].append(lane_cell(check.lanes.get(lane)))
        table["source"].append(provenance_badge(check.provenance))
    if set(table["for"]) <= {"–"}:
        del table["for"]  # outside a plan nobody says what a call is for
    return table


def evidence_lines(checks: Iterable[AccessCheck]) -> list[str]:
    """How each verdict is known, a line of Markdown each; a lane that does not apply says why."""
    lines: dict[str, None] = {}
    for check in checks:
        for lane, head in LANE_HEADS.items():
            verdict = check.lanes.get(lane)
            if verdict is not None and verdict.evidence:
                lines[f"{code(check.call)} {head}: {style_of(verdict.state).word}, {escape_markdown(verdict.evidence)}"] = None
    return list(lines)


def fields_table(fields: Sequence[tuple[str, str]], longest: int = 400) -> Mapping[str, list[str]]:
    """The fields read from a pasted payload, as a table of plain text."""
    return {
        "field": [escape_markdown(name) for name, _ in fields],
        "value": [code(value if len(value) <= longest else value[:longest] + "…") if value else "–" for _, value in fields],
    }


SAMPLES: Mapping[str, str] = {
    "The brief's 403": "PATCH /api/v2/wfm/users/3fb0c1d2-0000-4000-8000-000000000001/availability\n"
    '403 {"code": "forbidden", "message": "Insufficient permissions for resource access"}',
    "A published 403": 'HTTP 403\n{"message": "Unable to perform the requested action. You must have all of the following '
    'permission(s): [wfm:publishedSchedule:view]", "code": "missing.any.permissions", "status": 403, '
    '"contextId": "5b2e0c8a-1111-4222-8333-944445555666"}',
    "A rate limit": '429 {"message": "Rate limit exceeded the maximum. Retry the request in [17] seconds", '
    '"code": "too.many.requests", "status": 429, "contextId": "0c8a5b2e-1111-4222-8333-944445555666"}',
}
"""Payloads to try the explainer with: made up in the shapes of the brief and of the published error model."""
