"""What the command line calls done: which ends are exit code 0, and until when it waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from tests.support.engine_world import TENANT, new_operation, open_ledger, utcnow
from wfm import cli, cli_wait
from wfm.desk import Desk, OperationView
from wfm.domain.errors import DeskError
from wfm.domain.operations import Counts, ItemState, OperationState, Phase
from wfm.domain.tenant import Tenant
from wfm.ledger import Ledger
from wfm.settings import Settings

IDS = ["a1", "a2", "a3"]
APPLIED, FAILED, UNCONFIRMED, PENDING, SKIPPED = (
    ItemState.APPLIED,
    ItemState.FAILED,
    ItemState.UNCONFIRMED,
    ItemState.PENDING,
    ItemState.SKIPPED,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path)
    yield opened
    opened.close()


def desk_on(ledger: Ledger) -> Desk:
    """A Desk on the tenant that `new_operation` makes operations of."""
    host, _, organization = TENANT.partition("|")
    tenant = Tenant(
        api_url=f"http://{host}", login_url=f"http://{host}", organization_id=organization, organization_name="", is_demo=False
    )
    return Desk(Settings(_env_file=None), tenant, ledger, None, utcnow)


def a_view(
    ledger: Ledger,
    state: OperationState,
    apply: dict[ItemState, int],
    restore: dict[ItemState, int] | None = None,
    *,
    asked: bool = False,
) -> OperationView:
    operation = replace(new_operation(ledger, IDS), state=state, restore_requested=asked)
    return OperationView(operation=operation, counts=Counts(apply=apply, restore=restore or {}), blocked=0, eta=None)


@pytest.mark.parametrize(
    ("state", "apply", "restore", "applied", "restored"),
    [
        (OperationState.IN_EFFECT, {APPLIED: 3}, {PENDING: 3}, True, True),
        (OperationState.IN_EFFECT, {APPLIED: 2, FAILED: 1}, {PENDING: 2}, False, True),
        (OperationState.IN_EFFECT, {APPLIED: 2, UNCONFIRMED: 1}, {PENDING: 3}, False, True),
        (OperationState.FAILED, {FAILED: 3}, {}, False, True),
        # Agents that failed to apply are no failure of a restore …
        (OperationState.ENDED_EARLY, {APPLIED: 2, FAILED: 1}, {APPLIED: 2}, False, True),
        (OperationState.RESTORED, {APPLIED: 3}, {APPLIED: 2, SKIPPED: 1}, True, True),
        # … those that are not back are one.
        (OperationState.FAILED_IN_PART, {APPLIED: 3}, {APPLIED: 2, FAILED: 1}, True, False),
        (OperationState.FAILED_IN_PART, {APPLIED: 3}, {APPLIED: 2, UNCONFIRMED: 1}, True, False),
    ],
)
def test_apply_judges_both_phases_and_restore_its_own(
    ledger: Ledger,
    state: OperationState,
    apply: dict[ItemState, int],
    restore: dict[ItemState, int],
    applied: bool,
    restored: bool,
) -> None:
    view = a_view(ledger, state, apply, restore)
    assert cli._all_out(desk_on(ledger), view) is applied
    assert cli._all_back(view) is restored


@pytest.mark.parametrize(
    ("reason", "done"),
    [
        ("newly blocked at the start: time off, vacation", True),
        ("not sent: the window was over", False),
        ("not sent: the window was ended early", False),
        ("not sent: the operation was cancelled", False),
        ("not sent: the operation was halted", False),
    ],
)
def test_a_ready_agent_whose_turn_never_came_is_not_done(ledger: Ledger, reason: str, done: bool) -> None:
    operation = new_operation(ledger, IDS)
    ledger.items.skip(operation.id, Phase.APPLY, {IDS[0]: reason}, reason, now=utcnow())
    counts = Counts(apply={APPLIED: 2, SKIPPED: 1}, restore={PENDING: 2})
    view = OperationView(operation=operation, counts=counts, blocked=0, eta=None)
    assert cli._all_out(desk_on(ledger), view) is done


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["apply", "p.json", "--until", "tomorrow"], "--until"),
        (["runs", "--limit", "0"], "--limit"),
        (["preview", "p.json", "--fast"], "--fast"),
        (["restore"], "OPERATION"),
        (["diagnose", "no-such-file"], "no-such-file"),
        (["dance"], "dance"),
    ],
)
def test_words_that_no_command_takes_are_named(words: list[str], named: str) -> None:
    said = CliRunner().invoke(cli.main, [*words, "--json"])
    assert (said.exit_code, named in json.loads(said.stdout)["error"]) == (2, True)
    plain = CliRunner().invoke(cli.main, words)
    assert (plain.exit_code, plain.stdout, named in plain.stderr) == (2, "", True)


def test_further_failures_in_one_text_are_named_below_the_first() -> None:
    text = '{"code": "forbidden", "message": "no", "status": 403}\n{"code": "not_found", "message": "no", "status": 404}\n'
    said = CliRunner().invoke(cli.main, ["diagnose"], input=text)
    assert said.exit_code == 0
    assert "HTTP 403" in said.output.split("\n\n")[0]
    assert "Also in this text: not found" in said.output.split("\n\n")[1]


def test_who_stops_waiting_is_told_that_the_operation_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> OperationView:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_wait.Waiting, "_poll", interrupted)
    desk = SimpleNamespace(settings=Settings())
    with pytest.raises(DeskError, match=r"op-1 continues by itself\..* -m wfm restore op-1$"):
        cli_wait.Waiting(desk, "op-1", "wait op-1").until(restored=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "asked", "waiting", "until_restored", "settled"),
    [
        (OperationState.SCHEDULED, False, 0, False, False),
        (OperationState.APPLYING, False, 0, False, False),
        (OperationState.IN_EFFECT, False, 3, False, True),
        (OperationState.IN_EFFECT, False, 3, True, False),
        (OperationState.IN_EFFECT, True, 3, False, False),  # somebody has just asked to end it
        (OperationState.RESTORING, True, 1, True, False),
        (OperationState.RESTORED, False, 0, True, True),
        (OperationState.FAILED_IN_PART, False, 0, True, True),
        (OperationState.CORRECTED, False, 3, True, True),  # the clock never undoes it
        (OperationState.CORRECTED, True, 3, True, False),  # its undoing was asked for
        (OperationState.CANCELLED, True, 2, True, False),
        (OperationState.CANCELLED, True, 0, True, True),
        (OperationState.HALTED, True, 1, True, False),
    ],
)
def test_until_when_it_waits(
    ledger: Ledger, state: OperationState, asked: bool, waiting: int, until_restored: bool, settled: bool
) -> None:
    view = a_view(ledger, state, {APPLIED: 3}, {PENDING: waiting}, asked=asked)
    assert cli_wait.settled(view, until_restored) is settled
