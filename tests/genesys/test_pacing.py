"""The shared pacer on real databases: threads, pacers and processes that know of each other only through the row."""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from tests.support.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures
from wfm.domain.errors import StoreFault
from wfm.genesys import pacing
from wfm.genesys.pacing import NoPermit, Permit, RequestLane, SharedPacer, Usage, read_headers

SCREEN, RESTORE, APPLY = RequestLane.SCREEN, RequestLane.RESTORE, RequestLane.APPLY
ROOT = Path(__file__).resolve().parents[2]


def told(count: int, allowed: int = 300, reset: float = 60) -> httpx.Headers:
    return httpx.Headers(
        {
            "inin-ratelimit-allowed": str(allowed),
            "inin-ratelimit-count": str(count),
            "inin-ratelimit-reset": str(reset),
        }
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'pacing.sqlite'}"


@pytest.fixture
def pacer(url: str) -> Iterator[SharedPacer]:
    made = SharedPacer(url, "tenant|client", 1.0)
    yield made
    made.close()


def use(pacer: SharedPacer, lane: RequestLane, count: int, allowed: int = 300) -> Permit:
    permit = pacer.acquire(lane, timeout=1)
    pacer.observe(permit, told(count, allowed), 200)
    return permit


def test_usage_tells_the_tenants_numbers(pacer: SharedPacer) -> None:
    before = pacer.usage()
    assert (before.limit_per_minute, before.known, before.used, before.reset_at) == (300, False, 0, None)
    use(pacer, SCREEN, 7, allowed=180)
    usage = pacer.usage()
    assert (usage.limit_per_minute, usage.known, usage.used, usage.budget) == (180, True, 7, 180)
    assert usage.reset_at is not None
    assert 50 < (usage.reset_at - datetime.now(UTC)).total_seconds() <= 61
    assert usage.blocked_until is None


@pytest.mark.parametrize(
    ("requests", "used", "seconds"),
    [
        (40, 0, 0),  # fits into this limit window
        (40, 14, 0),
        (41, 14, 20),  # one waits for the next window, which begins in 20 s
        (94, 14, 20),
        (95, 14, 80),
        (77, 70, 80),  # more is used than the desk's share: others share the client
        (0, 70, 0),
    ],
)
def test_what_does_not_fit_waits_for_the_following_windows(requests: int, used: int, seconds: int) -> None:
    now = datetime(2026, 11, 28, 17, 27, tzinfo=UTC)
    reset = now + timedelta(seconds=20)
    usage = Usage(limit_per_minute=60, budget=54, used=used, reset_at=reset, blocked_until=None, known=True)
    assert usage.soonest(requests, now) == now + timedelta(seconds=seconds)
    paused = replace(usage, blocked_until=now + timedelta(seconds=5))
    assert paused.soonest(requests, now) == now + timedelta(seconds=max(5, seconds))


def test_a_limit_of_one_request_a_minute_is_counted_as_one() -> None:
    now = datetime(2026, 11, 28, 17, 27, tzinfo=UTC)
    usage = Usage(limit_per_minute=1, budget=1, used=1, reset_at=now + timedelta(seconds=20), blocked_until=None, known=True)
    assert usage.soonest(1, now) == now + timedelta(seconds=20)
    assert usage.soonest(3, now) == now + timedelta(seconds=140)


def test_two_pacers_on_one_database_share_a_clients_limit(url: str) -> None:
    one, two = SharedPacer(url, "t|c", 1.0), SharedPacer(url, "t|c", 1.0)
    use(one, APPLY, 1, allowed=20)
    for _ in range(18):  # a tenth of what is left is kept for screens: one of these twenty
        one.acquire(APPLY, timeout=1)
    with pytest.raises(NoPermit):
        two.acquire(APPLY, timeout=0.05)
    two.acquire(SCREEN, timeout=1)
    with pytest.raises(NoPermit) as none:
        one.acquire(SCREEN, timeout=0.05)
    assert none.value.limit == 20
    assert none.value.until is not None


def test_another_client_has_a_limit_of_its_own(url: str) -> None:
    one, two = SharedPacer(url, "t|c1", 1.0), SharedPacer(url, "t|c2", 1.0)
    use(one, APPLY, 300)
    with pytest.raises(NoPermit):
        one.acquire(SCREEN, timeout=0.02)
    two.acquire(APPLY, timeout=0.5)


def test_a_429_in_one_process_stops_the_others_at_once(url: str) -> None:
    one, two = SharedPacer(url, "t|c", 1.0), SharedPacer(url, "t|c", 1.0)
    permit = one.acquire(APPLY)
    one.observe(permit, httpx.Headers({**told(5), "Retry-After": "30"}), 429)
    usage = two.usage()
    assert usage.blocked_until is not None
    assert 25 < (usage.blocked_until - datetime.now(UTC)).total_seconds() < 31
    for lane in RequestLane:
        with pytest.raises(NoPermit) as none:
            two.acquire(lane, timeout=0.02)
        assert none.value.until == usage.blocked_until


def test_work_goes_on_when_the_pause_is_over(url: str) -> None:
    one, two = SharedPacer(url, "t|c", 1.0), SharedPacer(url, "t|c", 1.0)
    permit = one.acquire(APPLY)
    one.observe(permit, httpx.Headers({**told(5), "Retry-After": "0.3"}), 429)
    began = time.monotonic()
    two.acquire(APPLY, timeout=5)
    assert time.monotonic() - began > 0.2


def test_waiting_ends_with_its_time(pacer: SharedPacer) -> None:
    use(pacer, APPLY, 300)
    began = time.monotonic()
    with pytest.raises(NoPermit) as none:
        pacer.acquire(APPLY, timeout=0.2)
    assert time.monotonic() - began > 0.15
    assert not none.value.cancelled


@pytest.mark.parametrize("waiters", [1, 4])
def test_waiting_ends_when_the_caller_gives_up(pacer: SharedPacer, waiters: int) -> None:
    """Also for those that queue behind the one that asks the database."""
    use(pacer, APPLY, 300)
    cancel, ended = threading.Event(), []

    def run() -> None:
        try:
            pacer.acquire(APPLY, timeout=30, cancel=cancel)
        except NoPermit as none:
            ended.append(none.cancelled)

    threads = [threading.Thread(target=run) for _ in range(waiters)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    cancel.set()
    for thread in threads:
        thread.join(20)  # well before the 30 s for which they would wait otherwise
    assert ended == [True] * waiters


def test_an_answer_that_frees_room_wakes_who_waits(pacer: SharedPacer) -> None:
    permit = use(pacer, APPLY, 1, allowed=1)
    got: list[float] = []

    def run() -> None:
        pacer.acquire(SCREEN, timeout=10)
        got.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.1)
    raised = time.monotonic()
    pacer.observe(permit, told(1, allowed=300), 200)
    thread.join(5)
    assert got
    assert got[0] - raised < 1


def test_many_threads_never_get_more_than_there_is(pacer: SharedPacer) -> None:
    use(pacer, APPLY, 1, allowed=100)
    granted: list[Permit] = []

    def run() -> None:
        for _ in range(20):
            try:
                granted.append(pacer.acquire(SCREEN, timeout=0.5))
            except NoPermit:
                return

    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(granted) == 99


def test_a_database_that_cannot_be_written_is_a_store_fault(tmp_path: Path) -> None:
    with pytest.raises(StoreFault) as fault:
        SharedPacer(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'p.sqlite'}", "t|c", 1.0)
    assert "request budget" in str(fault.value)


def test_a_database_emptied_under_us_is_taken_anew(url: str, tmp_path: Path) -> None:
    pacer = SharedPacer(url, "t|c", 1.0)
    use(pacer, APPLY, 5)
    with sqlite3.connect(tmp_path / "pacing.sqlite") as connection:
        connection.execute("DELETE FROM pacing_budget")
    use(pacer, APPLY, 6)
    assert pacer.usage().used == 6


@pytest.fixture
def held(pacer: SharedPacer, url: str) -> Iterator[sqlite3.Connection]:
    """Another program that may hold the file; this one waits a moment only for it."""
    pacer._row._engine.dispose()

    @sa.event.listens_for(pacer._row._engine, "connect")
    def impatient(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA busy_timeout = 20")

    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    yield other
    other.close()


def test_what_the_tenant_said_is_never_lost_for_a_database_that_is_locked(
    pacer: SharedPacer, held: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer has come: a locked database must not turn it into anything else, and is told later."""
    permit = pacer.acquire(APPLY, timeout=1)
    held.execute("BEGIN IMMEDIATE")
    pacer.observe(permit, told(41, 180), 200)
    pacer.observe(permit, httpx.Headers({**told(42, 180), "Retry-After": "30"}), 429)
    assert "kept for the next transaction" in caplog.text
    held.execute("ROLLBACK")
    usage = pacer.usage()
    assert (usage.limit_per_minute, usage.used) == (180, 42)
    assert usage.blocked_until is not None


def test_work_waits_for_a_database_that_is_locked_and_a_screen_is_told_at_once(
    pacer: SharedPacer, held: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "STORE_PAUSE_S", 0.02)
    held.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFault, match="request budget"):
        pacer.acquire(SCREEN, timeout=5)
    got: list[Permit] = []
    work = threading.Thread(target=lambda: got.append(pacer.acquire(RESTORE, timeout=20)))
    work.start()
    time.sleep(0.3)
    assert not got
    held.execute("ROLLBACK")
    work.join(10)
    assert len(got) == 1


def test_waiting_for_a_locked_database_ends_with_the_patience_or_when_it_is_given_up(
    pacer: SharedPacer, held: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "STORE_PAUSE_S", 0.02)
    monkeypatch.setattr(pacing, "STORE_PATIENCE_S", 0.2)
    held.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFault):
        pacer.acquire(APPLY, timeout=30)
    given_up = threading.Event()
    given_up.set()
    with pytest.raises(NoPermit) as none:
        pacer.acquire(APPLY, timeout=30, cancel=given_up)
    assert none.value.cancelled


def test_a_password_in_the_database_address_is_not_repeated() -> None:
    with pytest.raises(StoreFault) as fault:
        SharedPacer("postgresql://desk:hunter22@127.0.0.1:1/none?connect_timeout=1", "t|c", 1.0)
    assert "hunter22" not in str(fault.value)


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_a_share_must_be_a_share(url: str, share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        SharedPacer(url, "t|c", share)


class TestHeaders:
    def test_whole_seconds_and_fractions(self) -> None:
        assert read_headers(1, 0.0, told(4, 300, 60), 200).exact is False
        seen = read_headers(1, 0.0, told(4, 300, 59.25), 200)
        assert (seen.count, seen.allowed, seen.reset, seen.exact) == (4, 300, 59.25, True)

    def test_junk_is_nothing(self) -> None:
        headers = {
            "inin-ratelimit-allowed": "many",
            "inin-ratelimit-count": "-1",
            "inin-ratelimit-reset": "nan",
            "Retry-After": "soon",
        }
        seen = read_headers(1, 0.0, httpx.Headers(headers), 429)
        assert (seen.count, seen.allowed, seen.reset, seen.retry_after) == (None, None, None, None)

    def test_who_is_not_authenticated_is_counted_as_somebody_else(self) -> None:
        assert read_headers(1, 0.0, told(0), 401).count is None

    def test_retry_after_of_another_status_blocks_nobody(self) -> None:
        assert read_headers(1, 0.0, httpx.Headers({"Retry-After": "9"}), 503).retry_after is None


# --- several processes against one that counts -------------------------------------------------------------------------


class CountingTenant:
    """A real HTTP server that counts in fixed windows of `window_s` and refuses what is too much."""

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit, self.window_s = limit, window_s
        self.began, self.count, self.refused = -1e9, 0, 0
        self.windows: list[int] = []
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, count, reset = outer.take()
                self.send_response(status)
                self.send_header("inin-ratelimit-allowed", str(outer.limit))
                self.send_header("inin-ratelimit-count", str(count))
                self.send_header("inin-ratelimit-reset", f"{reset:.3f}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def take(self) -> tuple[int, int, float]:
        with self.lock:
            now = time.monotonic()
            if now - self.began >= self.window_s:
                if self.count:
                    self.windows.append(self.count)
                self.began, self.count = now, 0
            reset = self.began + self.window_s - now
            if self.count >= self.limit:
                self.refused += 1
                return 429, self.count, reset
            self.count += 1
            return 200, self.count, reset

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


WORKER = """
import http.client, json, sys, threading, time
from wfm.genesys import pacing
from wfm.genesys.pacing import NoPermit, RequestLane, SharedPacer
url, port, lane, window_s, threads = sys.argv[1], int(sys.argv[2]), RequestLane(sys.argv[3]), *map(float, sys.argv[4:])
pacer = SharedPacer(url, "t|c", 1.0, window_s=window_s)
done = []
print("ready", flush=True)
until = float(sys.stdin.readline())
def run():
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while time.time() < until:
        try:
            permit = pacer.acquire(lane, timeout=max(0.01, until - time.time()))
        except NoPermit:
            return
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        pacer.observe(permit, answer.headers, answer.status)
        done.append(answer.status)
workers = [threading.Thread(target=run) for _ in range(int(threads))]
for worker in workers: worker.start()
for worker in workers: worker.join()
print(json.dumps(done))
"""


def _run_processes(
    url: str, lanes: list[RequestLane], limit: int, window_s: float, windows: int
) -> tuple[CountingTenant, dict[str, int]]:
    """One process a lane, six threads each, started together and stopped after so many windows."""
    tenant = CountingTenant(limit, window_s)
    command = [sys.executable, "-c", WORKER, url, str(tenant.server.server_port)]
    processes = [
        subprocess.Popen(
            [*command, lane.value, str(window_s), "6"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for lane in lanes
    ]
    done: dict[str, int] = {}
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        until = f"{time.time() + windows * window_s}\n"
        for lane, out in zip(lanes, _communicate(processes, until), strict=True):
            done[lane.value] = done.get(lane.value, 0) + len(json.loads(out))
    finally:
        for process in processes:
            process.kill()
        tenant.close()
    return tenant, done


def _communicate(processes: list[subprocess.Popen[str]], line: str) -> list[str]:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(line)
        process.stdin.flush()
    return [process.communicate(timeout=60)[0] for process in processes]


@pytest.mark.slow
def test_three_processes_use_the_limit_up_and_are_never_refused(url: str) -> None:
    tenant, done = _run_processes(url, [APPLY, APPLY, APPLY], limit=80, window_s=3.0, windows=3)
    assert tenant.refused == 0
    whole = tenant.windows[1:] or tenant.windows
    assert len(tenant.windows) >= 2
    assert statistics.mean(whole) >= 0.97 * 80, tenant.windows
    assert sum(done.values()) >= 0.9 * 80 * 3


@pytest.mark.slow
def test_a_restore_in_one_process_goes_before_an_apply_in_another(url: str) -> None:
    tenant, done = _run_processes(url, [APPLY, RESTORE], limit=80, window_s=3.0, windows=3)
    assert tenant.refused == 0
    assert done["restore"] > 1.5 * done["apply"]
    assert done["apply"] > 0


@pytest.mark.postgres
class TestPostgres:
    def test_pacers_share_a_limit(self, postgres_url: str) -> None:  # noqa: F811
        one, two = SharedPacer(postgres_url, "t|c", 1.0), SharedPacer(postgres_url, "t|c", 1.0)
        use(one, APPLY, 1, allowed=20)
        for _ in range(18):
            one.acquire(APPLY, timeout=1)
        with pytest.raises(NoPermit):
            two.acquire(APPLY, timeout=0.05)
        assert two.usage().used == 19
        one.close()
        two.close()

    def test_the_servers_clock_is_the_one_that_counts(self, postgres_url: str) -> None:  # noqa: F811
        """A host whose clock is an hour off agrees with the others on when a window ends."""
        right = SharedPacer(postgres_url, "t|c", 1.0)
        wrong = SharedPacer(postgres_url, "t|c", 1.0, clock=lambda: time.time() + 3600)
        use(wrong, APPLY, 1)
        reset = right.usage().reset_at
        assert reset is not None
        assert 50 < (reset - datetime.now(UTC)).total_seconds() < 62
        right.close()
        wrong.close()

    def test_processes_are_never_refused(self, postgres_url: str) -> None:  # noqa: F811
        tenant, done = _run_processes(postgres_url, [APPLY, APPLY], limit=60, window_s=2.0, windows=2)
        assert tenant.refused == 0
        assert sum(done.values()) >= 60
