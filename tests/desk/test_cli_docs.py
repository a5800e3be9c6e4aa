"""docs/cli.md is held against the code: every command, option, exit code, field and key, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from wfm import cli, cli_output
from wfm.domain.plans import INCLUDABLE, RouteName
from wfm.files.plan_file import FIELDS, SELECTABLE

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
COMMANDS = dict(cli.main.commands)
SECTIONS = dict(re.findall(r"^## `python -m wfm ([a-z-]+)[^\n]*`\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))


def options(command: click.Command) -> set[str]:
    found = {name for given in command.params if isinstance(given, click.Option) for name in given.opts}
    return found - {"--json"}  # every command's, said once at the top


def test_every_command_has_its_section_and_no_other() -> None:
    assert set(SECTIONS) == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_is_told(name: str) -> None:
    heading = next(line for line in PAGE.splitlines() if line.startswith(f"## `python -m wfm {name}"))
    told = set(re.findall(r"--[a-z][a-z-]*", heading + SECTIONS[name])) - {"--json", "--stdin"}
    assert told == options(COMMANDS[name])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_takes_json(name: str) -> None:
    assert "Every command takes `--json`" in PAGE
    assert any("--json" in given.opts for given in COMMANDS[name].params)


def test_the_defaults_are_those_of_the_code() -> None:
    for name in ("demo-tenant", "runs"):
        for given in COMMANDS[name].params:
            if isinstance(given, click.Option) and isinstance(given.default, int) and not given.is_flag:
                assert re.search(
                    rf"`{given.opts[0]}`[^`]*\({given.default}\b|`{given.opts[0]}`[^`]*\b{given.default}\b", PAGE
                ), given


def test_every_exit_code_is_told() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d) \|", PAGE, flags=re.MULTILINE)}
    assert told == {cli.OK, cli.BAD_INPUT, cli.SOME_FAILED, cli.REFUSED}


def test_every_field_of_a_plan_is_told() -> None:
    table = PAGE.split("## PLAN.json")[1]
    assert set(re.findall(r"^\| `([a-z]+)` \|", table, flags=re.MULTILINE)) == set(FIELDS)
    for word in (*SELECTABLE, *RouteName, *(fate.value for fate in INCLUDABLE)):
        assert word in table, word


def test_every_key_of_the_answers_is_told() -> None:
    source = Path(cli_output.__file__).read_text(encoding="utf-8")
    printed = source[source.index("def print_preview") : source.index("# --- runs ---")]
    keys = set(re.findall(r'^ {12,16}"([a-z_]+)":', printed, flags=re.MULTILINE))
    operation = printed[printed.index("def _operation_row") : printed.index("def _exceptions")]
    keys |= set(re.findall(r'^ {8}"([a-z_]+)":', operation, flags=re.MULTILINE)) | {"looked_again", "command"}
    assert {"operation", "plan", "ready", "read_requests", "halt_reason", "restore"} <= keys
    assert {key for key in keys if f'"{key}"' not in PAGE} == set()
