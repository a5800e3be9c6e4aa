"""The command line against the demo tenant, as cron would call it: JSON, exit codes, and what the tenant saw."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.demo_tenant import DemoHandle, running_demo
from wfm.cli import main
from wfm.domain.operations import OperationState
from wfm.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]


class Cli:
    """Runs `python -m wfm …` with one client and one data folder."""

    def __init__(self, demo: DemoHandle, data_dir: Path, client: str | None) -> None:
        self.demo = demo
        self.data_dir = data_dir
        self.stderr = ""
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("WFM_")}
        self.environment |= {
            "WFM_GENESYS_API_URL": demo.url,
            "WFM_GENESYS_LOGIN_URL": demo.url,
            "WFM_DATA_DIR": str(data_dir),
            "PYTHONPATH": str(ROOT),
        }
        if client is not None:
            chosen = demo.clients[client]
            self.environment |= {"WFM_GENESYS_CLIENT_ID": chosen["id"], "WFM_GENESYS_CLIENT_SECRET": chosen["secret"]}

    def __call__(self, *words: str, stdin: str = "") -> tuple[int, Any]:
        code, printed = self.told(*words, "--json", stdin=stdin)
        assert printed, self.stderr
        return code, json.loads(printed)  # one object, whatever happens

    def told(self, *words: str, stdin: str = "") -> tuple[int, str]:
        """The exit code and what a person reads; in this process, which saves its start and counts as covered."""
        clean: dict[str, str | None] = {name: None for name in os.environ if name.startswith("WFM_")}
        with contextlib.chdir(self.data_dir):
            done = CliRunner().invoke(main, list(words), input=stdin, env={**clean, **self.environment})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        self.check(done.stdout, done.stderr)
        return done.exit_code, done.stdout

    def own_process(self, *words: str) -> tuple[int, str]:
        """The same as `python -m wfm` in a process of its own: beside another command, or to see the whole way in."""
        done = subprocess.run(
            [sys.executable, "-m", "wfm", *words],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.data_dir,
            timeout=120,
            check=False,
        )
        self.check(done.stdout, done.stderr)
        return done.returncode, done.stdout

    def check(self, out: str, errors: str) -> None:
        self.stderr = errors
        secrets = [client["secret"] for client in self.demo.clients.values()]
        assert not any(secret in out + errors for secret in secrets)

    def plan(self, **plan: Any) -> str:
        path = self.data_dir / "plan.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        return str(path)

    def stop_worker(self) -> None:
        from wfm import processes

        record = self.data_dir / "worker.json"
        if record.exists():
            processes.stop(json.loads(record.read_text())["pid"])


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo(agents=240, latency_ms=2, rate_limit=6000) as handle:
        yield handle


@pytest.fixture
def desk_cli(demo: DemoHandle, tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(demo, tmp_path, "desk")
    yield cli
    cli.stop_worker()


@pytest.fixture
def flow_cli(demo: DemoHandle, tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(demo, tmp_path, "architect-flow")
    yield cli
    cli.stop_worker()


def ready_agents(cli: Cli, count: int, minutes: int = 30) -> list[str]:
    """Agents that can be taken out now."""
    everybody = [user["id"] for user in cli.demo.agents()]
    _, found = cli("preview", cli.plan(agents=everybody, window={"minutes": minutes}))
    ready = [row["id"] for row in found["agents"]["ready"] if row["fate"] == "ready"]
    assert len(ready) >= count
    return ready[:count]


def test_out_and_back(desk_cli: Cli) -> None:
    agents = ready_agents(desk_cli, 12)
    before = desk_cli.demo.updates()
    plan = desk_cli.plan(agents=agents, window={"minutes": 30}, ticket="CHG-1")
    code, applied = desk_cli("apply", plan, "--yes")
    assert code == 0
    assert applied["state"] == "in effect"
    assert (applied["ready"], applied["applied"], applied["failed"], applied["unconfirmed"]) == (12, 12, 0, 0)
    assert {row["id"] for row in applied["agents"]["applied"]} == set(agents)
    code, refused = desk_cli("apply", plan, "--yes")
    assert code == 4
    assert refused["reason"] in ("nobody_ready", "in_another_window")
    code, restored = desk_cli("restore", applied["operation"])
    assert code == 0
    assert restored["restored"] == 12
    after = desk_cli.demo.updates()
    for agent in agents:
        made = {kind: after[agent][kind] - before.get(agent, {}).get(kind, 0) for kind in ("unavailable", "available")}
        assert made == {"unavailable": 1, "available": 1}
    code, history = desk_cli("runs", "--operation", applied["operation"])
    assert code == 0
    assert sorted(run["phase"] for run in history["runs"]) == ["apply"] * 12 + ["restore"] * 12
    assert all(run["outcome"] == "applied" and run["correlation_id"] for run in history["runs"])


def test_the_missing_scope_is_named_before_anything_is_written(flow_cli: Cli) -> None:
    agents = ready_agents(flow_cli, 8)
    before = flow_cli.demo.updates()
    plan = flow_cli.plan(agents=agents, window={"minutes": 30})
    code, found = flow_cli("preview", plan)
    assert code == 4
    lanes = [check["lanes"]["scope"] for check in found["access"] if check["missing"]]
    assert any(lane["needed"] == ["wfm:schedule:update"] and "wfm:schedule:write" in lane["evidence"] for lane in lanes)
    code, refused = flow_cli("apply", plan, "--yes")
    assert (code, refused["reason"]) == (4, "access_missing")
    assert flow_cli.demo.updates() == before


def test_a_rehearsal_fails_as_the_brief_tells_and_says_why(flow_cli: Cli) -> None:
    agents = ready_agents(flow_cli, 8)
    code, failed = flow_cli("apply", flow_cli.plan(agents=agents, window={"minutes": 30}), "--yes", "--rehearse")
    assert code == 3
    assert failed["applied"] == 0
    assert failed["failed"] == 5
    assert failed["skipped"] == 3
    assert failed["state"] == "halted"
    assert "wfm:schedule:update" in failed["halt_reason"]
    _, history = flow_cli("runs", "--operation", failed["operation"])
    assert {(run["status"], run["code"], run["kind"]) for run in history["runs"]} == {(403, "forbidden", "missing_scope")}
    assert all("Missing: wfm:schedule:update." in row["why"] for row in failed["agents"]["failed"])
    assert {row["restore"] for kind in ("failed", "skipped") for row in failed["agents"][kind]} == {None}
    _, lines = flow_cli.told("runs", "--operation", failed["operation"])
    assert lines.count("Missing: wfm:schedule:update.") == 5


def test_who_was_not_put_back_is_named_with_the_cause(desk_cli: Cli) -> None:
    agents = ready_agents(desk_cli, 3)
    _, applied = desk_cli("apply", desk_cli.plan(agents=[*agents, "nobody@example.com"], window={"minutes": 30}), "--yes")
    names = {row["id"]: row["name"] for row in applied["agents"]["applied"]}
    desk_cli.demo.post(f"/_demo/agents/{agents[0]}/state", {"status": "available", "reason": ""})
    code, told = desk_cli.told("restore", applied["operation"])
    assert code == 0
    listed = told.splitlines()
    assert listed[listed.index("  1 left as found: changed by somebody else since") + 1].strip() == names[agents[0]]
    assert "1 left out · 2 restored" in listed[0]
    assert "nobody@example.com" not in told


def test_a_preview_names_who_is_left_out(desk_cli: Cli) -> None:
    words = [f"nobody{number}@example.com" for number in range(12)]
    code, told = desk_cli.told("preview", desk_cli.plan(agents=words, window={"minutes": 30}))
    assert code == 4
    assert "12 unknown user, left out: nobody0@example.com, " in told
    assert " and 2 more (preview --json lists all)" in told


def test_until_restored(desk_cli: Cli) -> None:
    """It waits for the clock to end the window. The end is moved near, so that no test waits for a real minute."""
    agents = ready_agents(desk_cli, 3)
    plan = desk_cli.plan(agents=agents, window={"minutes": 30})
    answer: list[tuple[int, Any]] = []
    waiting = threading.Thread(target=lambda: answer.append(desk_cli("apply", plan, "--yes", "--until", "restored")))
    waiting.start()
    with contextlib.closing(Ledger(f"sqlite:///{desk_cli.data_dir / 'desk.sqlite'}")) as ledger:
        tenant = f"{desk_cli.demo.url.split('://')[1]}|{desk_cli.demo.get('/_demo/info')['organization']['id']}"
        deadline = time.monotonic() + 60
        while not (out := ledger.operations.page(tenant, states=[OperationState.IN_EFFECT])):
            assert time.monotonic() < deadline, "the window never came into effect"
            time.sleep(0.1)
        assert answer == []
        now = datetime.now(UTC)
        ledger.lifecycle.revise_window(out[0].id, end=now + timedelta(seconds=1), now=now, actor="tester")
    waiting.join(90)
    code, done = answer[0]
    assert code == 0
    assert (done["state"], done["applied"], done["restored"]) == ("restored", 3, 3)


def test_a_window_that_starts_later_returns_at_once(desk_cli: Cli) -> None:
    start = datetime.now(UTC) + timedelta(hours=1)
    window = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat(), "zone": "Europe/Berlin"}
    everybody = [user["id"] for user in desk_cli.demo.agents()]
    code, scheduled = desk_cli("apply", desk_cli.plan(agents=everybody, window=window), "--yes")
    assert code == 0
    assert scheduled["state"] == "scheduled"
    assert scheduled["ready"] > 0
    assert scheduled["applied"] == 0
    code, cancelled = desk_cli("restore", scheduled["operation"])
    assert code == 0
    assert cancelled["state"] == "cancelled"


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ({"agents": [], "window": {"minutes": 30}}, "agents"),
        ({"agents": ["nobody@example.invalid"], "window": {"minutes": 0}}, "window"),
        ({"agents": ["x"], "window": {"start": "2026-11-23T15:00", "end": "2026-11-23T14:00", "zone": "UTC"}}, "window end"),
        ({"agents": ["x"], "window": {"start": "2026-11-23T15:00", "end": "2027-01-02T15:00", "zone": "UTC"}}, "window length"),
        (
            {"agents": ["x"], "window": {"start": "2027-03-28T02:30", "end": "2027-03-28T05:00", "zone": "Europe/Berlin"}},
            "window",
        ),
        ({"agents": ["x"], "window": {"minutes": 30}, "route": "teleport"}, "route"),
        ({"selection": {"team": "No Such Team"}, "window": {"minutes": 30}}, "team"),
        ({"agents": ["x"], "window": {"minutes": 30}, "route": "data_action"}, "action is missing"),
    ],
)
def test_bad_input_names_the_field(desk_cli: Cli, plan: dict[str, Any], field: str) -> None:
    code, refused = desk_cli("apply", desk_cli.plan(**plan), "--yes")
    assert code == 2
    assert field in refused["error"].casefold()


def test_unknown_agents_are_listed_and_nobody_ready_is_refused(desk_cli: Cli) -> None:
    plan = desk_cli.plan(agents=["nobody@example.invalid", "0d6c1f0e-0000-4000-8000-000000000000"], window={"minutes": 30})
    code, found = desk_cli("preview", plan)
    assert code == 4
    assert [row["fate"] for row in found["agents"]["blocked"]] == ["unknown user", "unknown user"]
    code, refused = desk_cli("apply", plan, "--yes")
    assert (code, refused["reason"]) == (4, "nobody_ready")


KEYS = {"operation", "plan", "state", "ready", "applied", "failed", "skipped", "unconfirmed", "blocked", "agents"}


def test_without_yes_nothing_is_written(desk_cli: Cli) -> None:
    agents = ready_agents(desk_cli, 1)
    before = desk_cli.demo.updates()
    code, refused = desk_cli("apply", desk_cli.plan(agents=agents, window={"minutes": 30}))
    assert (code, refused["reason"]) == (4, "policy")
    assert refused.keys() >= KEYS
    assert (refused["operation"], refused["state"], refused["ready"], refused["applied"]) == (None, "refused", 1, 0)
    assert desk_cli.demo.updates() == before


def test_a_refusal_says_what_is_in_the_way(desk_cli: Cli) -> None:
    off = [agent["id"] for agent in desk_cli.demo.agents(active="true", scheduled="false")[:2]]
    code, refused = desk_cli("apply", desk_cli.plan(agents=off, window={"minutes": 30}), "--yes")
    assert (code, refused["reason"], refused["blocked"]) == (4, "nobody_ready", 2)
    assert refused.keys() >= KEYS
    assert "2 not scheduled" in refused["error"]
    assert [row["fate"] for row in refused["agents"]["blocked"]] == ["not scheduled"] * 2


def test_a_file_that_can_t_be_read_is_named(desk_cli: Cli) -> None:
    desk_cli.environment |= {"WFM_GENESYS_API_URL": "http://127.0.0.1:9", "WFM_GENESYS_LOGIN_URL": "http://127.0.0.1:9"}
    missing = str(desk_cli.data_dir / "missing.json")
    code, refused = desk_cli("preview", missing)
    assert (code, "No such file" in refused["error"], "missing.json" in refused["error"]) == (2, True, True)
    odd = desk_cli.data_dir / "odd.json"
    odd.write_bytes('{"agents": ["müller"]}'.encode("latin-1"))
    code, refused = desk_cli("apply", str(odd), "--yes")
    assert (code, "UTF-8" in refused["error"]) == (2, True)
    odd.write_bytes(b"\xef\xbb\xbf" + b'{"agents": ["x"]}')  # as Windows writes it
    code, refused = desk_cli("preview", str(odd))
    assert (code, refused["error"].split(".")[0]) == (2, "window is missing")
    code, refused = desk_cli("preview", "-", stdin="{}")
    assert (code, refused["error"].split(".")[0]) == (2, "agents is missing")


def test_runs_of_an_operation_that_is_none(desk_cli: Cli) -> None:
    code, refused = desk_cli("runs", "--operation", "no-such")
    assert (code, "no-such" in refused["error"]) == (2, True)
    assert desk_cli("runs") == (0, {"runs": []})


def test_a_tenant_that_is_down(demo: DemoHandle, tmp_path: Path) -> None:
    cli = Cli(demo, tmp_path, "desk")
    cli.environment |= {"WFM_GENESYS_API_URL": "http://127.0.0.1:9", "WFM_GENESYS_LOGIN_URL": "http://127.0.0.1:9"}
    code, refused = cli("preview", cli.plan(agents=["x"], window={"minutes": 30}))
    assert code == 3
    assert "127.0.0.1:9" in refused["error"]


def test_the_history_of_a_tenant_that_is_down(tmp_path: Path) -> None:
    with running_demo(agents=20, latency_ms=0, rate_limit=6000) as seen:
        cli = Cli(seen, tmp_path, "architect-flow")
        code, held = cli("apply", cli.plan(agents=ready_agents(cli, 2), window={"minutes": 30}), "--yes", "--rehearse")
        cli.stop_worker()
        assert (code, held["failed"]) == (3, 2)
        while_up = cli("runs")
    assert while_up[0] == 0
    assert len(while_up[1]["runs"]) == 2
    assert cli("runs") == while_up
    assert cli.stderr.endswith("This is the history that the desk holds of it.\n")
    assert cli("preview", cli.plan(agents=["x"], window={"minutes": 30}))[0] == 3
    # Without a client too: the demo tenant needed none.
    for name in ("WFM_GENESYS_CLIENT_ID", "WFM_GENESYS_CLIENT_SECRET"):
        del cli.environment[name]
    assert cli("runs") == while_up


def test_a_database_that_can_t_be_written(demo: DemoHandle, tmp_path: Path) -> None:
    cli = Cli(demo, tmp_path, "desk")
    plan = cli.plan(agents=["x"], window={"minutes": 30})
    (tmp_path / "blocker").write_text("a file, not a folder")
    cli.environment["WFM_DATA_DIR"] = str(tmp_path / "blocker")
    code, refused = cli("preview", plan)
    assert code == 3
    assert "blocker" in refused["error"]


def test_diagnose_reads_the_brief_s_error_without_a_tenant(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wfm", "diagnose", "--status", "403", "-", "--json"],
        input='{"code": "forbidden", "message": "Insufficient permissions for resource access"}',
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["code"] == "forbidden"
    assert found["kind"] in ("missing_scope", "forbidden_other", "missing_permission")
    assert found["fix"]


def test_a_worker_killed_in_mid_apply_is_replaced_and_nobody_is_updated_twice(desk_cli: Cli) -> None:
    """kill -9 on the worker while the command waits: it starts another one and comes to its end."""
    agents = ready_agents(desk_cli, 30)
    before = desk_cli.demo.updates()
    desk_cli.demo.patch("/_demo/settings", {"latency_ms": 400})
    killed = threading.Thread(target=_kill_a_worker_at_work, args=(desk_cli, before), daemon=True)
    try:
        killed.start()
        code, applied = desk_cli("apply", desk_cli.plan(agents=agents, window={"minutes": 30}), "--yes")
    finally:
        desk_cli.demo.patch("/_demo/settings", {"latency_ms": 0})
    killed.join(5)
    assert not killed.is_alive()
    assert (code, applied["applied"]) == (0, 30)
    after = desk_cli.demo.updates()
    assert {after[one]["unavailable"] - before.get(one, {}).get("unavailable", 0) for one in agents} == {1}
    assert desk_cli("restore", applied["operation"])[1]["restored"] == 30


def _kill_a_worker_at_work(cli: Cli, before: dict[str, dict[str, int]]) -> None:
    """Waits for the first updates of an apply and kills the worker that makes them."""
    deadline = time.monotonic() + 60
    while cli.demo.updates() == before and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(json.loads((cli.data_dir / "worker.json").read_text(encoding="utf-8"))["pid"], signal.SIGKILL)
