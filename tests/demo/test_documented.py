"""docs/demo-tenant.md names everything there is."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from tests.support.demo_tenant import ROOT
from wfm.demo.action_contracts import ACTION_NAMES
from wfm.demo.api_actions import ACTIONS
from wfm.demo.api_brief import ENDPOINTS as BRIEF
from wfm.demo.api_demo import ENDPOINTS as CONTROL
from wfm.demo.command import demo_tenant
from wfm.demo.faults import KINDS
from wfm.demo.roles import ROLES
from wfm.demo.scenarios import PUBLISHED_SCENARIOS, SCENARIOS

PAGE = (ROOT / "docs" / "demo-tenant.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("template", sorted({row.template for row in CONTROL}))
def test_control_routes(template: str) -> None:
    shown = template if template in PAGE else "…/" + Path(template).name
    assert shown in PAGE


@pytest.mark.parametrize("verb_and_end", sorted({f"{row.verb} {Path(row.template).name}" for row in BRIEF}))
def test_brief_routes(verb_and_end: str) -> None:
    verb, end = verb_and_end.split()
    assert any(verb in line and end in line for line in PAGE.splitlines())


@pytest.mark.parametrize("word", [*SCENARIOS, *KINDS, *(action.name for action in ACTIONS)])
def test_scenarios_faults_and_actions(word: str) -> None:
    assert f'"{word}"' in PAGE or f"`{word}`" in PAGE


@pytest.mark.parametrize("word", [*PUBLISHED_SCENARIOS, *ACTION_NAMES])
def test_scenarios_and_actions_of_the_published_platform(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("role", ROLES)
def test_roles(role: str) -> None:
    assert role in PAGE


@pytest.mark.parametrize("option", [name for row in demo_tenant.params if isinstance(row, click.Option) for name in row.opts])
def test_options(option: str) -> None:
    assert f"`{option}`" in PAGE or f"{option} " in PAGE
