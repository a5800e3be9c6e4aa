"""Work catches each side of a failure by its own name: the tenant's answers, the store's faults, the rules' refusals.

A base class caught wide once turned a fault of the desk's own database into an update that "failed", and left an agent out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("wfm/engine", "wfm/routes", "wfm/genesys", "wfm/preview")
WIDE = {"DeskError", "Exception", "BaseException"}

ALLOWED = {
    # A mistake of ours while sending or reading back: the outcome is unknown, never "failed".
    ("wfm/engine/sending.py", "send", "Exception"),
    ("wfm/engine/sending.py", "read_back", "Exception"),
    # Raises again, or stores what is known before it does.
    ("wfm/engine/batch.py", "run", "BaseException"),
    ("wfm/engine/batch.py", "_settle_what_is_known", "Exception"),
    ("wfm/genesys/bulk_reads.py", "send", "BaseException"),
    ("wfm/genesys/pacing.py", "_change", "BaseException"),
    # Between an exchange and its result nothing may raise.
    ("wfm/genesys/pacing.py", "observe", "Exception"),
    # The desk ends: what is untold then is a minute of counters.
    ("wfm/genesys/pacing.py", "close", "Exception"),
    # Loops and threads that must go on; none of them settles anything.
    ("wfm/engine/dbos_engine.py", "destroy", "Exception"),
    ("wfm/engine/worker.py", "_work", "DeskError"),
    ("wfm/engine/worker.py", "_work", "Exception"),
    ("wfm/engine/worker.py", "_anything_open", "DeskError"),
    ("wfm/engine/worker.py", "_read_back_again", "DeskError"),
    ("wfm/engine/worker.py", "_settle_rest", "DeskError"),
    ("wfm/engine/worker.py", "_settle_rest", "Exception"),
    ("wfm/engine/worker.py", "_heartbeat", "Exception"),
    ("wfm/engine/worker.py", "_forget", "Exception"),
}


def wide_catches(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, str]]:
    """(function, class) of every handler, and every `suppress`, that names a wide class or none at all."""
    for node in ast.iter_child_nodes(tree):
        here = node.name if isinstance(node, ast.FunctionDef) else inside
        caught: list[ast.expr | None] = []
        if isinstance(node, ast.ExceptHandler):
            caught = [*node.type.elts] if isinstance(node.type, ast.Tuple) else [node.type]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "suppress":
            caught = [*node.args]
        for one in caught:
            name = "BaseException" if one is None else ast.unparse(one)
            if name in WIDE:
                yield here, name
        yield from wide_catches(node, here)


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_of_the_work_catches_too_much(room: str) -> None:
    found = {
        (str(file.relative_to(ROOT)), function, caught)
        for file in sorted((ROOT / room).rglob("*.py"))
        for function, caught in wide_catches(ast.parse(file.read_text(encoding="utf-8")))
    }
    allowed = {one for one in ALLOWED if one[0].startswith(room)}
    assert found == allowed


def test_the_check_sees_every_form() -> None:
    code = """
def f():
    try:
        pass
    except (KeyError, DeskError):
        pass
    with contextlib.suppress(Exception):
        pass
    try:
        pass
    except:
        pass
"""
    assert list(wide_catches(ast.parse(code))) == [("f", "DeskError"), ("f", "Exception"), ("f", "BaseException")]
