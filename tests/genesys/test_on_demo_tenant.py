"""Client, pacer and reader against a demo tenant in a process of its own: real sockets, real faults."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.genesys.conftest import QUICK
from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.unpaced import Unpaced
from wfm import catalogue
from wfm.domain.agents import GroupKind, Status
from wfm.domain.errors import BadInput, NotFound
from wfm.genesys.auth import Credentials
from wfm.genesys.client import GenesysClient
from wfm.genesys.demo_admin import DemoAdmin, probe_demo
from wfm.genesys.errors import (
    AuthenticationFailed,
    ConnectionProblem,
    Forbidden,
    OutcomeUnknown,
    RateLimited,
    ResourceNotFound,
)
from wfm.genesys.pacing import RequestLane, SharedPacer
from wfm.genesys.reads import Reader
from wfm.genesys.regions import Endpoint, endpoint_for_region, endpoint_for_urls

GET, PATCH = catalogue.GET_AVAILABILITY, catalogue.PATCH_AVAILABILITY
APPLY, SCREEN = RequestLane.APPLY, RequestLane.SCREEN


def connect(demo: DemoHandle, name: str = "desk", pacer: SharedPacer | None = None, timeout_s: float = 5.0) -> GenesysClient:
    known = demo.clients[name]
    return GenesysClient(
        endpoint_for_urls(demo.url, demo.url),
        Credentials(known["id"], known["secret"]),
        pacer or Unpaced(),
        timeout_s,
        policies=dict.fromkeys(RequestLane, QUICK),
    )


@pytest.fixture
def desk(demo: DemoHandle) -> Iterator[GenesysClient]:
    client = connect(demo)
    yield client
    demo.delete("/_demo/faults")
    client.close()


@pytest.fixture
def reader(desk: GenesysClient) -> Iterator[Reader]:
    made = Reader(desk)
    yield made
    made.close()


@pytest.fixture
def ready_agent(demo: DemoHandle) -> str:
    agents = demo.agents(on_shift="true", status="available", active="true", out_of_office="false", limit=1)
    return str(agents[0]["id"])


def patch(client: GenesysClient, agent_id: str, status: str = "unavailable") -> None:
    client.send(PATCH, path={"userId": agent_id}, body={"status": status, "reason": "test"}, lane=APPLY)


class TestReading:
    def test_the_directory_is_the_tenants(self, demo: DemoHandle, reader: Reader) -> None:
        directory = reader.directory()
        theirs = {row["id"]: row for row in demo.agents()}
        assert directory.agents.keys() == theirs.keys()
        for agent in directory.agents.values():
            row = theirs[agent.id]
            assert (agent.name, agent.email, agent.active, agent.team) == (
                row["name"],
                row["email"],
                row["active"],
                row["team"],
            )
            assert agent.division == row["division"]
            if agent.active:
                assert (agent.management_unit, agent.zone) == (row["management_unit"], row["zone"])
        assert len(directory.units) == 4
        kinds = [group.kind for group in directory.groups]
        assert (kinds.count(GroupKind.TEAM), kinds.count(GroupKind.QUEUE), kinds.count(GroupKind.DIVISION)) == (6, 8, 3)
        assert reader.gaps == {}
        assert reader.requests <= 16

    def test_queue_members(self, reader: Reader) -> None:
        for group in reader.directory().groups:
            if group.kind is GroupKind.QUEUE:
                assert len(reader.queue_members(group.id)) == group.size

    def test_states_are_the_tenants(self, demo: DemoHandle, reader: Reader) -> None:
        agents = list(reader.directory().agents.values())
        states = reader.states(agents, fresh=True)
        theirs = {row["id"]: row for row in demo.agents(active="true")}
        assert states.keys() == theirs.keys()
        for agent_id, state in states.items():
            row = theirs[agent_id]
            assert (state.status == Status.UNAVAILABLE) == (row["status"] == "unavailable"), row
            assert (state.in_contact, state.out_of_office) == (row["in_contact"], row["out_of_office"]), row
            assert state.presence == row["presence"]

    def test_a_state_written_is_read(self, demo: DemoHandle, desk: GenesysClient, reader: Reader, ready_agent: str) -> None:
        agent = reader.directory().agents[ready_agent]
        patch(desk, ready_agent)
        assert reader.states([agent], fresh=True)[ready_agent].status is Status.UNAVAILABLE
        patch(desk, ready_agent, "available")
        assert reader.states([agent], fresh=True)[ready_agent].status is Status.AVAILABLE

    def test_schedules_are_the_tenants(self, demo: DemoHandle, reader: Reader) -> None:
        agents = [agent for agent in reader.directory().agents.values() if agent.active]
        now = datetime.now(UTC)
        schedules = reader.schedules(agents, now, now + timedelta(minutes=30))
        theirs = {row["id"]: row for row in demo.agents(active="true")}
        on_shift = {
            i for i, s in schedules.items() if any(shift.overlaps(now, now) or shift.covers(now, now) for shift in s.shifts)
        }
        assert on_shift == {i for i, row in theirs.items() if row["on_shift"]}
        off = {i for i, s in schedules.items() if any(start <= now < end for start, end in s.time_off)}
        assert {i for i, row in theirs.items() if row["time_off"]} <= off
        for schedule in schedules.values():
            for shift in schedule.shifts:
                assert shift.start < shift.end
                assert all(shift.start <= a.start <= a.end <= shift.end and a.category for a in shift.activities)

    def test_a_far_week_is_not_published(self, reader: Reader) -> None:
        agents = list(reader.directory().agents.values())[:5]
        far = datetime.now(UTC) + timedelta(days=60)
        assert not any(one.published for one in reader.schedules(agents, far, far + timedelta(hours=1)).values())

    def test_publishing_again_is_seen(self, demo: DemoHandle, reader: Reader) -> None:
        agents = [agent for agent in reader.directory().agents.values() if agent.active][:3]
        now = datetime.now(UTC)
        before = reader.schedules(agents, now, now + timedelta(minutes=30))
        assert reader.schedules(agents, now, now + timedelta(minutes=30), fresh=True) == before
        demo.post("/_demo/schedules/republish")
        after = reader.schedules(agents, now, now + timedelta(minutes=30), fresh=True)
        for agent in agents:
            if before[agent.id].published:
                assert after[agent.id].version != before[agent.id].version

    def test_data_actions(self, reader: Reader) -> None:
        actions = reader.actions()
        assert "set_agent_unavailable" in {action["name"] for action in actions}
        assert all("inputSchema" in action["contract"]["input"] for action in actions)
        assert all(action["config"]["request"]["requestUrlTemplate"] for action in actions)

    def test_scopes_follow_a_mended_client_when_the_token_is_discarded(self, demo: DemoHandle) -> None:
        client = connect(demo, "architect-flow")
        reader, admin = Reader(client), DemoAdmin(client.endpoint)
        before = reader.token().scopes
        assert before is not None
        assert "wfm:schedule:update" not in before
        admin.add_scopes("architect-flow", ["wfm:schedule:update"])
        assert reader.token(fresh=True).scopes == before
        client.auth.discard()
        assert "wfm:schedule:update" in (reader.token(fresh=True).scopes or ())
        assert admin.remove_scopes("architect-flow", ["wfm:schedule:update"]) == before
        admin.close()
        client.close()

    def test_what_a_token_before_could_do_is_not_told_of_the_next(self, demo: DemoHandle) -> None:
        client = connect(demo, "architect-flow")
        reader, admin = Reader(client), DemoAdmin(client.endpoint)
        before = reader.token().scopes
        asked = reader.requests
        assert (reader.token().scopes, reader.requests) == (before, asked)
        admin.add_scopes("architect-flow", ["wfm:schedule:update"])
        client.auth.discard()
        assert "wfm:schedule:update" in (reader.token().scopes or ())
        admin.remove_scopes("architect-flow", ["wfm:schedule:update"])
        client.auth.discard()
        reader.actions()  # any call fetches the next token
        assert reader.token().scopes == before
        admin.close()
        client.close()

    @pytest.mark.slow
    def test_ten_thousand_agents_take_less_than_150_requests(self) -> None:
        with running_demo(agents=10_000) as demo:
            client = connect(demo)
            reader = Reader(client)
            agents = list(reader.directory().agents.values())
            assert len(agents) == 10_000
            now = datetime.now(UTC)
            reader.token()
            assert len(reader.states(agents)) > 9_000
            assert len(reader.schedules(agents, now, now + timedelta(minutes=30))) == 10_000
            assert reader.requests < 150
            asked = reader.requests
            reader.schedules(agents, now + timedelta(minutes=5), now + timedelta(minutes=50))
            assert reader.requests == asked
            reader.close()
            client.close()


class TestWriting:
    def test_the_briefs_403(self, demo: DemoHandle, ready_agent: str) -> None:
        client = connect(demo, "architect-flow")
        with pytest.raises(Forbidden) as caught:
            patch(client, ready_agent)
        error = caught.value
        assert (error.status, error.code) == (403, "forbidden")
        assert error.message == "Insufficient permissions for resource access"
        assert error.correlation_id
        assert error.exchanges[0].response_body == error.body
        assert client.send(GET, path={"userId": ready_agent}, lane=SCREEN).status == 200
        client.close()

    def test_an_unknown_agent_is_not_found(self, desk: GenesysClient) -> None:
        with pytest.raises(ResourceNotFound):
            patch(desk, "00000000-0000-0000-0000-000000000000")

    def test_a_wrong_secret(self, demo: DemoHandle) -> None:
        client = GenesysClient(
            endpoint_for_urls(demo.url, demo.url), Credentials(demo.clients["desk"]["id"], "wrong"), Unpaced()
        )
        with pytest.raises(AuthenticationFailed) as caught:
            Reader(client).token()
        assert caught.value.read == "token"
        client.close()

    @pytest.mark.parametrize("kind", ["timeout_after_write", "reset_after_write"])
    def test_a_write_that_was_done_unheard_is_unknown(self, demo: DemoHandle, ready_agent: str, kind: str) -> None:
        client = connect(demo, timeout_s=0.5)
        before = demo.updates().get(ready_agent, {}).get("unavailable", 0)
        demo.post("/_demo/faults", [{"kind": kind, "count": 1}])
        with pytest.raises(OutcomeUnknown) as caught:
            patch(client, ready_agent)
        assert caught.value.exchanges[0].fault
        assert demo.updates()[ready_agent]["unavailable"] == before + 1
        demo.delete("/_demo/faults")
        patch(client, ready_agent, "available")
        client.close()

    @pytest.mark.parametrize("kind", ["timeout", "reset"])
    def test_a_read_outlives_what_a_write_does_not(self, demo: DemoHandle, ready_agent: str, kind: str) -> None:
        client = connect(demo, timeout_s=0.5)
        demo.post("/_demo/faults", [{"kind": kind, "count": 1}])
        assert client.send(GET, path={"userId": ready_agent}, lane=SCREEN).exchanges[0].status is None
        demo.post("/_demo/faults", [{"kind": kind, "count": 1}])
        with pytest.raises(OutcomeUnknown):
            patch(client, ready_agent)
        client.close()

    def test_a_503_is_sent_again_a_502_is_not(self, demo: DemoHandle, desk: GenesysClient, ready_agent: str) -> None:
        demo.post("/_demo/faults", [{"kind": "5xx", "status": 503, "count": 2}])
        before = demo.updates().get(ready_agent, {}).get("available", 0)
        patch(desk, ready_agent, "available")
        assert demo.updates()[ready_agent]["available"] == before + 1
        demo.post("/_demo/faults", [{"kind": "5xx", "status": 502, "count": 1}])
        with pytest.raises(OutcomeUnknown):
            patch(desk, ready_agent, "available")

    def test_tokens_revoked_in_mid_run_cost_nobody_an_update(self, demo: DemoHandle, desk: GenesysClient) -> None:
        agents = [row["id"] for row in demo.agents(scheduled="true", active="true", out_of_office="false", limit=12)]
        before = demo.updates()
        demo.post("/_demo/faults", [{"kind": "revoke_tokens", "after": 5}])
        threads = [threading.Thread(target=patch, args=(desk, agent, "available")) for agent in agents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        after = demo.updates()
        for agent in agents:
            assert after[agent]["available"] == before.get(agent, {}).get("available", 0) + 1


class TestLimits:
    def test_a_burst_stays_inside_the_limit(self, tmp_path: Path) -> None:
        """More work than the window holds: the budget stops us, never the tenant."""
        with running_demo(agents=20, rate_limit=60) as demo:
            client = connect(demo, pacer=SharedPacer(f"sqlite:///{tmp_path / 'p.sqlite'}", "t|c", 1.0))
            agent = str(demo.agents(scheduled="true", active="true", out_of_office="false", limit=1)[0]["id"])
            statuses: list[object] = []

            def run() -> None:
                for _ in range(12):
                    try:
                        client.send(GET, path={"userId": agent}, lane=APPLY, patience_s=1.0)
                        statuses.append(200)
                    except Exception as error:
                        statuses.append(type(error).__name__)

            threads = [threading.Thread(target=run) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            assert "RateLimited" not in statuses
            assert 52 <= statuses.count(200) <= 60
            usage = client.pacer.usage()
            assert (usage.limit_per_minute, usage.known) == (60, True)
            assert usage.used == statuses.count(200)
            client.close()

    def test_a_storm_of_429_is_waited_out(self, demo: DemoHandle, tmp_path: Path, ready_agent: str) -> None:
        client = connect(demo, pacer=SharedPacer(f"sqlite:///{tmp_path / 'p.sqlite'}", "t|c", 1.0))
        demo.post("/_demo/faults", [{"kind": "429", "count": 3, "retry_after": 0}])
        reply = client.send(GET, path={"userId": ready_agent}, lane=APPLY)
        assert [exchange.status for exchange in reply.exchanges] == [429, 429, 429, 200]
        demo.post("/_demo/faults", [{"kind": "429", "count": 1, "retry_after": 30}])
        with pytest.raises(RateLimited):
            client.send(GET, path={"userId": ready_agent}, lane=SCREEN, patience_s=0.3)
        assert client.pacer.usage().blocked_until is not None
        demo.delete("/_demo/faults")
        client.close()


class TestDemoAdmin:
    @pytest.fixture
    def admin(self, demo: DemoHandle) -> Iterator[DemoAdmin]:
        made = DemoAdmin(endpoint_for_urls(demo.url, demo.url))
        yield made
        made.close()

    def test_what_it_says_of_itself(self, demo: DemoHandle, admin: DemoAdmin) -> None:
        info = admin.info()
        assert [client.name for client in info.clients] == ["desk", "architect-flow", "read-only"]
        assert info.clients[0].secret.get_secret_value() == demo.clients["desk"]["secret"]
        assert demo.clients["desk"]["secret"] not in repr(info)
        assert (info.agents, info.scenario) == (260, "healthy")
        assert "busy-hour" in dict(info.scenarios)
        assert info.organization_id

    def test_scenarios(self, admin: DemoAdmin) -> None:
        admin.switch_scenario("busy-hour")
        assert admin.info().scenario == "busy-hour"
        with pytest.raises(BadInput):
            admin.switch_scenario("rush-hour")
        admin.switch_scenario("healthy")

    def test_what_it_refuses(self, admin: DemoAdmin) -> None:
        with pytest.raises(NotFound):
            admin.add_scopes("nobody", ["wfm:schedule:read"])

    def test_only_a_demo_tenant_is_one(self, demo: DemoHandle) -> None:
        assert probe_demo(endpoint_for_urls(demo.url, demo.url)) is not None
        assert probe_demo(Endpoint("http://127.0.0.1:1", "http://127.0.0.1:1")) is None
        assert probe_demo(endpoint_for_region("us_east_1")) is None
        with pytest.raises(BadInput):
            DemoAdmin(endpoint_for_region("us_east_1"))

    def test_a_demo_tenant_that_is_down_says_so(self) -> None:
        admin = DemoAdmin(Endpoint("http://127.0.0.1:1", "http://127.0.0.1:1"))
        with pytest.raises(ConnectionProblem):
            admin.info()
        admin.close()

    def test_a_description_serves_a_moment_and_no_longer_than_a_change(self) -> None:
        asked: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request.method)
            body = {"demo": True, "organization": {"id": "o"}, "clients": [], "scenario": f"number {len(asked)}"}
            return httpx.Response(200, json=body)

        admin = DemoAdmin(Endpoint("http://127.0.0.1:1", "http://127.0.0.1:1"))
        admin._http = httpx.Client(base_url="http://127.0.0.1:1", transport=httpx.MockTransport(answer))
        assert [admin.info().scenario for _ in range(5)] == ["number 1"] * 5
        admin.switch_scenario("busy-hour")
        assert admin.info().scenario == "number 3"
        admin.close()

    def test_reset(self, demo: DemoHandle, admin: DemoAdmin, ready_agent: str) -> None:
        demo.post(f"/_demo/agents/{ready_agent}/state", {"status": "unavailable"})
        admin.reset()
        assert demo.get(f"/_demo/agents/{ready_agent}")["status"] == "available"
