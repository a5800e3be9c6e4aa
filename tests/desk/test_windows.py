"""A list of windows asks the databases as often for fifty windows as for one."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from tests.support.demo_tenant import running_demo
from tests.support.engine_world import new_operation
from tests.support.inside import inside
from tests.support.statements import statements
from wfm.desk import Desk
from wfm.domain.operations import OperationState, Phase
from wfm.settings import Settings


def applying(desk: Desk, number: int) -> str:
    """A window that is being applied, one of its two agents done, `number` agents left out."""
    now, left_out = desk.clock(), tuple((f"out-{n}", f"Out {n}", "time off") for n in range(number))
    ids = [f"agent-{number}-a", f"agent-{number}-b"]
    client = inside(desk).connections.current_id()
    operation = new_operation(
        inside(desk).ledger, ids, tenant=desk.tenant.key, client_id=client, blocked=left_out, request_token=ids[0]
    )
    begun = now - timedelta(minutes=1)
    inside(desk).ledger.lifecycle.transition(
        operation.id, [OperationState.SCHEDULED], OperationState.APPLYING, now=begun, started_at=begun
    )
    inside(desk).ledger.items.skip(operation.id, Phase.APPLY, {ids[0]: "left alone"}, "", now=now)
    return operation.id


def test_fifty_windows_take_as_many_statements_as_one(tmp_path: Path) -> None:
    with running_demo(agents=20) as demo:
        settings = Settings(_env_file=None, data_dir=tmp_path, genesys_api_url=demo.url, genesys_login_url=demo.url)
        with closing(Desk.open(settings)) as desk:
            inside(desk).connections.get()
            made = {applying(desk, 0): 0}
            desk.windows.newest()
            with statements() as for_one:
                (view,) = desk.windows.newest()
            assert view.eta is not None
            made |= {applying(desk, number): number for number in range(1, 50)}
            with statements() as for_fifty:
                views = desk.windows.newest()
            assert {view.operation.id: view.blocked for view in views} == made
            assert all(view.eta is not None for view in views)
            assert len(for_fifty) == len(for_one), "\n".join(for_fifty)
            assert desk.windows.get(views[0].operation.id).blocked == 49
