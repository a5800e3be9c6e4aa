"""Reads that wait for the tenant's limit: the desk knows until when."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.support.demo_tenant import running_demo
from wfm.desk import Desk
from wfm.genesys.pacing import RequestLane
from wfm.settings import Settings


def test_a_limit_that_is_used_up_is_known_with_its_end(tmp_path: Path) -> None:
    with running_demo(agents=20, latency_ms=0, rate_limit=60) as demo:
        settings = Settings(_env_file=None, data_dir=tmp_path, genesys_api_url=demo.url, genesys_login_url=demo.url)
        with closing(Desk.open(settings)) as desk:
            desk.directory()
            assert desk.held_up() is None
            pacer = desk.connection().client.pacer
            for _ in range(pacer.usage().budget - pacer.usage().used):
                pacer.acquire(RequestLane.SCREEN, timeout=0)
            held = desk.held_up()
            assert held is not None
            assert held.limit_per_minute == 60
            assert held.until == pacer.usage().reset_at
