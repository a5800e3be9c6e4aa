"""Hand-off cards: a request to whoever can mend a cause, for exactly one change, as Markdown to copy or to send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from wfm.diagnosis.bounds import clean
from wfm.diagnosis.judging import kind_words
from wfm.diagnosis.pages import page_for
from wfm.domain.diagnoses import Diagnosis, Kind, Provenance
from wfm.domain.operations import FailureGroup

MAX_IDS = 5

_VERIFY_SCOPE = (
    "Fetch a new token for the client; `GET /api/v2/tokens/me` lists the scope.",
    "In Maintenance Desk choose “I fixed it”: a read-only check follows, nothing is written.",
)
_VERIFY_ROLE = (
    "Wait up to five minutes: a change to a role takes that long to reach every call.",
    "In Maintenance Desk choose “I fixed it”: a read-only check follows, nothing is written.",
)
_VERIFY = ("In Maintenance Desk choose “Retry these” for one agent first, then for the rest.",)
_VERIFICATION = {
    Kind.MISSING_SCOPE: _VERIFY_SCOPE,
    Kind.MISSING_PERMISSION: _VERIFY_ROLE,
    Kind.MISSING_DIVISION: _VERIFY_ROLE,
    Kind.MISSING_LICENSE: _VERIFY_ROLE,
}


def hand_off_card(
    group: FailureGroup,
    diagnosis: Diagnosis,
    *,
    organization: str,
    client_name: str = "",
    correlation_ids: Sequence[str] = (),
) -> str:
    """The card for a failure group. `diagnosis` is that of its sample run; at most five correlation ids are listed.

    Everything from outside is redacted and bounded; Markdown in it is made harmless.
    """
    change = diagnosis.fix.partition(". ")[0].rstrip(".")
    ids = [f"- `{_code(one)}`" for one in list(dict.fromkeys(correlation_ids))[:MAX_IDS]] or ["- none in the answers"]
    answer = " ".join(part for part in (str(diagnosis.status or ""), group.code or "") if part) or "none"
    verification = _VERIFICATION.get(diagnosis.kind, _VERIFY)
    brief = diagnosis.provenance is Provenance.BRIEF
    note = f"\n\nNote: {_text(page_for(diagnosis.rule).provenance)}" if brief else ""
    missing = f"\n| Missing | {', '.join(f'`{_code(name)}`' for name in group.missing)} |" if group.missing else ""
    client = f"\n| OAuth client | {_text(client_name)} |" if client_name else ""
    return (
        f"# Request: {_text(change)}\n\n"
        f"For: {_text(diagnosis.who)} · Organization: {_text(organization)}\n\n"
        f"## The one change\n\n{_text(diagnosis.fix)}\n\nPlease change nothing else: no other right is asked for.\n\n"
        f"## Why\n\n{_text(diagnosis.cause)} "
        f"{_count(group.runs, 'update')} of {_count(group.agents, 'agent')} failed for this reason, "
        f"from {_time(group.first_seen)} to {_time(group.last_seen)}.\n\n"
        f"| | |\n|---|---|\n| Call | `{_code(group.call)}` |\n| Answer | {_text(answer)} ({kind_words(group.kind)}) |"
        f"{missing}{client}\n\n"
        f"How to confirm: {_text(diagnosis.confirm)}\n\n"
        "## How to verify\n\n" + "\n".join(f"{number}. {step}" for number, step in enumerate(verification, 1)) + "\n\n"
        "## Correlation ids\n\n" + "\n".join(ids) + note + "\n"
    )


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _time(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _text(text: str) -> str:
    """Words in a Markdown line: no line breaks, no table or link syntax of somebody else's."""
    flat = " ".join(clean(text, 600).split())
    return "".join(f"\\{char}" if char in "|<>[]`" else char for char in flat)


def _code(text: str) -> str:
    return " ".join(clean(text, 300).replace("`", "'").replace("|", "/").split())
