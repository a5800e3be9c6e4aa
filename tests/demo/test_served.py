"""The demo tenant as a process: start, ready line, connections that break, kill -9."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.demo_tenant import ROOT, DemoHandle, running_demo

OUT = {"status": "unavailable", "reason": "maintenance_window"}


def availability(agent: str) -> str:
    return f"/api/v2/wfm/users/{agent}/availability"


def working(demo: DemoHandle, how_many: int = 1) -> list[str]:
    rows = demo.agents(on_shift="true", status="available", out_of_office="false", scheduled="true", limit=how_many)
    return [str(row["id"]) for row in rows]


def patch(demo: DemoHandle, token: str, agent: str, body: dict[str, Any] = OUT, **more: Any) -> httpx.Response:
    return demo.http.patch(availability(agent), json=body, headers={"Authorization": f"Bearer {token}"}, **more)


def start(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wfm.demo", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_ready_line(served: DemoHandle) -> None:
    assert set(served.info) == {"api", "login", "clients"}
    assert served.info["api"] == served.info["login"] == served.url
    assert served.url.startswith("http://127.0.0.1:")
    assert [set(client) for client in served.info["clients"]] == [{"name", "id", "secret", "scopes"}] * 3


def test_the_main_command_serves_it_too() -> None:
    command = [sys.executable, "-m", "wfm", "demo-tenant", "--port", "0", "--agents", "30", "--scenario", "busy-hour"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            info = httpx.get(f"{ready['api']}/_demo/info", trust_env=False).json()
            assert (info["agents"], info["scenario"], info["latency_ms"]) == (30, "busy-hour", 20)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) in (0, -signal.SIGTERM)
            assert process.stdout.read() == ""
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--agents", "50001"], "agents"),
        (["--agents", "0"], "agents"),
        (["--rate-limit", "0"], "rate-limit"),
        (["--latency-ms", "-1"], "latency-ms"),
        (["--scenario", "sunny"], "scenario"),
        (["--port", "70000"], "port"),
    ],
)
def test_a_wrong_option_stops_the_start_with_a_sentence(words: list[str], named: str) -> None:
    done = start("--port", "0", *words) if "--port" not in words else start(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_and_a_state_file_that_cannot_be_used(served: DemoHandle, tmp_path: Path) -> None:
    taken = start("--port", served.url.rsplit(":", 1)[1])
    assert (taken.returncode, "port" in taken.stderr) == (2, True)
    notes = tmp_path / "notes.txt"
    notes.write_text("not a state file\nat all\n")
    damaged = start("--port", "0", "--state", str(notes))
    assert (damaged.returncode, "state" in damaged.stderr) == (2, True)
    assert notes.read_text() == "not a state file\nat all\n"


def test_fifty_thousand_agents_start_within_seconds() -> None:
    began = time.perf_counter()
    with running_demo(agents=50_000) as demo:
        assert time.perf_counter() - began < 15
        assert demo.get("/_demo/info")["agents"] == 50_000
        users = demo.request("GET", "/api/v2/users", "desk", params={"pageSize": 100, "state": "any"}).json()
        assert users["total"] == 50_000


def test_the_same_seed_gives_the_same_people_in_another_process(served: DemoHandle) -> None:
    with running_demo(agents=60) as other, running_demo(agents=60, seed=5) as third:
        mine = [(row["id"], row["name"], row["email"], row["team"]) for row in served.agents(limit=60)]
        assert mine == [(row["id"], row["name"], row["email"], row["team"]) for row in other.agents()]
        assert served.clients == other.clients
        assert not {row["id"] for row in third.agents()} & {row[0] for row in mine}
        assert third.clients["desk"]["secret"] != served.clients["desk"]["secret"]


# Connections that break


@pytest.mark.parametrize(
    ("kind", "error", "done"),
    [
        ("timeout", httpx.ReadTimeout, 0),
        ("timeout_after_write", httpx.ReadTimeout, 1),
        ("reset", httpx.ReadError, 0),
        ("reset_after_write", httpx.ReadError, 1),
    ],
)
def test_answers_that_never_come(served: DemoHandle, kind: str, error: type[Exception], done: int) -> None:
    served.post("/_demo/reset")
    (agent,) = working(served)
    token = served.token("desk")
    served.post("/_demo/faults", [{"kind": kind, "match": "PATCH /availability"}])
    with pytest.raises(error):
        patch(served, token, agent, timeout=0.4)
    assert served.updates().get(agent, {"unavailable": 0})["unavailable"] == done
    assert patch(served, token, agent).status_code == 200
    assert served.updates()[agent]["unavailable"] == done + 1


def test_a_held_connection_breaks_after_its_seconds(served: DemoHandle) -> None:
    served.post("/_demo/reset")
    (agent,) = working(served)
    token = served.token("desk")
    served.post("/_demo/faults", [{"kind": "timeout", "seconds": 0.3}])
    with pytest.raises(httpx.TransportError):
        patch(served, token, agent, timeout=20)


def test_a_write_that_was_refused_does_not_use_up_a_fault_after_the_write(served: DemoHandle) -> None:
    served.post("/_demo/reset")
    (agent,) = working(served)
    token = served.token("desk")
    served.post("/_demo/faults", [{"kind": "timeout_after_write"}])
    assert patch(served, token, agent, {"status": "?"}).status_code == 400
    assert served.request("GET", availability(agent), "desk").status_code == 200
    assert served.get("/_demo/faults")["faults"][0]["left"] == 1


def test_a_held_request_holds_up_nobody_else(served: DemoHandle) -> None:
    served.post("/_demo/reset")
    agent, other = working(served, 2)
    token = served.token("desk")
    served.post("/_demo/faults", [{"kind": "timeout_after_write", "seconds": 3, "match": agent}])

    def wait_in_vain() -> None:
        with contextlib.suppress(httpx.HTTPError):
            patch(served, token, agent, timeout=2)

    held = threading.Thread(target=wait_in_vain)
    held.start()
    while not served.updates():
        time.sleep(0.01)
    assert patch(served, token, other).elapsed.total_seconds() < 1.5
    held.join()


def test_many_connections_at_once_count_every_request(served: DemoHandle) -> None:
    served.post("/_demo/reset")
    agents = working(served, 100)
    token = served.token("desk")
    before = served.get("/_demo/stats")
    limits = httpx.Limits(max_connections=50)
    with httpx.Client(base_url=served.url, limits=limits, trust_env=False, timeout=30) as http:

        def write(agent: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return http.patch(availability(agent), json=OUT, headers=headers).status_code

        with ThreadPoolExecutor(50) as pool:
            assert set(pool.map(write, agents * 5)) == {200}
    assert served.updates() == {agent: {"unavailable": 5, "available": 0} for agent in agents}
    after = served.get("/_demo/stats")
    assert after["requests_accepted"] - before["requests_accepted"] == 500


def test_it_does_not_listen_beyond_loopback(served: DemoHandle) -> None:
    port = int(served.url.rsplit(":", 1)[1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no other address")
        address = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no other address")
    with pytest.raises(OSError, match=r".*"), socket.create_connection((address, port), timeout=2):
        pass


# kill -9


def lasting(demo: DemoHandle) -> list[dict[str, Any]]:
    """Agents without what the clock alone changes; a contact that was written stays."""
    kept = ("id", "name", "active", "scheduled", "out_of_office", "status", "reason")
    return [{name: row[name] for name in kept} for row in demo.agents()]


def test_clients_tokens_states_counts_and_scenario_survive_kill_9(tmp_path: Path) -> None:
    with running_demo(agents=120, state=tmp_path / "tenant.state") as demo:
        token = demo.token("desk")
        first, second = working(demo, 2)
        answered = patch(demo, token, first).json()
        patch(demo, token, second)
        patch(demo, token, second, {"status": "available", "reason": "done"})
        demo.post(f"/_demo/agents/{second}/state", {"in_contact": True})
        demo.patch("/_demo/clients/architect-flow", {"add": ["wfm:schedule:update"]})
        demo.post("/_demo/scenario", {"name": "unscheduled-agents"})
        before = demo.get("/_demo/info"), demo.updates(), lasting(demo)
        demo.kill()
        demo.restart()
        assert demo.updates() == before[1]
        assert lasting(demo) == before[2]
        info = demo.get("/_demo/info")
        assert {**info, "share_on_shift": 0} == {**before[0], "share_on_shift": 0}
        assert demo.http.get(availability(first), headers={"Authorization": f"Bearer {token}"}).json() == answered
        assert "wfm:schedule:update" in demo.clients["architect-flow"]["scopes"]
        assert demo.get(f"/_demo/agents/{second}")["in_contact"] is True


def test_every_write_that_was_answered_survives_kill_9_at_any_moment(tmp_path: Path) -> None:
    rng = random.Random(11)
    with running_demo(agents=120, state=tmp_path / "tenant.state") as demo:
        agents = working(demo, 60)
        accepted: dict[str, int] = dict.fromkeys(agents, 0)
        asked: dict[str, int] = dict.fromkeys(agents, 0)
        for _ in range(4):
            token = demo.token("desk")
            killer = threading.Timer(rng.uniform(0.05, 0.4), demo.process.kill)
            killer.start()
            while demo.process.poll() is None:
                agent = rng.choice(agents)
                asked[agent] += 1
                try:
                    patch(demo, token, agent).raise_for_status()
                except httpx.TransportError:
                    break
                accepted[agent] += 1
            killer.join()
            demo.restart()
            counted = {agent: demo.updates().get(agent, {"unavailable": 0})["unavailable"] for agent in agents}
            assert all(accepted[agent] <= counted[agent] <= asked[agent] for agent in agents)
            accepted = counted
        assert sum(accepted.values()) > 20


def test_a_line_cut_short_by_the_kill_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    state = tmp_path / "tenant.state"
    with running_demo(agents=60, state=state) as demo:
        (agent,) = working(demo)
        patch(demo, demo.token("desk"), agent)
        demo.kill()
        with state.open("ab") as file:
            file.write(b'{"t":"live","id":"' + agent.encode() + b'","modif')
        demo.restart()
        assert demo.updates() == {agent: {"unavailable": 1, "available": 0}}
        patch(demo, demo.token("desk"), agent)
        demo.kill()
        demo.restart()
        assert demo.updates() == {agent: {"unavailable": 2, "available": 0}}


def test_the_state_file_is_compacted_at_start_and_holds_no_secret(tmp_path: Path) -> None:
    state = tmp_path / "tenant.state"
    with running_demo(agents=60, state=state) as demo:
        (agent,) = working(demo)
        token = demo.token("desk")
        for _ in range(50):
            patch(demo, token, agent)
        demo.kill()
        grown = len(state.read_bytes().splitlines())
        demo.restart()
        assert len(state.read_bytes().splitlines()) < grown - 40
        assert demo.updates()[agent]["unavailable"] == 50
        text = state.read_text()
        assert token not in text
        assert demo.clients["desk"]["secret"] not in text


def test_a_second_tenant_on_the_same_state_file_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "tenant.state"
    with running_demo(agents=20, state=state):
        second = start("--port", "0", "--state", str(state))
        assert (second.returncode, "no other running demo tenant" in second.stderr) == (2, True)
    again = start("--port", "0", "--state", str(state), "--seed", "9")
    assert (again.returncode, "seed" in again.stderr) == (2, True)
