"""Nothing outlives a test run. A plugin of pytest.

The run has one folder under the temporary one, which what tests start takes as its temporary folder, and by which it is
known (`tests/support/reaper.py`). A run that comes to its end fails where a process was left.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from tests.support.reaper import BASETEMP, COMPLETE, STARTED_BY, note, started_by

GRACE_S = 3.0
"""How long a process that is about to end may take for it."""


def run_folder() -> Path:
    """The folder of this run, which is removed after it; readable for PostgreSQL, which may run as another user."""
    return Path(os.environ[STARTED_BY].split(os.pathsep)[-1])


class Run:
    """The hooks of the process that conducts a test run."""

    def __init__(self) -> None:
        self.left: list[str] = []
        self.complete = False
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # the folders of failures are kept
        self.folder = Path(tempfile.mkdtemp(prefix="desk-tests-"))
        self.folder.chmod(0o755)
        self.reaper = subprocess.Popen(
            [sys.executable, "-m", "tests.support.reaper", str(self.folder)],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.PIPE,
            start_new_session=True,  # an interrupt from the terminal is not for it
        )
        self.environment = {name: os.environ.get(name) for name in (STARTED_BY, "TMPDIR")}
        before = self.environment[STARTED_BY]
        os.environ[STARTED_BY] = os.pathsep.join([before, str(self.folder)] if before else [str(self.folder)])
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.folder)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.complete = session.exitstatus != pytest.ExitCode.INTERRUPTED
        deadline = time.monotonic() + GRACE_S
        while (left := started_by(self.folder)) and time.monotonic() < deadline:
            time.sleep(0.05)
        for process in left:
            with contextlib.suppress(psutil.Error):
                self.left.append(f"{process.pid}: {' '.join(process.cmdline())[:300]}")
        if self.left and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.left:
            terminalreporter.section("processes that tests left, ended now", red=True)
            for line in self.left:
                terminalreporter.line(line)

    def pytest_unconfigure(self) -> None:
        self.reaper.communicate(COMPLETE if self.complete else b"", timeout=60)
        for name, value in self.environment.items():  # the process may run tests again
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        tempfile.tempdir = None


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        note(run_folder())
    elif not config.option.collectonly and "MUTANT_UNDER_TEST" not in os.environ:  # thousands of runs, all quick: make mutants
        config.pluginmanager.register(Run(), "run")


@pytest.fixture(scope="session", autouse=True)
def _folders_of_tests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The reaper is told where they are."""
    if STARTED_BY in os.environ:
        basetemp = tmp_path_factory.getbasetemp()
        worker = hasattr(request.config, "workerinput")  # not the environment: a test may start a run of its own
        (run_folder() / BASETEMP).write_text(str(basetemp.parent if worker else basetemp), encoding="utf-8")
