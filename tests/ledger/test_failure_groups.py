"""Failure groups: one for a reason, with its agents, its state and what people said."""

from __future__ import annotations

import dataclasses

import pytest

from tests.ledger.audit import check_all
from tests.ledger.ledger_world import CLIENT, HOUR, MINUTE, NOON, OTHER_TENANT, TENANT, World, diagnosis, direct_run, settlement
from wfm.domain.diagnoses import Diagnosis, Kind
from wfm.domain.errors import NotFound, Refused
from wfm.domain.operations import GroupState, ItemState, Outcome, RunFilter

I = ItemState  # noqa: E741
G = GroupState


def fail(world: World, agent: str, named: Diagnosis | None = None, at: object = None, tenant: str = TENANT) -> str:
    """One failed run; gives its fingerprint."""
    made = direct_run(agent, state=I.FAILED, at=at or world.later(), tenant_key=tenant)  # type: ignore[arg-type]
    made = dataclasses.replace(made, settlement=dataclasses.replace(made.settlement, diagnosis=named or diagnosis()))
    fingerprint = world.ledger.runs.record(made).fingerprint
    assert fingerprint is not None
    return fingerprint


def test_runs_that_fail_for_one_reason_are_one_group(world: World) -> None:
    agents = [f"agent-{n}" for n in range(4)]
    operation = world.start(world.create(agents))
    claims = world.claim(operation)
    begun = world.now
    other = diagnosis(
        Kind.RATE_LIMITED, missing=(), code="too.many", cause="The limit of the client is used up.", retryable=True
    )
    ends = [settlement(claim, I.FAILED) for claim in claims[:3]] + [settlement(claims[3], I.FAILED, diagnosis=other)]
    world.settle(operation, ends)
    first, second = sorted(world.ledger.failure_groups.all(TENANT), key=lambda group: -group.runs)
    assert (first.runs, first.agents, first.kind, first.code) == (3, 3, Kind.MISSING_SCOPE, "forbidden")
    assert (first.missing, first.state, first.rule, first.cause) == (
        ("wfm:schedule:update",),
        G.OPEN,
        "missing-scope",
        diagnosis().cause,
    )
    assert (first.first_seen, first.last_seen, first.sample_run) == (begun, begun, claims[2].run_id)
    assert (second.runs, second.agents, second.kind, second.code) == (1, 1, Kind.RATE_LIMITED, "too.many")
    assert world.ledger.runs.page(TENANT, RunFilter(fingerprint=first.fingerprint)).total == 3


def test_an_update_that_was_sent_again_is_in_no_failure_group(world: World) -> None:
    """Read back as not applied and sent again: what its answer meant stays on the run, and no figure of failures grows."""
    operation = world.start(world.create(["anna"]))
    broken = diagnosis(Kind.SERVER_ERROR, missing=(), code="internal", cause="The server failed.", retryable=True)
    world.settle(operation, [settlement(world.claim(operation)[0], I.PENDING, diagnosis=broken, code="internal", status=500)])
    world.settle(operation, [settlement(world.claim(operation)[0], I.APPLIED)])
    applied, resent = world.ledger.runs.page(TENANT, RunFilter(operation_id=operation.id)).runs
    assert (applied.outcome, resent.outcome) == (Outcome.APPLIED, Outcome.RESENT)
    assert (resent.kind, resent.cause, resent.fingerprint) == (Kind.SERVER_ERROR, "The server failed.", None)
    assert world.ledger.failure_groups.all(TENANT) == []
    assert world.ledger.runs.totals(TENANT)[Outcome.FAILED] == 0
    assert world.ledger.runs.page(TENANT, RunFilter(outcome=Outcome.FAILED)).total == 0
    assert world.ledger.client_usage.counts(TENANT, CLIENT)[2] == 0
    check_all(world.ledger)


def test_a_group_counts_agents_once(world: World) -> None:
    fingerprint = fail(world, "anna", at=NOON)
    fail(world, "anna", at=NOON + MINUTE)
    fail(world, "bo", at=NOON - MINUTE)
    group = world.ledger.failure_groups.get(TENANT, fingerprint)
    assert (group.runs, group.agents) == (3, 2)
    assert (group.first_seen, group.last_seen) == (NOON - MINUTE, NOON + MINUTE)


def test_todays_words_explain_a_group(world: World) -> None:
    fingerprint = fail(world, "anna")
    better = diagnosis(cause="The client lacks wfm:schedule:update.", rule="brief-scope")
    assert fail(world, "bo", better) == fingerprint
    group = world.ledger.failure_groups.get(TENANT, fingerprint)
    assert (group.cause, group.rule) == (better.cause, "brief-scope")
    causes = {run.agent_id: run.cause for run in world.ledger.runs.page(TENANT, RunFilter(fingerprint=fingerprint)).runs}
    assert causes == {"anna": diagnosis().cause, "bo": better.cause}, "each run keeps what was said of it"


def test_an_unconfirmed_run_with_a_diagnosis_joins_a_group(world: World) -> None:
    operation = world.start(world.create(["anna"]))
    claim = world.claim(operation)[0]
    timeout = diagnosis(Kind.TIMEOUT, missing=(), code=None, status=None)
    world.settle(operation, [settlement(claim, I.UNCONFIRMED, diagnosis=timeout)])
    group = world.ledger.failure_groups.all(TENANT)[0]
    assert (group.kind, group.runs, group.code) == (Kind.TIMEOUT, 1, None)
    world.settle(operation, [settlement(claim, I.FAILED, diagnosis=diagnosis())])
    assert [one.fingerprint for one in world.ledger.failure_groups.all(TENANT)] == [group.fingerprint]
    run = world.ledger.runs.get(TENANT, claim.run_id)[0]
    assert (run.outcome, run.kind) == (Outcome.FAILED, Kind.TIMEOUT), "a run keeps its first diagnosis"


def test_groups_are_by_tenant_last_seen_first(world: World) -> None:
    one = fail(world, "anna")
    two = fail(world, "anna", diagnosis(Kind.CONFLICT, missing=()))
    assert [group.fingerprint for group in world.ledger.failure_groups.all(TENANT)] == [two, one]
    fail(world, "bo")
    assert [group.fingerprint for group in world.ledger.failure_groups.all(TENANT)] == [one, two]
    assert world.ledger.failure_groups.all(OTHER_TENANT) == []
    for tenant, strange in ((OTHER_TENANT, one), (TENANT, "junk"), ("strange", one)):
        with pytest.raises(NotFound):
            world.ledger.failure_groups.get(tenant, strange)
        with pytest.raises(NotFound):
            world.ledger.failure_groups.set_state(tenant, strange, G.FIXED, actor="Sam", note="", now=world.now)
        with pytest.raises(NotFound):
            world.ledger.failure_groups.series(tenant, strange, NOON)
    assert fail(world, "anna", tenant=OTHER_TENANT) == one
    assert world.ledger.failure_groups.get(TENANT, one).runs == 2


def test_what_people_say_of_a_group_is_kept(world: World) -> None:
    fingerprint = fail(world, "anna")
    said = world.ledger.failure_groups.set_state(TENANT, fingerprint, G.IGNORED, actor="Sam", note="known", now=world.later())
    assert (said.state, said.state_at, said.state_by, said.note) == (G.IGNORED, world.now, "Sam", "known")
    fail(world, "bo")
    assert world.ledger.failure_groups.get(TENANT, fingerprint).state is G.IGNORED, "what is ignored stays so"
    world.ledger.failure_groups.set_state(TENANT, fingerprint, G.OPEN, actor="Kim", note="not so", now=world.later())
    changes = world.ledger.failure_groups.changes(TENANT, fingerprint)
    assert [(one.actor, one.from_state, one.to_state, one.note) for one in changes] == [
        ("Sam", G.OPEN, G.IGNORED, "known"),
        ("Kim", G.IGNORED, G.OPEN, "not so"),
    ]
    assert [group.state for group in world.ledger.failure_groups.all(TENANT, states=[G.OPEN])] == [G.OPEN]
    assert world.ledger.failure_groups.all(TENANT, states=[G.FIXED]) == []


@pytest.mark.parametrize("state", [G.FIXED, G.RESOLVED])
def test_a_new_failure_proves_a_fix_wrong(world: World, state: GroupState) -> None:
    fingerprint = fail(world, "anna")
    marked = world.later()
    world.ledger.failure_groups.set_state(TENANT, fingerprint, state, actor="Sam", note="scope added", now=marked)
    fail(world, "bo", at=marked - MINUTE)
    assert world.ledger.failure_groups.get(TENANT, fingerprint).state is state, "it was under way before"
    fail(world, "cem", at=marked + MINUTE)
    group = world.ledger.failure_groups.get(TENANT, fingerprint)
    assert (group.state, group.state_by, group.state_at) == (G.REGRESSED, "desk", marked + MINUTE)
    assert state.value in group.note
    assert [change.to_state for change in world.ledger.failure_groups.changes(TENANT, fingerprint)] == [state, G.REGRESSED]
    fail(world, "dan", at=marked + HOUR)
    assert len(world.ledger.failure_groups.changes(TENANT, fingerprint)) == 2


def test_the_series_of_a_group(world: World) -> None:
    for minutes in (0, 0, 3, 61):
        fingerprint = fail(world, f"agent-{minutes}", at=NOON + minutes * MINUTE)
    fail(world, "bo", diagnosis(Kind.CONFLICT, missing=()), at=NOON)
    hourly = world.ledger.failure_groups.series(TENANT, fingerprint, NOON - HOUR)
    assert hourly == [(NOON, 3), (NOON + HOUR, 1)]
    assert world.ledger.failure_groups.series(TENANT, fingerprint, NOON + MINUTE, step_minutes=1) == [
        (NOON + 3 * MINUTE, 1),
        (NOON + 61 * MINUTE, 1),
    ]
    assert world.ledger.failure_groups.series(TENANT, fingerprint, NOON, step_minutes=5, until=NOON + HOUR) == [(NOON, 3)]


def test_two_people_on_one_group_notice_each_other(world: World) -> None:
    fingerprint = fail(world, "anna")
    seen = world.ledger.failure_groups.get(TENANT, fingerprint).revision
    ledger = world.ledger
    ledger.failure_groups.set_state(
        TENANT, fingerprint, G.FIXED, actor="Sam", note="scope added", now=world.later(), expected=seen
    )
    said = r"Sam changed .* it is fixed, “scope added”"
    with pytest.raises(Refused, match=said):
        ledger.failure_groups.set_state(TENANT, fingerprint, G.IGNORED, actor="Kim", note="", now=world.later(), expected=seen)
    with pytest.raises(Refused, match=said):
        ledger.failure_groups.amend(TENANT, fingerprint, actor="Kim", owner="Kim", now=world.later(), expected=seen)
    assert ledger.failure_groups.get(TENANT, fingerprint).state is G.FIXED
    assert len(ledger.failure_groups.changes(TENANT, fingerprint)) == 1


def test_the_second_is_told_who_wrote_the_last_note(world: World) -> None:
    fingerprint = fail(world, "anna")
    ledger = world.ledger
    ledger.failure_groups.set_state(TENANT, fingerprint, G.FIXED, actor="Sam", note="scope added", now=world.later())
    seen = ledger.failure_groups.get(TENANT, fingerprint).revision
    ledger.failure_groups.amend(
        TENANT, fingerprint, actor="Ada", owner="Ada", note="asked IT", now=world.later(), expected=seen
    )
    with pytest.raises(Refused, match=r"Ada changed .* it is fixed, “Owner: Ada\. asked IT”"):
        ledger.failure_groups.set_state(TENANT, fingerprint, G.OPEN, actor="Kim", note="", now=world.later(), expected=seen)


def test_agents_of_several_groups_are_counted_once(world: World) -> None:
    one = fail(world, "anna")
    fail(world, "bo")
    other = fail(world, "anna", diagnosis(Kind.CONFLICT, missing=()))
    fail(world, "cem", tenant=OTHER_TENANT)
    assert world.ledger.failure_groups.count_agents(TENANT, [one, other]) == 2
    assert world.ledger.failure_groups.count_agents(TENANT, [other, "strange"]) == 1
    assert world.ledger.failure_groups.count_agents(TENANT, []) == 0


def test_the_examples_are_counted_apart_from_what_people_did(world: World) -> None:
    """A newcomer's first failure is 2 runs, not 2 and those that the first start made."""
    example = world.start(world.create(["anna", "bo", "cem"], example=True))
    world.settle(example, [settlement(claim, I.FAILED) for claim in world.claim(example)])
    (group,) = world.ledger.failure_groups.all(TENANT)
    assert (group.runs, group.agents, group.examples) == (0, 0, 3)
    assert world.ledger.failure_groups.count_agents(TENANT, [group.fingerprint]) == 0
    operation = world.start(world.create(["cem", "dana"]))
    world.settle(operation, [settlement(claim, I.FAILED) for claim in world.claim(operation)])
    (group,) = world.ledger.failure_groups.all(TENANT)
    assert (group.runs, group.agents, group.examples) == (2, 2, 3), "cem failed in both"
    assert world.ledger.failure_groups.get(TENANT, group.fingerprint) == group
    assert world.ledger.failure_groups.count_agents(TENANT, [group.fingerprint]) == 2
    again = world.start(world.create(["anna"]))
    world.settle(again, [settlement(claim, I.FAILED) for claim in world.claim(again)])
    marked = world.ledger.failure_groups.set_state(TENANT, group.fingerprint, G.FIXED, actor="Sam", note="", now=world.later())
    assert (marked.runs, marked.agents, marked.examples) == (3, 3, 3)


def test_an_owner_and_a_note_leave_state_and_clock_as_they_are(world: World) -> None:
    fingerprint = fail(world, "anna")
    ledger = world.ledger
    marked = ledger.failure_groups.set_state(TENANT, fingerprint, G.FIXED, actor="Sam", note="scope added", now=world.later())
    amended = ledger.failure_groups.amend(TENANT, fingerprint, actor="Kim", owner="Ada", note="asked IT", now=world.later())
    assert (amended.state, amended.state_at, amended.state_by) == (G.FIXED, marked.state_at, "Sam")
    assert (amended.owner, amended.note, amended.revision) == ("Ada", "asked IT", marked.revision + 1)
    assert ledger.failure_groups.changes(TENANT, fingerprint)[-1].note == "Owner: Ada. asked IT"
    assert ledger.failure_groups.amend(TENANT, fingerprint, actor="Kim", owner="", now=world.later()).owner == ""
    with pytest.raises(NotFound):
        ledger.failure_groups.amend(TENANT, "junk", actor="Kim", owner="", now=world.later())
