"""What the desk knows of a tenant that makes it wait: until when its limit is used up; that it stopped."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.support.demo_tenant import running_demo
from tests.support.inside import inside
from wfm.desk import Desk
from wfm.genesys.pacing import RequestLane
from wfm.settings import Settings


def test_a_limit_that_is_used_up_is_known_with_its_end(tmp_path: Path) -> None:
    with running_demo(agents=20, latency_ms=0, rate_limit=60) as demo:
        settings = Settings(_env_file=None, data_dir=tmp_path, genesys_api_url=demo.url, genesys_login_url=demo.url)
        with closing(Desk.open(settings)) as desk:
            desk.agents.directory()
            assert desk.health.held_up() is None
            pacer = inside(desk).connections.get().client.pacer
            for _ in range(pacer.usage().budget - pacer.usage().used):
                pacer.acquire(RequestLane.SCREEN, timeout=0)
            held = desk.health.held_up()
            assert held is not None
            assert held.limit_per_minute == 60
            assert held.until == pacer.usage().reset_at


def test_a_demo_tenant_that_stopped_says_how_it_comes_back(tmp_path: Path) -> None:
    with running_demo(agents=20, latency_ms=0) as demo:
        settings = Settings(
            _env_file=None, data_dir=tmp_path, genesys_api_url=demo.url, genesys_login_url=demo.url, genesys_timeout_s=1
        )
        desk = Desk.open(settings)
        assert not any("demo tenant" in problem for problem in desk.health.check().problems)
        inside(desk).connections.get().reader.forget()
    with closing(desk):
        health = desk.health.check()
    assert not health.reachable
    assert any("end the desk and start it again" in problem for problem in health.problems)
