"""Hand-off cards: a request to the people who can fix a cause, for exactly one change, as Markdown to copy or to send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from wfm.diagnosis.rule_docs import page_for
from wfm.domain.diagnoses import Diagnosis, Kind, Provenance
from wfm.domain.operations import FailureGroup
from wfm.domain.sentences import quantity
from wfm.payloads.limits import clean

MAX_IDS = 5
MAX_AGENTS = 50

_PROBE = "In Maintenance Desk choose “I fixed it”: a read-only check follows, nothing is written."
_NO_PROBE = (
    "In Maintenance Desk choose “I fixed it” and then retry one agent: no read can tell from there whether this is fixed, "
    "only the same update can."
)
_VERIFY_SCOPE = ("Fetch a new token for the client; `GET /api/v2/tokens/me` lists the scope.", _PROBE)
_VERIFY_ROLE = ("Wait up to five minutes: a change to a role takes that long to reach every call.", _PROBE)
_VERIFY = ("In Maintenance Desk choose “Retry” for this cause: the preview says what would happen before anything is sent.",)
_OF_AGENTS = frozenset({Kind.NOT_FOUND_USER, Kind.NOT_FOUND_SCHEDULE, Kind.NOT_FOUND_OTHER})
"""Kinds whose change is made for particular agents: who makes it must know for whom."""
_VERIFICATION = {
    Kind.MISSING_SCOPE: _VERIFY_SCOPE,
    Kind.MISSING_PERMISSION: _VERIFY_ROLE,
    Kind.MISSING_DIVISION: _VERIFY_ROLE,
    Kind.MISSING_LICENSE: _VERIFY_ROLE,
}
_UNEXPLAINED = frozenset(
    {"refused", "operation-without-reason", "server-error", "answer-torn", "answer-empty", "answer-unknown"}
)
"""Rules whose fix is a question: the answer does not say what to change."""


def hand_off_card(
    group: FailureGroup,
    diagnosis: Diagnosis,
    *,
    organization: str,
    client_name: str = "",
    correlation_ids: Sequence[str] = (),
    agents: Sequence[str] = (),
    by_reading: bool = True,
) -> str:
    """The card for a failure group. `diagnosis` is that of its sample run; at most five correlation ids are listed, and
    the first fifty `agents` by name where the change is made for particular agents. `by_reading`: whether the desk can
    prove this access by reads; if not, the card does not promise it.

    It asks for exactly one change; where the answer does not say what to change it asks to find out, and where nothing
    is to be changed it says so. Everything from outside is redacted and bounded; Markdown in it is made harmless.
    """
    ids = [f"- `{_code(one)}`" for one in list(dict.fromkeys(correlation_ids))[:MAX_IDS]] or ["- none in the answers"]
    verification = [
        _NO_PROBE if step is _PROBE and not by_reading else step for step in _VERIFICATION.get(diagnosis.kind, _VERIFY)
    ]
    brief = diagnosis.provenance is Provenance.BRIEF
    note = f"\n\nNote: {_text(page_for(diagnosis.rule).provenance)}" if brief else ""
    title, asked = _request(diagnosis)
    return (
        f"# {title}\n\n"
        f"For: {_text(_who(diagnosis))} · Organization: {_text(organization)}\n\n"
        f"{asked}\n\n"
        f"## Why\n\n{_text(diagnosis.cause)} "
        f"{quantity(group.runs, 'update')} of {quantity(group.agents, 'agent')} failed for this reason, "
        f"from {_time(group.first_seen)} to {_time(group.last_seen)}.\n\n"
        f"{_facts(group, diagnosis, client_name)}\n\n"
        f"How to confirm: {_text(diagnosis.confirm)}\n\n"
        f"{_for_whom(group, agents)}"
        "## How to verify\n\n" + "\n".join(f"{number}. {step}" for number, step in enumerate(verification, 1)) + "\n\n"
        "## Correlation ids\n\n" + "\n".join(ids) + note + "\n"
    )


def _for_whom(group: FailureGroup, agents: Sequence[str]) -> str:
    """The section that names the agents, where that matters and they are known."""
    named = list(dict.fromkeys(agents))[:MAX_AGENTS]
    if group.kind not in _OF_AGENTS or not named:
        return ""
    more = group.agents - len(named)
    lines = [f"- {_text(name)}" for name in named] + ([f"- and {more:,} more"] if more > 0 else [])
    return "## Agents\n\n" + "\n".join(lines) + "\n\n"


def _request(diagnosis: Diagnosis) -> tuple[str, str]:
    """The title and the section that says what is asked for."""
    fix = _text(diagnosis.fix)
    change = fix.partition(". ")[0].rstrip(".")
    if diagnosis.retryable:
        return f"For information: {_text(diagnosis.cause).rstrip('.')}", f"## No change is asked for\n\n{fix}"
    if diagnosis.rule in _UNEXPLAINED:
        head = f"Question: why does this call fail ({diagnosis.kind.words})"
        return head, f"## The one question\n\n{fix}\n\nPlease change nothing before that is answered."
    nothing_more = "" if diagnosis.kind in _OF_AGENTS else ": no other right is asked for"
    return f"Request: {change}", f"## The one change\n\n{fix}\n\nPlease change nothing else{nothing_more}."


def _who(diagnosis: Diagnosis) -> str:
    return "the people who watch the platform" if diagnosis.who.startswith("Nobody") else diagnosis.who


def _facts(group: FailureGroup, diagnosis: Diagnosis, client_name: str) -> str:
    answer = " ".join(part for part in (str(diagnosis.status or ""), group.code or "") if part) or "none"
    call = "not known" if group.call in ("", "unknown") else f"`{_code(group.call)}`"
    rows = [("Call", call), ("Answer", f"{_text(answer)} ({group.kind.words})")]
    if group.missing:
        one_is_enough = " (one is enough)" if len(group.missing) > 1 and "is enough" in diagnosis.cause else ""
        rows.append(("Missing", ", ".join(f"`{_code(name)}`" for name in group.missing) + one_is_enough))
    if diagnosis.divisions:
        rows.append(("Division", ", ".join(f"`{_code(name)}`" for name in diagnosis.divisions)))
    if client_name:
        rows.append(("OAuth client", _text(client_name)))
    rows.append(("Rule", f"`{_code(diagnosis.rule)}`, {diagnosis.provenance.value}, {diagnosis.confidence.value}"))
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _time(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _text(text: str) -> str:
    """Words in a Markdown line: no line breaks, no table or link syntax of somebody else's."""
    flat = " ".join(clean(text, 600).split())
    return "".join(f"\\{char}" if char in "|<>[]`" else char for char in flat)


def _code(text: str) -> str:
    return " ".join(clean(text, 300).replace("`", "'").replace("|", "/").split())
