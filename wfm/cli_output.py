"""Output of the command line: one JSON object, or sentences for people. docs/cli.md describes both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import click

from wfm.desk import Desk, OperationView
from wfm.domain.errors import DeskError
from wfm.domain.operations import Item, ItemState, Outcome, Phase, Run, RunFilter
from wfm.domain.plans import AccessCheck, AgentFate, Preview
from wfm.domain.sentences import first_of
from wfm.domain.text import echoed, inert, neutral, shown


class StillGoing(DeskError):
    """A command stops waiting: the operation, where one was made, is kept. `command` continues it."""

    code = "unfinished"

    def __init__(self, sentence: str, operation_id: str | None, command: str) -> None:
        self.operation = operation_id
        self.command = command
        super().__init__(f"{sentence} {command}")


NAMES_SHOWN = 10
NOT_DONE = (ItemState.FAILED, ItemState.UNCONFIRMED)
NEVER_OUT = (ItemState.FAILED, ItemState.SKIPPED)
LOOKED_AGAIN = "The plan had changed since the first preview, and was previewed again:"
STILL_UNCONFIRMED = "It was sent and its outcome is unknown. It is not sent again; look at the agent."


_ESCAPED = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def say(text: str, *, err: bool = False) -> None:
    """Print text. What it quotes can neither control the terminal nor reverse the text beside it."""
    click.echo(neutral(inert(text, lines=True)), err=err)


def say_json(value: dict[str, Any]) -> None:
    """Print one JSON object. Characters that would control a terminal are escaped, which leaves the value as it is."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    click.echo(_ESCAPED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text))


def refusal_of(error: DeskError) -> dict[str, Any]:
    """Return an error as printed with --json."""
    reason = getattr(error, "code", None) or type(error).__name__
    going = {"operation": error.operation, "command": error.command} if isinstance(error, StillGoing) else {}
    return {"error": str(error), "reason": reason, "differences": list(getattr(error, "differences", ())), **going}


def complain(error: DeskError) -> None:
    """Print an error for people, on standard error."""
    say("\n".join([str(error), *(f"  · {line}" for line in getattr(error, "differences", ()))]), err=True)


def complain_of_words(error: click.ClickException, wants_json: bool) -> None:
    """Return click's message about unknown arguments; a long one is not echoed whole."""
    sentence = echoed(error.format_message())
    if wants_json:
        say_json({"error": sentence, "reason": type(error).__name__, "differences": []})
    elif sentence == error.format_message():
        error.show()
    else:
        click.UsageError(sentence, getattr(error, "ctx", None)).show()


# --- a preview -------------------------------------------------------------------------------------------------------


def print_preview(found: Preview, wants_json: bool, refusal: DeskError | None = None) -> None:
    """Print what a plan would do and why applying it was refused, if it was; with --json in one object."""
    blocked = [row for row in found.rows if not row.writes]
    if wants_json:
        say_json(
            {
                "operation": None,
                "plan": found.plan_id,
                "state": "refused" if refusal else "previewed",
                "ready": len(found.ready),
                "applied": 0,
                "failed": 0,
                "skipped": 0,
                "unconfirmed": 0,
                "blocked": len(blocked),
                "agents": {
                    "ready": [_fate_row(row) for row in found.ready],
                    "blocked": [_fate_row(row) for row in blocked],
                },
                "access": [_access_row(check) for check in found.access],
                "findings": [
                    {"code": finding.code, "severity": finding.severity, "title": finding.title, "detail": finding.detail}
                    for finding in found.findings
                ],
                "refusals": [{"code": code, "sentence": sentence} for code, sentence in found.refusals],
                "cost": {
                    "apply_requests": found.cost.apply_requests,
                    "restore_requests": found.cost.restore_requests,
                    "apply_seconds": round(found.cost.apply_seconds, 1),
                    "restore_seconds": round(found.cost.restore_seconds, 1),
                    "limit_per_minute": found.cost.limit_per_minute,
                },
                "read_requests": found.read_requests,
                **(refusal_of(refusal) if refusal else {}),
            }
        )
        return
    start, end = found.window.local()
    say(f"Plan {found.plan_id} · {start:%Y-%m-%d %H:%M} to {end:%H:%M} {found.window.zone} · client {found.client_name}")
    for fate, count in found.totals().items():
        say(f"  {count:>6} {fate}{_left_out(row for row in blocked if row.fate is fate)}")
    for finding in found.findings:
        say(f"  {finding.severity}: {finding.title}. {finding.detail}")
    for check in found.access:
        if check.missing:
            say(f"  access: {check.call}: {check.advice}")
    if refusal is not None:
        complain(refusal)
        return
    for _, sentence in found.refusals:
        say(f"  can't be applied: {sentence}")


def _left_out(rows: Iterable[AgentFate]) -> str:
    names = [row.agent.name if row.agent else row.given for row in rows]
    return f", left out: {_some(names, 'preview --json lists all')}" if names else ""


def _some(names: list[str], all_of_them: str) -> str:
    return first_of([*map(shown, names[:NAMES_SHOWN]), *names[NAMES_SHOWN:]], NAMES_SHOWN, f" ({all_of_them})")


def _fate_row(row: AgentFate) -> dict[str, Any]:
    agent = row.agent
    return {
        "id": agent.id if agent else None,
        "given": row.given,
        "name": agent.name if agent else None,
        "fate": row.fate,
        "why": row.reason,
    }


def _access_row(check: AccessCheck) -> dict[str, Any]:
    lanes = {
        lane.value: {"state": verdict.state.value, "needed": list(verdict.needed), "evidence": verdict.evidence}
        for lane, verdict in check.lanes.items()
    }
    return {
        "call": check.call,
        "missing": check.missing,
        "lanes": lanes,
        "advice": check.advice,
        "provenance": str(check.provenance),
    }


# --- an operation ----------------------------------------------------------------------------------------------------


def print_operation(
    desk: Desk, view: OperationView, wants_json: bool, *, left_out: bool = True, looked_again: tuple[str, ...] = ()
) -> None:
    """Print the state of an operation: with --json every agent, for people only the exceptions.

    Without `left_out` the agents that the plan left out are counted, not named: a restore does not need them. `looked_again`
    is what changed between two previews of the plan. Everything is read before anything is printed. Raises StoreFault.
    """
    causes = _causes(desk, view)
    if wants_json:
        say_json(_operation_row(desk, view, causes) | ({"looked_again": list(looked_again)} if looked_again else {}))
        return
    operation, counts = view.operation, view.counts
    apply_counts = {state: counts.apply.get(state, 0) for state in ItemState}
    lines = [
        f"{operation.title}: {operation.state} · {apply_counts[ItemState.APPLIED]} applied, "
        f"{apply_counts[ItemState.FAILED]} failed, {apply_counts[ItemState.SKIPPED]} skipped, "
        f"{apply_counts[ItemState.UNCONFIRMED]} unconfirmed, {view.blocked} left out · "
        f"{counts.restore.get(ItemState.APPLIED, 0)} restored · operation {operation.id}"
    ]
    if operation.halt_reason:
        lines.append(f"  halted: {operation.halt_reason}")
    lines += _exceptions(desk, view, causes, left_out)
    if looked_again:
        say("\n".join([LOOKED_AGAIN, *(f"  · {line}" for line in looked_again)]), err=True)
    say("\n".join(lines))


def _operation_row(desk: Desk, view: OperationView, causes: dict[str, str]) -> dict[str, Any]:
    operation, counts = view.operation, view.counts
    agents: dict[str, list[dict[str, Any]]] = {"applied": [], "failed": [], "skipped": [], "unconfirmed": [], "pending": []}
    for item in _items(desk, operation.id):
        state = "pending" if item.apply_state is ItemState.SENDING else item.apply_state.value
        back = None if _never_out(item) else item.restore_state.value
        agents[state].append({"id": item.agent_id, "name": item.agent_name, "restore": back, "why": _why(item, causes)})
    agents["blocked"] = [{"id": given, "name": name, "why": why} for given, name, why in desk.windows.blocked(operation.id)]
    restored = {state.value: counts.restore.get(state, 0) for state in ItemState}
    return {
        "operation": operation.id,
        "plan": operation.plan_id,
        "state": operation.state.value,
        "ready": counts.total,
        "applied": counts.apply.get(ItemState.APPLIED, 0),
        "failed": counts.apply.get(ItemState.FAILED, 0),
        "skipped": counts.apply.get(ItemState.SKIPPED, 0),
        "unconfirmed": counts.apply.get(ItemState.UNCONFIRMED, 0),
        "blocked": view.blocked,
        "restored": restored["applied"],
        "restore": restored,
        "halt_reason": operation.halt_reason,
        "agents": agents,
    }


def _exceptions(desk: Desk, view: OperationView, causes: dict[str, str], left_out: bool) -> Iterator[str]:
    """Yield the agents that were not simply taken out and restored, by what happened and why."""
    names_by_reason: dict[tuple[str, str], list[str]] = {}
    for item in _items(desk, view.operation.id):
        if item.apply_state in (*NOT_DONE, ItemState.SKIPPED):
            names_by_reason.setdefault((item.apply_state.value, _why(item, causes)), []).append(item.agent_name)
        if not _never_out(item) and item.restore_state in (*NOT_DONE, ItemState.SKIPPED):
            left = item.restore_state is ItemState.SKIPPED
            word = "left as found" if left else f"not restored ({item.restore_state})"
            names_by_reason.setdefault((word, _why(item, causes)), []).append(item.agent_name)
    for given, name, why in desk.windows.blocked(view.operation.id) if left_out else ():
        names_by_reason.setdefault(("left out", why.split(": ")[0]), []).append(name or given)
    for (word, why), names in names_by_reason.items():
        yield f"  {len(names)} {word}: {why}" if why else f"  {len(names)} {word}"
        yield f"      {_some(names, '--json lists all')}"


def _items(desk: Desk, operation_id: str) -> Iterator[Item]:
    after = 0
    while page := desk.windows.items(operation_id, after_seq=after, limit=5_000):
        yield from page
        after = page[-1].seq


def _never_out(item: Item) -> bool:
    return item.apply_state in NEVER_OUT and item.restore_state is ItemState.PENDING


def _why(item: Item, causes: dict[str, str]) -> str:
    """Return why this agent was not taken out or not restored: the cause of the failed run, or why none was sent."""
    for state, run in ((item.restore_state, item.restore_run), (item.apply_state, item.apply_run)):
        if state in NOT_DONE:
            unknown = STILL_UNCONFIRMED if state is ItemState.UNCONFIRMED else ""
            return causes.get(run or "") or unknown
    return item.skip_reason


def _causes(desk: Desk, view: OperationView) -> dict[str, str]:
    """Return the cause of every failed run of the operation, by the id of the run."""
    counts, causes = view.counts, dict[str, str]()
    for phase, by_state in ((Phase.APPLY, counts.apply), (Phase.RESTORE, counts.restore)):
        for state, outcome in zip(NOT_DONE, (Outcome.FAILED, Outcome.UNCONFIRMED), strict=True):
            if not by_state.get(state, 0):
                continue
            which, cursor = RunFilter(operation_id=view.operation.id, outcome=outcome, phase=phase), None
            while True:
                page = desk.runs.page(which, cursor=cursor, limit=500)
                causes |= {run.id: run.summary() for run in page.runs}
                if (cursor := page.older) is None:
                    break
    return causes


# --- runs ------------------------------------------------------------------------------------------------------------


def print_runs(runs: list[Run], wants_json: bool) -> None:
    if wants_json:
        say_json({"runs": [_run_row(run) for run in runs]})
        return
    width = max((len(run.outcome) for run in runs), default=0)
    for run in runs:
        when, status = run.started_at.isoformat(timespec="seconds"), run.status or ""
        line = f"{when}  {run.outcome:<{width}} {status:>3}  {run.phase:<7} {shown(run.agent_name):<28} {run.summary()}"
        say(line.rstrip())
    if not runs:
        say("No runs yet.")


def _run_row(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "time": run.started_at.isoformat(timespec="seconds"),
        "agent": run.agent_name,
        "agent_id": run.agent_id,
        "route": run.route,
        "action": run.action,
        "operation": run.operation_id,
        "phase": run.phase.value,
        "outcome": run.outcome.value,
        "status": run.status,
        "code": run.code,
        "kind": run.kind.value if run.kind else None,
        "cause": run.cause,
        "missing": list(run.missing),
        "correlation_id": run.correlation_id,
        "duration_ms": run.duration_ms,
        "attempts": run.attempts,
    }
