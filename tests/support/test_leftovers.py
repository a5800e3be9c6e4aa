"""A test run that is ended in the middle leaves no process and no folder; one that comes to its end says what was left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support.reaper import alive, started_by

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BUSY = """
import time
from pathlib import Path
import pytest
from tests.support.demo_tenant import running_demo
from tests.support.leftovers import run_folder
from tests.support.postgres import running_server

def test_busy(tmp_path: Path) -> None:
    with running_server(), running_demo(agents=5):
        (Path(__file__).parent / "started").write_text(f"{run_folder()}\\n{tmp_path}")
        time.sleep(300)
"""
CARELESS = """
import subprocess

def test_careless() -> None:
    subprocess.Popen(["sleep", "301"], start_new_session=True)
"""


def a_run(folder: Path, code: str, *options: str) -> subprocess.Popen[str]:
    (folder / "test_inner.py").write_text(code, encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(folder), "-p", "no:cacheprovider"]
    return subprocess.Popen(
        [*words, "-p", "tests.support.leftovers", *options, str(folder / "test_inner.py")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", "PYTEST_XDIST_WORKER": "gw0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until_gone(folder: Path, processes: list[psutil.Process], patience_s: float = 30.0) -> None:
    deadline = time.monotonic() + patience_s
    while folder.exists() or any(map(alive, processes)):
        assert time.monotonic() < deadline, (list(filter(alive, processes)), list(folder.rglob("*")))
        time.sleep(0.05)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("number", "options"),
    [(signal.SIGTERM, ["-n", "1"]), (signal.SIGKILL, ["-n", "1"]), (signal.SIGINT, []), (signal.SIGKILL, [])],
    ids=["SIGTERM, workers", "SIGKILL, workers", "SIGINT", "SIGKILL"],
)
def test_a_run_that_is_ended_leaves_nothing(tmp_path: Path, number: signal.Signals, options: list[str]) -> None:
    run = a_run(tmp_path, BUSY, *options)
    deadline = time.monotonic() + 120
    while not (tmp_path / "started").exists():
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.1)  # the file is written at once, but not before it is there
    folder, of_the_test = map(Path, (tmp_path / "started").read_text(encoding="utf-8").splitlines())
    processes = started_by(folder)
    commands = " ".join(" ".join(process.cmdline()) for process in processes)
    assert "postgres -D" in commands
    assert "wfm.demo" in commands
    assert any(folder.glob("pg-*/postmaster.pid"))
    assert of_the_test.is_dir()
    run.send_signal(number)
    run.communicate(timeout=180)
    until_gone(folder, processes)
    assert not of_the_test.exists()
    assert tmp_path.is_dir(), "the folders of another run are not its own"
    assert started_by(folder) == []


def test_a_run_whose_test_leaves_a_process_fails_and_says_so(tmp_path: Path) -> None:
    run = a_run(tmp_path, CARELESS)
    said = run.communicate(timeout=120)[0]
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, said
    assert "processes that tests left, ended now" in said
    left = next(line for line in said.splitlines() if line.endswith(": sleep 301"))
    assert not any("sleep" in process.cmdline() for process in [psutil.Process(int(left.split(":")[0]))] if alive(process))
