"""Evidence of the lanes: which reads worked with a client and which failed, whatever came of what they were made for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.inside import inside
from wfm.desk import Desk
from wfm.domain.plans import PlanRequest, RouteName, Selection
from wfm.domain.windows import WindowSpec
from wfm.genesys.errors import ServerFault
from wfm.ledger.schema import read_counts
from wfm.settings import Settings


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo(agents=20) as handle:
        yield handle


@pytest.fixture
def desk(demo: DemoHandle, tmp_path: Path) -> Iterator[Desk]:
    demo.post("/_demo/reset")
    settings = Settings(_env_file=None, data_dir=tmp_path, genesys_api_url=demo.url, genesys_login_url=demo.url)
    with closing(Desk.open(settings)) as opened:
        yield opened


def kept(desk: Desk) -> tuple[int, int]:
    """Reads that worked and reads that failed, as the ledger has them."""
    with inside(desk).ledger.database.read() as connection:
        row = connection.execute(sa.select(read_counts.c.ok, read_counts.c.failed)).one_or_none()
    return (0, 0) if row is None else (row.ok, row.failed)


def plan(demo: DemoHandle) -> PlanRequest:
    ids = tuple(agent["id"] for agent in demo.agents(limit=3))
    return PlanRequest(selection=Selection(agents=ids), window=WindowSpec(minutes=30), route=RouteName.AVAILABILITY)


def test_a_read_that_was_tried_again_failed_once_and_worked_once(demo: DemoHandle, desk: Desk) -> None:
    demo.post("/_demo/faults", [{"kind": "5xx", "count": 2, "match": "GET /teams"}])
    preview = desk.plans.preview(plan(demo))
    assert kept(desk) == (preview.read_requests - 2, 2)
    desk.access.report(fresh=True)
    assert kept(desk) == (preview.read_requests - 1, 2)


def test_the_reads_of_a_preview_that_could_not_be_made_are_kept_as_they_ended(demo: DemoHandle, desk: Desk) -> None:
    demo.post("/_demo/faults", [{"kind": "5xx", "count": 1000, "match": "GET /api/v2/tokens/me"}])
    with pytest.raises(ServerFault):
        desk.plans.preview(plan(demo))
    worked, failed = kept(desk)
    assert worked >= 0
    assert failed >= 1
    with pytest.raises(ServerFault):
        desk.access.report(fresh=True)
    assert kept(desk) > (worked, failed)
    assert kept(desk)[0] == worked, "no read of the token worked"
