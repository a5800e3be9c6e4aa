"""Control characters and endless ids: refused in every field that somebody types or a file gives, inert on the terminal."""

from __future__ import annotations

import contextlib
import json
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.desk.test_cli import Cli
from tests.support.demo_tenant import DemoHandle, running_demo
from tests.ui.values import a_run
from wfm import cli_output, settings
from wfm.desk import Desk
from wfm.domain.errors import BadInput
from wfm.domain.operations import GroupState
from wfm.domain.people import Actor, Role
from wfm.domain.plans import PlanRequest, Selection
from wfm.domain.windows import WindowSpec

ACTOR = Actor(subject="a", name="Ada", role=Role.ADMIN)
SIGNS = ["\x1b[31m", "\x9b31m", "\x90", "\x00", "\x07"]
NASTY = "Bo\u202egpj\x1b[2J\x9b31m"


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo(agents=12, latency_ms=0, rate_limit=6000) as handle:
        yield handle


@pytest.fixture(scope="module")
def desk(demo: DemoHandle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    client = demo.clients["desk"]
    made = settings.load(
        genesys_api_url=demo.url,
        genesys_login_url=demo.url,
        genesys_client_id=client["id"],
        genesys_client_secret=client["secret"],
        data_dir=tmp_path_factory.mktemp("desk"),
    )
    with contextlib.closing(Desk.open(made)) as opened:
        yield opened


def a_plan(**changes: Any) -> PlanRequest:
    return PlanRequest(**{"selection": Selection(agents=("nobody@example.com",)), "window": WindowSpec(minutes=30), **changes})


@pytest.fixture(scope="module")
def operation(desk: Desk, demo: DemoHandle) -> str:
    """A window that starts tomorrow, with one agent."""
    start = datetime.now(UTC) + timedelta(days=1)
    window = WindowSpec(start=start, end=start + timedelta(hours=1))
    for user in demo.agents():
        plan = a_plan(selection=Selection(agents=(user["id"],)), window=window)
        found = desk.plans.preview(plan)
        if found.can_apply:
            return desk.plans.apply(plan, found.plan_id, actor=ACTOR, request_token="t").id
    raise AssertionError("no agent is ready tomorrow")


TYPED: dict[str, Callable[[Desk, str, str], object]] = {
    "reason": lambda desk, _, text: desk.plans.preview(a_plan(reason=text)),
    "ticket": lambda desk, _, text: desk.plans.apply(a_plan(ticket=text), "plan", actor=ACTOR, request_token="x"),
    "action": lambda desk, _, text: desk.plans.preview(a_plan(action=text, route="data_action")),
    "agents": lambda desk, _, text: desk.plans.preview(a_plan(selection=Selection(agents=("a", text)))),
    "exclude": lambda desk, _, text: desk.agents.resolve(Selection(agents=("a",), exclude=(text,))),
    "search": lambda desk, _, text: desk.agents.search(text),
    "management units": lambda desk, _, text: desk.agents.resolve(Selection(management_units=(text,))),
    "comment": lambda desk, operation, text: desk.windows.comment(operation, f"two\nlines {text}", ACTOR),
    "note": lambda desk, operation, text: desk.windows.extend(
        operation, datetime.now(UTC) + timedelta(days=2), ACTOR, note=text
    ),
    "owner": lambda desk, _, text: desk.failures.amend("f1", ACTOR, owner=text),
    "name": lambda desk, _, text: desk.saved_views.save(text, {}, ACTOR),
    "q": lambda desk, _, text: desk.saved_views.save("mine", {"q": text}, ACTOR),
    "userId": lambda desk, _, text: desk.actions.test(
        next(action for action in desk.actions.all() if action.inputs).id,
        {"userId": text, "status": "available", "reason": "x"},
        ACTOR,
    ),
}


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("field", TYPED)
def test_a_typed_text_with_a_control_character_is_refused_by_its_field(
    desk: Desk, operation: str, field: str, sign: str
) -> None:
    with pytest.raises(BadInput) as refused:
        TYPED[field](desk, operation, f"abc{sign}def")
    assert refused.value.field == field
    assert "control characters" in str(refused.value)
    assert_inert(str(refused.value))


@pytest.mark.parametrize("sign", SIGNS)
def test_a_note_on_a_cause_is_refused_too(desk: Desk, sign: str) -> None:
    for write in (desk.failures.amend, lambda *who, note: desk.failures.mark(who[0], GroupState.FIXED, who[1], note=note)):
        with pytest.raises(BadInput) as refused:
            write("f1", ACTOR, note=f"CHG-1{sign}")
        assert refused.value.field == "note"


def test_several_lines_are_no_control_characters_where_there_may_be_some(desk: Desk, operation: str) -> None:
    desk.windows.comment(operation, "one\r\n\ttwo – שלום 👩‍💻", ACTOR)


@pytest.mark.parametrize(
    "name", ["genesys_client_id", "genesys_region", "admins", "oidc_redirect_uri", "cookie_secret", "data_dir"]
)
@pytest.mark.parametrize("sign", ["\x1b]0;x\x07", "\x9b31m"])
def test_a_setting_with_a_control_character_is_refused_by_its_name(
    name: str, sign: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"WFM_{name.upper()}", f"abc{sign}")
    with pytest.raises(BadInput) as refused:
        settings.load()
    assert refused.value.field == f"WFM_{name.upper()}"
    assert_inert(str(refused.value))
    assert "('" not in str(refused.value)


# --- the command line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["runs", "--operation", "op\x1b[2J"], "--operation"),
        (["runs", "--operation=op\x9b31m"], "--operation"),
        (["restore", "op\x1b[2J"], "argument"),
        (["diagnose", "--call", "GET /\x07"], "--call"),
        (["demo-tenant", "--scenario", "\x1b[31mred"], "--scenario"),
        (["\x1b[31mred"], "argument"),
        (["runs", "--\x1b[31mred"], "--"),
        (["runs", "--\x1b[31mred=x"], "--"),
        (["apply", "plan\x9b.json"], "argument"),
    ],
)
def test_an_option_with_a_control_character_is_refused_by_its_name(
    demo: DemoHandle, tmp_path: Path, words: list[str], field: str
) -> None:
    cli = Cli(demo, tmp_path, "desk")
    code, _ = cli.told(*words)
    assert code == 2
    assert cli.stderr.startswith(field)
    assert_inert(cli.stderr)
    code, said = cli(*words)
    assert (code, said["reason"]) == (2, "BadInput")


def test_an_endless_id_is_not_echoed_whole(demo: DemoHandle, tmp_path: Path) -> None:
    cli = Cli(demo, tmp_path, "desk")
    endless = "x" * 100_000  # as long as one word of a command line may be
    for words in (
        ["restore", endless],
        ["runs", "--operation", endless],
        ["runs", "--limit", endless],
        [endless],
        ["apply", endless],
    ):
        code, printed = cli.told(*words)
        assert code == 2
        assert len(printed + cli.stderr) < 3_000, words
        assert "xx…xx" in printed + cli.stderr
        assert len(json.dumps(cli(*words)[1])) < 3_000
    code, _ = cli.told("preview", cli.plan(agents=[endless * 2], window={"minutes": 30}))
    assert code == 2
    assert cli.stderr.startswith("agents: “xxx")
    assert len(cli.stderr) < 3_000


def test_words_that_no_command_takes_are_said_as_ever(demo: DemoHandle, tmp_path: Path) -> None:
    cli = Cli(demo, tmp_path, "desk")
    code, _ = cli.own_process("runs", "--limit", "many")
    assert (code, "Usage: python -m wfm runs" in cli.stderr, "'many' is not a valid integer" in cli.stderr) == (2, True, True)
    code, printed = cli.told("--version")
    assert (code, "version" in printed) == (0, True)
    assert cli.told("runs", "--help")[0] == 0


def test_names_of_the_tenant_do_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [a_run(1, agent_name=NASTY, cause="\x1b]0;title\x07"), a_run(2, agent_name="דנה")]
    cli_output.print_runs(runs, False)
    printed = capsys.readouterr().out
    assert_inert(printed.replace("\n", ""))
    assert "\u2068Bo\ufffdgpj␛[2J\\x9b31m\u2069" in printed
    assert "\u2068דנה\u2069" in printed
    cli_output.print_runs(runs, True)
    printed = capsys.readouterr().out
    assert_inert(printed.replace("\n", ""))
    assert [run["agent"] for run in json.loads(printed)["runs"]] == [NASTY, "דנה"]
    cli_output.say(cli_output._some([NASTY] * 12, "all"))
    assert_inert(capsys.readouterr().out.replace("\n", ""))


def assert_inert(text: str) -> None:
    """Nothing in it steers a terminal or turns round what stands beside it."""
    text = text.replace("\n", "")
    assert not [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign in "\u202d\u202e"]
