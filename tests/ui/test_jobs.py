"""Work that a person started on a screen: one at a time, and its end is always told."""

from __future__ import annotations

import threading

from wfm.domain.errors import DeskError, StoreFault
from wfm.ui.shell import jobs


def test_it_runs_once_however_often_it_is_clicked_and_gives_its_result() -> None:
    go, done = threading.Event(), []

    def work(job: jobs.Job) -> str:
        go.wait(10)
        job.done = 3
        done.append(1)
        return "result"

    first = jobs.start("test:once", work, unit="runs", total=3)
    assert jobs.start("test:once", work, unit="runs") is first
    assert first.running
    jobs.forget("test:once")
    assert jobs.of("test:once") is first, "what runs is not forgotten"
    go.set()
    assert first.wait(10)
    assert (first.result, first.done, first.fault, done) == ("result", 3, None, [1])
    jobs.forget("test:once")
    assert jobs.of("test:once") is None


def test_clicks_at_the_same_instant_start_one_piece_of_work() -> None:
    clicks = 16
    for attempt in range(20):
        ready = threading.Barrier(clicks)
        done: list[int] = []

        def click(key: str, ready: threading.Barrier = ready, done: list[int] = done) -> None:
            ready.wait(10)
            jobs.start(key, lambda job: done.append(1), unit="runs", mark="the same file")

        key = f"test:clicks:{attempt}"
        threads = [threading.Thread(target=click, args=(key,)) for _ in range(clicks)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        job = jobs.of(key)
        assert job is not None
        assert job.wait(10)
        assert done == [1]
        jobs.forget(key)


def test_a_click_that_comes_after_the_end_of_its_work_does_not_start_it_again() -> None:
    first = jobs.start("test:late", lambda job: "first", unit="runs", mark="a")
    assert first.wait(10)
    assert jobs.start("test:late", lambda job: "second", unit="runs", mark="a") is first
    other = jobs.start("test:late", lambda job: "other", unit="runs", mark="b")
    assert other.wait(10)
    assert (first.result, other.result) == ("first", "other")
    jobs.forget("test:late")
    again = jobs.start("test:late", lambda job: "again", unit="runs", mark="b")
    assert again.wait(10)
    assert again.result == "again"
    jobs.forget("test:late")


def test_a_fault_of_the_desk_is_kept_and_any_other_becomes_one() -> None:
    def known(_: jobs.Job) -> None:
        raise StoreFault("The database is full.")

    def unknown(_: jobs.Job) -> None:
        raise ValueError("secret text")

    for work, said in ((known, "The database is full."), (unknown, "ValueError")):
        job = jobs.start("test:fault", work, unit="runs")
        assert job.wait(10)
        assert isinstance(job.fault, DeskError)
        assert said in str(job.fault)
        assert "secret" not in str(job.fault)
    jobs.forget("test:fault")


def test_the_board_does_not_grow_for_ever() -> None:
    running = jobs.begin("test:many:running", unit="runs")
    for number in range(jobs.MAX_JOBS + 20):
        jobs.begin(f"test:many:{number}", unit="runs").end(result=True)
    assert jobs.of("test:many:0") is None
    assert jobs.of("test:many:running") is running
    assert jobs.of(f"test:many:{jobs.MAX_JOBS + 19}") is not None
    running.end()
