"""The night's work in real worker processes: one of two does it, and neither says anything alarming."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.desk.history.old_runs import ADMIN, archived, as_lines, everything
from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.inside import inside
from wfm.desk import Desk, ImportFormat
from wfm.domain.operations import RunFilter
from wfm.settings import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
IN_A_HURRY = """
from wfm import cli, work
from wfm.desk import retention
work.NIGHT_S = 0.2
retention.NIGHT_HOUR = 0
cli.main(["worker"])
"""


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo(agents=20, rate_limit=100_000) as handle:
        yield handle


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, demo: DemoHandle, tmp_path: Path) -> Settings:
    client = demo.clients["desk"]
    url = str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else None
    return Settings(
        _env_file=None,
        genesys_api_url=demo.url,
        genesys_login_url=demo.url,
        genesys_client_id=client["id"],
        genesys_client_secret=client["secret"],
        data_dir=tmp_path / "data",
        database_url=None if url is None else SecretStr(url),
        retention_days=30,
    )


def a_worker(settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    assert settings.genesys_client_secret is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WFM_")} | {
        "WFM_GENESYS_API_URL": str(settings.genesys_api_url),
        "WFM_GENESYS_LOGIN_URL": str(settings.genesys_login_url),
        "WFM_GENESYS_CLIENT_ID": str(settings.genesys_client_id),
        "WFM_GENESYS_CLIENT_SECRET": settings.genesys_client_secret.get_secret_value(),
        "WFM_DATA_DIR": str(settings.data_dir),
        "WFM_RETENTION_DAYS": "30",
    }
    if settings.database_url is not None:
        environment["WFM_DATABASE_URL"] = settings.database_url.get_secret_value()
    with log.open("wb") as out:
        return subprocess.Popen([sys.executable, "-c", IN_A_HURRY], cwd=ROOT, env=environment, stdout=out, stderr=out)


def until(done: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)


def old_lines(n: int) -> bytes:
    at = datetime.now(UTC) - timedelta(days=45)
    return as_lines({"time": (at - timedelta(seconds=k)).isoformat(), "userId": f"u{k}", "status": 200} for k in range(n))


def test_workers_archive_once_a_night(settings: Settings, tmp_path: Path) -> None:
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    with closing(Desk.open(settings)) as desk, ExitStack() as ending:
        desk.imports.add(io.BytesIO(old_lines(40)), ImportFormat.JSON_LINES, ADMIN)
        before = set(everything(desk))
        workers = [a_worker(settings, log) for log in logs]
        for worker in workers:
            ending.callback(worker.wait, 60)
            ending.callback(worker.terminate)
        until(lambda: desk.retention.last_run() is not None)
        until(lambda: desk.runs.page(RunFilter()).total == 0)
        until(lambda: len(inside(desk).ledger.workers.all(desk.tenant.key)) == 2)  # one stands by where the file is embedded
        # What comes later is old too, but waits for the next night.
        desk.imports.add(io.BytesIO(old_lines(50)), ImportFormat.JSON_LINES, ADMIN)
        looked = desk.retention.last_run()
        time.sleep(1.5)  # several looks at the clock of each worker: nothing may happen
        assert desk.retention.last_run() == looked
        assert desk.runs.page(RunFilter()).total == 50
        assert [worker.poll() for worker in workers] == [None, None]
    assert archived(settings.data_dir) == sorted(before)
    said = [log.read_text(encoding="utf-8") for log in logs]
    assert sum("40 runs older than 30 days archived in 1 files" in text for text in said) == 1
    assert not any(word in text for text in said for word in ("WARNING", "ERROR", "Traceback"))
