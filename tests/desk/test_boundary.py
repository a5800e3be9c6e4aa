"""Nobody reaches through the Desk: what it is wired of is for its parts, for the worker and for the tests' support only."""

from __future__ import annotations

import ast
import re
from contextlib import closing
from pathlib import Path

import pytest

from wfm.desk import Desk
from wfm.domain.tenant import Tenant
from wfm.genesys.auth import utcnow
from wfm.ledger import Ledger
from wfm.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
INSIDE = ("wfm/desk/", "wfm/work.py", "tests/support/", "tests/desk/test_boundary.py")
FILES = [
    ROOT / "app.py",
    *(file for folder in ("wfm", "pages", "tests", "benchmarks") for file in sorted((ROOT / folder).rglob("*.py"))),
]


def reached(source: str) -> list[str]:
    """The expressions that take something from inside a Desk: `desk.dependencies`, `desk._x`, `desk.part._x`."""
    attributes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute))
    return [
        ast.unparse(node)
        for node in attributes
        if (node.attr == "dependencies" and is_desk(node.value))
        or (node.attr.startswith("_") and not node.attr.startswith("__") and (is_desk(node.value) or is_part(node.value)))
    ]


def is_desk(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return is_desk(node.func)
    return getattr(node, "id", getattr(node, "attr", "")).endswith("desk")


def is_part(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and is_desk(node.value)


def test_nothing_outside_takes_a_ledger_or_a_client_from_the_desk() -> None:
    outside = [file for file in FILES if not file.relative_to(ROOT).as_posix().startswith(INSIDE)]
    found = {str(file): names for file in outside if (names := reached(file.read_text(encoding="utf-8")))}
    assert found == {}


@pytest.mark.parametrize(
    "line", ["desk.dependencies.ledger", "context.desk().dependencies", "self.desk._ledger", "the_desk.runs._ledger.run()"]
)
def test_reaching_through_is_seen(line: str) -> None:
    assert reached(line)


def test_asking_a_part_is_no_reaching_through() -> None:
    assert reached("desk.runs.page(which)") == []


def test_every_part_and_what_it_is_asked_stands_in_the_architecture(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `desk\.(\w+)` \| (.*) \|$", (ROOT / "docs/architecture.md").read_text(encoding="utf-8"), re.M)
    written = {part: set(re.findall(r"`(\w+)`", words)) for part, words in rows if part != "demo"}
    tenant = Tenant(
        api_url="https://api.example.com",
        login_url="https://login.example.com",
        organization_id="o",
        organization_name="O",
        is_demo=False,
    )
    with closing(Desk(Settings(_env_file=None), tenant, Ledger(f"sqlite:///{tmp_path}/desk.sqlite"), None, utcnow)) as desk:
        parts = {name: type(value) for name, value in vars(desk).items() if type(value).__module__.startswith("wfm.desk.")}
    del parts["dependencies"]
    assert written == {name: {one for one in vars(kind) if not one.startswith("_")} for name, kind in parts.items()}
