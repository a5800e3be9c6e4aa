"""The run history: filters, pages, totals, text, charts."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.ledger.ledger_world import (
    CLIENT,
    HOUR,
    MINUTE,
    NOON,
    OTHER_TENANT,
    TENANT,
    World,
    diagnosis,
    direct_run,
    exchange,
    settlement,
    with_run,
)
from wfm.domain.diagnoses import Kind
from wfm.domain.errors import BadInput, NotFound
from wfm.domain.operations import ItemState, Outcome, Phase, Run, RunFilter
from wfm.ledger import Ledger
from wfm.ledger.ids import encode, new_id
from wfm.ledger.query import MAX_COUNTED

I = ItemState  # noqa: E741


def filled(world: World) -> list[Run]:
    """Some sixty runs of many sorts over three hours; gives them newest first."""
    dice = random.Random(7)
    states = [I.APPLIED, I.APPLIED, I.FAILED, I.UNCONFIRMED]
    for hour in range(3):
        world.now = NOON + hour * HOUR
        agents = [f"agent-{n}" for n in range(12)]
        operation = world.in_effect(agents, start=world.now, states={agent: dice.choice(states) for agent in agents})
        world.ledger.lifecycle.transition(operation.id, [operation.state], operation.state, now=world.later(4 * MINUTE))
        world.ledger.lifecycle.transition(operation.id, [operation.state], operation.state.RESTORED, now=world.now)
        for n in range(8):
            kind = dice.choice([Kind.MISSING_SCOPE, Kind.RATE_LIMITED])
            state = dice.choice(states)
            made = direct_run(
                f"agent-{dice.randrange(12)}", state=state, at=world.later(timedelta(seconds=dice.randrange(400)))
            )
            if state is I.FAILED and n % 2:
                named = diagnosis(kind, code="x.y", missing=(), status=429)
                ended = dataclasses.replace(made.settlement, diagnosis=named, code="x.y", status=429)
                made = dataclasses.replace(made, settlement=ended)
            world.ledger.runs.record(made)
    world.ledger.runs.record(direct_run("agent-1", tenant_key=OTHER_TENANT))
    return everything(world.ledger, RunFilter())


def everything(ledger: Ledger, which: RunFilter, tenant: str = TENANT) -> list[Run]:
    return [run for batch in ledger.runs.batches(tenant, which, batch=7) for run in batch]


def meets(run: Run, which: RunFilter) -> bool:
    same = (
        "outcome",
        "kind",
        "route",
        "action",
        "operation_id",
        "agent_id",
        "status",
        "code",
        "correlation_id",
        "fingerprint",
        "phase",
        "retryable",
    )
    return (
        (which.since is None or run.started_at >= which.since)
        and (which.until is None or run.started_at < which.until)
        and (which.agents is None or run.agent_id in which.agents)
        and all(getattr(which, name) in (None, getattr(run, name)) for name in same)
    )


def filters(runs: list[Run]) -> list[RunFilter]:
    some = runs[len(runs) // 2]
    failed = next(run for run in runs if run.outcome is Outcome.FAILED and run.operation_id)
    singles = [
        RunFilter(),
        *(RunFilter(outcome=outcome) for outcome in Outcome),
        *(RunFilter(kind=kind) for kind in (Kind.MISSING_SCOPE, Kind.RATE_LIMITED, Kind.CONFLICT)),
        RunFilter(route="availability"),
        RunFilter(route="data_action"),
        RunFilter(route="strange"),
        RunFilter(action="set_agent_unavailable"),
        RunFilter(route="data_action", action="set_agent_unavailable"),
        RunFilter(operation_id=failed.operation_id),
        RunFilter(operation_id="junk"),
        RunFilter(agent_id="agent-3"),
        RunFilter(agent_id="nobody"),
        RunFilter(status=403),
        RunFilter(status=429),
        RunFilter(code="forbidden"),
        RunFilter(code="x.y"),
        RunFilter(correlation_id=failed.correlation_id),
        RunFilter(fingerprint=failed.fingerprint),
        RunFilter(fingerprint="strange"),
        RunFilter(phase=Phase.APPLY),
        RunFilter(phase=Phase.RESTORE),
        RunFilter(outcome=Outcome.FAILED, kind=Kind.MISSING_SCOPE),
        RunFilter(agent_id="agent-3", outcome=Outcome.APPLIED, route="availability"),
        RunFilter(status=403, code="forbidden", phase=Phase.APPLY),
        RunFilter(retryable=True),
        RunFilter(retryable=False, outcome=Outcome.FAILED),
        RunFilter(agents=("agent-3", "agent-1", "nobody")),
        RunFilter(agents=("agent-3", "agent-1"), route="availability", outcome=Outcome.APPLIED),
        RunFilter(agents=("nobody",)),
        RunFilter(agents=()),
        RunFilter(route="availability", outcome=Outcome.FAILED),
    ]
    edges = [
        (some.started_at, None),
        (None, some.started_at),
        (NOON + 90 * MINUTE, NOON + 150 * MINUTE),
        (NOON + timedelta(seconds=3), NOON + timedelta(seconds=4, microseconds=1)),
        (NOON + 61 * MINUTE + timedelta(seconds=7), NOON + 2 * HOUR + timedelta(microseconds=1)),
        (NOON + HOUR, NOON + HOUR),
        (NOON + HOUR, NOON),
    ]
    return [
        dataclasses.replace(single, since=since, until=until) for single in singles for since, until in [(None, None), *edges]
    ]


def test_every_filter_gives_exactly_its_runs_and_their_number(world: World) -> None:
    runs = filled(world)
    assert len(runs) == 60
    assert runs == sorted(runs, key=lambda run: (run.started_at, run.id), reverse=True)
    for which in filters(runs):
        wanted = [run for run in runs if meets(run, which)]
        assert everything(world.ledger, which) == wanted, which
        page = world.ledger.runs.page(TENANT, which, limit=5)
        assert list(page.runs) == wanted[:5], which
        assert (page.total, page.at_least) == (len(wanted), len(wanted)), which


def test_pages_go_there_and_back(world: World) -> None:
    runs = filled(world)
    for which in (RunFilter(), RunFilter(outcome=Outcome.APPLIED), RunFilter(route="data_action"), RunFilter(text="agent")):
        wanted = [run.id for run in runs if meets(run, which)]
        forth: list[list[str]] = []
        page = world.ledger.runs.page(TENANT, which, limit=7)
        assert page.newer is None
        while True:
            forth.append([run.id for run in page.runs])
            if page.older is None:
                break
            page = world.ledger.runs.page(TENANT, which, cursor=page.older, limit=7)
            assert page.newer is not None
        assert [run for part in forth for run in part] == wanted
        back = [forth[-1]]
        while page.newer is not None:
            page = world.ledger.runs.page(TENANT, which, cursor=page.newer, limit=7)
            back.append([run.id for run in page.runs])
        assert back[::-1] == forth


def test_the_way_back_to_the_newest_meets_what_has_come_since(world: World) -> None:
    for n in range(6):
        world.ledger.runs.record(direct_run(f"agent-{n}", at=world.later()))
    first = world.ledger.runs.page(TENANT, RunFilter(), limit=3)
    second = world.ledger.runs.page(TENANT, RunFilter(), cursor=first.older, limit=3)
    new = world.ledger.runs.record(direct_run("agent-9", at=world.later()))
    back = world.ledger.runs.page(TENANT, RunFilter(), cursor=second.newer, limit=3)
    assert [run.id for run in back.runs] == [run.id for run in first.runs]
    assert back.newer is not None
    newest = world.ledger.runs.page(TENANT, RunFilter(), cursor=back.newer, limit=3)
    assert [run.id for run in newest.runs] == [new.id, *(run.id for run in first.runs[:2])]
    assert newest.newer is None


def test_past_the_oldest_end_there_is_a_way_back(world: World) -> None:
    run = world.ledger.runs.record(direct_run())
    page = world.ledger.runs.page(TENANT, RunFilter(), cursor=f"o{run.id}")
    assert (page.runs, page.older, page.total) == ((), None, 1)
    assert [one.id for one in world.ledger.runs.page(TENANT, RunFilter(), cursor=page.newer).runs] == [run.id]
    nothing = world.ledger.runs.page("strange", RunFilter())
    assert (nothing.runs, nothing.newer, nothing.older, nothing.total) == ((), None, None, 0)


@pytest.mark.parametrize("cursor", ["", "o", "junk", "x0000000000000", "o000000000000u", "n'; DROP TABLE runs; --"])
def test_a_cursor_that_is_none(world: World, cursor: str) -> None:
    with pytest.raises(BadInput, match="cursor"):
        world.ledger.runs.page(TENANT, RunFilter(), cursor=cursor)


def test_a_run_is_read_by_its_tenant_only(world: World) -> None:
    run = world.ledger.runs.record(direct_run())
    assert world.ledger.runs.get(TENANT, run.id)[0] == run
    for tenant, strange in ((OTHER_TENANT, run.id), (TENANT, "junk"), (TENANT, encode(new_id(NOON)))):
        with pytest.raises(NotFound):
            world.ledger.runs.get(tenant, strange)


def test_totals_are_exact_at_any_edge(world: World) -> None:
    runs = filled(world)
    for since, until in [
        (None, None),
        (runs[40].started_at, runs[3].started_at),
        (NOON + MINUTE, None),
        (None, NOON + 99 * MINUTE),
    ]:
        inside = [run for run in runs if meets(run, RunFilter(since=since, until=until))]
        wanted = {outcome: sum(run.outcome is outcome for run in inside) for outcome in Outcome}
        assert world.ledger.runs.totals(TENANT, since, until) == wanted
    assert sum(world.ledger.runs.totals("strange").values()) == 0


@pytest.mark.parametrize("step", [1, 5, 60, 120])
def test_charts_come_from_the_runs(world: World, step: int) -> None:
    runs = filled(world)
    since, until = NOON - HOUR, NOON + 5 * HOUR

    def start_of(at: datetime) -> datetime:
        minutes = int(at.timestamp()) // 60
        return at.replace(second=0, microsecond=0) - timedelta(minutes=minutes % step)

    for operation_id in (None, next(run.operation_id for run in runs if run.operation_id)):
        mine = [run for run in runs if operation_id in (None, run.operation_id)]
        wanted = Counter((start_of(run.started_at), run.outcome) for run in mine)
        found = world.ledger.runs.over_time(TENANT, since, until, step_minutes=step, which=RunFilter(operation_id=operation_id))
        assert found is not None
        assert {(start, outcome): n for start, outcome, n in found} == wanted
        assert [start for start, _, _ in found] == sorted(start for start, _, _ in found)
        assert all(
            n == sum((start_of(r.started_at), r.outcome) == (start, outcome) for r in mine) for start, outcome, n in found
        )
    assert world.ledger.runs.over_time(TENANT, NOON - 9 * HOUR, NOON - 8 * HOUR, step_minutes=step) == []
    with pytest.raises(BadInput):
        world.ledger.runs.over_time(TENANT, since, until, step_minutes=0)


def test_reads_and_writes_of_a_client(world: World) -> None:
    world.in_effect(["anna", "bo", "cem"], states={"bo": I.FAILED, "cem": I.UNCONFIRMED})
    world.ledger.client_usage.add_reads(TENANT, CLIENT, 5)
    world.ledger.client_usage.add_reads(TENANT, CLIENT, 2, 1)
    world.ledger.client_usage.add_reads(TENANT, CLIENT, 0, 0)
    world.ledger.runs.record(direct_run("dan"))
    assert world.ledger.client_usage.counts(TENANT, CLIENT) == (7, 2, 1)
    assert world.ledger.client_usage.counts(TENANT, "other") == (0, 0, 0)
    assert world.ledger.client_usage.counts(OTHER_TENANT, CLIENT) == (0, 0, 0)


def test_a_run_made_by_hand(world: World) -> None:
    made = world.ledger.runs.record(direct_run("anna", state=I.FAILED, tags={"mode": "test"}))
    assert (made.operation_id, made.operation_title, made.example) == (None, "", False)
    assert (made.route, made.action, made.via, made.outcome) == (
        "data_action",
        "set_agent_unavailable",
        "data_action",
        Outcome.FAILED,
    )
    assert world.ledger.runs.origin(TENANT, made.id) == ("Sam", {"mode": "test"})
    assert world.ledger.runs.record(with_run(direct_run("bo"), made.id)) == made, "once for a run id"
    given = encode(new_id(NOON))
    assert world.ledger.runs.record(with_run(direct_run("bo"), given)).id == given
    elsewhere = world.ledger.runs.record(with_run(direct_run("bo", tenant_key=OTHER_TENANT), given))
    assert elsewhere.id != given, "the id of another tenant's run is not taken over"
    assert world.ledger.failure_groups.all(TENANT)[0].sample_run == made.id
    operation = world.in_effect(["zoe"])
    assert world.ledger.runs.origin(TENANT, world.ledger.items.page(operation.id)[0].apply_run or "") is None


FORBIDDEN = r'{"code":"forbidden","message":"Missing scope: wfm:schedule:update [a/b\c]","q":"100% \"so\""}'
NAMES = ["Aylin Şahin", "Bo Lindqvist", "山田 太郎", "Łukasz Ögren", "O'Brien-Smith", "김민준"]


def searched(world: World) -> list[Run]:
    operation = world.start(world.create([f"3f2a-00{n}" for n in range(len(NAMES))]))
    runs = []
    for claim, name in zip(world.claim(operation), NAMES, strict=True):
        world.ledger.runs.record(direct_run(claim.item.agent_id, agent_name=name, at=world.later()))
        failed = claim.item.seq == 2
        body = (
            '{"code":"forbidden","message":"Missing scope: wfm:schedule:update [a/b\\\\c]","q":"100% \\"so\\""}'
            if failed
            else "{}"
        )
        ended = settlement(
            claim,
            I.FAILED if failed else I.APPLIED,
            correlation_id=f"5b2e77aa-9c{claim.item.seq}1-4d00-8e0f-0123456789ab",
            exchanges=(exchange(response_body=body, correlation_id=f"first-{claim.item.seq}"),),
        )
        world.settle(operation, [dataclasses.replace(ended)])
        runs.append(world.ledger.runs.get(TENANT, claim.run_id)[0])
    return runs


def test_text_finds_payloads_names_codes_and_ids(world: World) -> None:
    runs = searched(world)
    ours = {run.id for run in runs}

    def found(text: str) -> list[int]:
        page = world.ledger.runs.page(TENANT, RunFilter(text=text, route="availability"), limit=50)
        assert page.total == len(page.runs)
        return sorted(runs.index(next(one for one in runs if one.id == run.id)) + 1 for run in page.runs if run.id in ours)

    everybody = list(range(1, len(runs) + 1))
    second = ["forbidden", "forb", "FORBIDDEN", '"code":"forbidden"', "wfm:schedule:update", "schedule:update"]
    second += ["[a/b\\c]", '100% "so"', "missing SCOPE:"]
    for text in second:
        assert found(text) == [2], text
    assert found("5b2e77aa-9c31-4d00-8e0f-0123456789ab") == [3]
    assert found("5b2e77aa-9c31") == [3]
    assert found("first-4") == [4]
    assert found("maintenance_window") == everybody
    assert found("/api/v2/wfm/users/anna/availability") == everybody
    assert found("availability maintenance_window 5b2e77aa-9c61") == [6]
    for nothing in ("update:schedule", "wfm:schedule:write", "forbidden zzz", "orbidden", "9c31-5b2e77aa"):
        assert found(nothing) == [], nothing
    for strange in ("!!!", '"', "'", "(", "*", "%", "--", "NEAR(", '" OR 1=1', "a AND", "NOT", "\\", "\x00", "{}[]:^~&|<>"):
        assert isinstance(found(strange), list), strange


def test_text_finds_names_of_many_languages(world: World) -> None:
    searched(world)

    def found(text: str) -> set[str]:
        return {run.agent_name for run in world.ledger.runs.page(TENANT, RunFilter(text=text, route="data_action")).runs}

    assert found("sahin") == found("ŞAHİN") == {"Aylin Şahin"}
    assert found("lukasz ogren") == {"Łukasz Ögren"}
    assert found("o'brien-sm") == {"O'Brien-Smith"}
    assert found("山田") == found("田") == {"山田 太郎"}
    assert found("민준") == {"김민준"}
    assert found("lindqvist aylin") == set()


def test_text_with_filters_time_and_tenant(world: World) -> None:
    runs = searched(world)
    assert world.ledger.runs.page(TENANT, RunFilter(text="maintenance", outcome=Outcome.FAILED)).total == 1
    assert world.ledger.runs.page(TENANT, RunFilter(text="maintenance", agent_id=runs[0].agent_id)).total == 2
    assert world.ledger.runs.page(TENANT, RunFilter(text="maintenance", since=NOON + HOUR)).total == 0
    assert (
        world.ledger.runs.page(
            TENANT, RunFilter(text="maintenance", until=runs[0].started_at + timedelta(microseconds=1))
        ).total
        == 6
    )
    assert world.ledger.runs.page(OTHER_TENANT, RunFilter(text="maintenance")).total == 0


def test_text_of_a_run_settled_twice_finds_both_answers(world: World) -> None:
    operation = world.start(world.create(["anna"]))
    claim = world.claim(operation)[0]
    world.settle(operation, [settlement(claim, I.UNCONFIRMED, exchanges=(exchange(fault="read timeout after 10 s"),))])
    world.settle(operation, [settlement(claim, exchanges=(exchange(response_body='{"seen":"afterwards"}'),))])
    for text in ("timeout", "afterwards", "timeout afterwards", "anna"):
        assert world.ledger.runs.page(TENANT, RunFilter(text=text)).total == 1, text


def test_a_word_that_stands_a_thousand_times_in_one_answer(world: World) -> None:
    """PostgreSQL keeps 255 places of a word."""
    operation = world.start(world.create(["anna"]))
    (claim,) = world.claim(operation)
    said = exchange(response_body="again " * 1_000 + "at last")
    world.settle(operation, [settlement(claim, exchanges=(said,))])
    for text in ("again", "again at last", "last"):
        assert world.ledger.runs.page(TENANT, RunFilter(text=text)).total == 1, text


def test_beyond_ten_thousand_only_a_bound_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfm.ledger.query.MAX_COUNTED", 10)
    monkeypatch.setattr("wfm.ledger.runs.MAX_COUNTED", 10)
    monkeypatch.setattr("wfm.ledger.text_search.MAX_MATCHES", 8)
    for n in range(12):
        world.ledger.runs.record(direct_run("anna", at=NOON + n * MINUTE))
    page = world.ledger.runs.page(TENANT, RunFilter(agent_id="anna"), limit=5)
    assert (page.total, page.at_least) == (None, 10)
    page = world.ledger.runs.page(TENANT, RunFilter(text="anna"), limit=5)
    assert (len(page.runs), page.total, page.at_least) == (5, None, 10)
    assert [run.id for batch in world.ledger.runs.batches(TENANT, RunFilter(text="anna"), batch=5) for run in batch] == [
        run.id for run in everything(world.ledger, RunFilter())
    ]
    assert world.ledger.runs.page(TENANT, RunFilter(), limit=5).total == 12, "counters know"
    assert MAX_COUNTED == 10_000


def test_an_export_is_not_disturbed_by_what_comes_meanwhile(world: World) -> None:
    for n in range(6):
        world.ledger.runs.record(direct_run(f"agent-{n}", at=world.later()))
    seen: list[str] = []
    for batch in world.ledger.runs.batches(TENANT, RunFilter(), batch=2):
        seen += [run.agent_id for run in batch]
        world.ledger.runs.record(direct_run("new", at=world.later()))
    assert seen == [f"agent-{n}" for n in range(5, -1, -1)]


def test_a_page_has_bounds(world: World) -> None:
    for n in range(3):
        world.ledger.runs.record(direct_run(f"agent-{n}", at=world.later()))
    assert len(world.ledger.runs.page(TENANT, RunFilter(), limit=0).runs) == 1
    assert len(world.ledger.runs.page(TENANT, RunFilter(), limit=10**9).runs) == 3


def test_every_index_named_for_sqlite_exists_and_leads(sqlite_world: World) -> None:
    """A page is a scan of the index named for it: no scan of the table, no sort."""
    runs = filled(sqlite_world)
    seen: list[str] = []
    engine = sqlite_world.ledger.database.engine

    def note(_conn: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT runs.id"):
            seen.append(statement)
            plans.append((statement, parameters))

    plans: list[tuple[str, object]] = []
    sa.event.listen(engine, "before_cursor_execute", note)
    for which in filters(runs):
        sqlite_world.ledger.runs.page(TENANT, which)
    sa.event.remove(engine, "before_cursor_execute", note)
    indexes = set()
    with engine.connect() as connection:
        for statement, parameters in plans:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()  # type: ignore[arg-type]
            told = " | ".join(row[3] for row in plan)
            assert "SCAN" not in told, (told, statement)
            # Several scans are merged by sorting, but each is left as soon as it can add nothing to the page.
            assert "TEMP B-TREE" not in told or " IN (" in statement, (told, statement)
            indexes.add(told.split("USING ")[1].split(" (")[0].split()[-1])
    names = ["time", "outcome", "status", "way_outcome", "agent", "kind", "code", "operation", "group", "cause", "correlation"]
    assert indexes >= {f"ix_runs_{name}" for name in names}
