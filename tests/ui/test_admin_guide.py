"""The admin's guide against the code: parameters of the address, states of a cause, export addresses."""

from __future__ import annotations

import re

from tests.ui.conftest import ROOT
from wfm.desk.proofs import PROPAGATION
from wfm.desk.retention import NIGHT_HOUR
from wfm.domain.operations import GroupState, Outcome
from wfm.ui.components.run_query import DEFAULT_PRESET, NAMES, PRESETS
from wfm.ui.screens.imports.model import MAX_PASTE, WAYS
from wfm.ui.screens.runs.export import FORMATS
from wfm.ui.screens.settings.sentences import SETTING
from wfm.ui.shell.roles import SIGN_IN_LASTS
from wfm.ui.shell.web.routes import ROUTES
from wfm.work import PROVE_S

GUIDE = (ROOT / "docs" / "user" / "admin.md").read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    """The cells of the table that begins with this head."""
    table = GUIDE.split(f"| {head} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_every_parameter_of_the_address_is_documented_and_no_other() -> None:
    documented = [name for cells in rows("parameter") for name in re.findall(r"`(\w+)`", cells[0])]
    assert sorted(documented) == sorted(NAMES)
    cells = {cells[0]: cells[1] for cells in rows("parameter")}
    assert re.findall(r"`(\w+)`", cells["`time`"]) == list(PRESETS)
    assert f"`{DEFAULT_PRESET}` (default)" in cells["`time`"]
    assert re.findall(r"`([^`]+)`", cells["`outcome`"]) == [outcome.value for outcome in Outcome]


def test_every_state_of_a_cause_is_documented() -> None:
    assert sorted(cells[0] for cells in rows("state")) == sorted(state.value for state in GroupState)
    assert f"{PROPAGATION.seconds // 60} minutes" in GUIDE
    assert f"every {PROVE_S:.0f} seconds" in GUIDE


def test_every_export_is_documented() -> None:
    for route in ROUTES:
        if route.path.startswith("/export/"):
            shown = (
                route.path.replace("{format:str}", "csv").replace("{run:str}", "ID").replace("{fingerprint:str}", "FINGERPRINT")
            )
            assert shown in GUIDE, route.path
    assert f"{SIGN_IN_LASTS.seconds // 3600} hours" in GUIDE
    for label, fmt in FORMATS:
        assert f"*{label}*" in GUIDE
        assert f"/export/runs.{fmt}" in GUIDE


def test_every_way_to_import_is_documented_with_its_limit() -> None:
    documented = {cells[0]: cells[2] for cells in rows("from")}
    assert documented == {way.label: f"{way.max_mb} MB" if way.max_mb else f"{MAX_PASTE:,} characters" for way in WAYS.values()}


def test_retention_is_documented_as_the_screen_says_it() -> None:
    assert f"`{SETTING}`" in GUIDE
    assert f"after {NIGHT_HOUR:02d}:00 UTC" in GUIDE
