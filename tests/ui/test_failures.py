"""The Failures screen and its values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.ui.conftest import Open, Serve
from tests.ui.screen import button, somebody, words
from tests.ui.values import FINGERPRINT, a_group
from tests.ui.world import FORBIDDEN, NEEDED, PEOPLE, VISITOR, Worlds, add_run, add_window, failing, the_group
from tests.ui.world import three_failures as history
from wfm.desk import Desk, FailureBrief, GroupChange
from wfm.desk.proofs import PROPAGATION
from wfm.domain.diagnoses import Kind
from wfm.domain.operations import FailureGroup, GroupState, ItemState, OperationState, Phase
from wfm.ui.components.diagnosis import runs_of
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.screens.failures.model import (
    Show,
    Sort,
    facts,
    finding,
    left_behind,
    matching,
    moved_text,
    ordered,
    propagation,
    retryable,
    sentence,
    spark_spec,
    spark_step,
    sparkline_text,
    story_lines,
    stuck,
)

UTC_ZONE = ZoneInfo("UTC")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


# --- values -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "title"),
    [
        ([], "Nothing has failed"),
        ([a_group()], "1 cause keeps 212 agents waiting"),
        ([a_group(agents=1)], "1 cause keeps 1 agent waiting"),
        (
            [a_group(), a_group(fingerprint="b", agents=2, state=GroupState.REGRESSED)],
            "2 causes keep up to 214 agents waiting",
        ),
        ([a_group(), a_group(fingerprint="b", state=GroupState.IGNORED)], "1 cause keeps 212 agents waiting"),
        ([a_group(state=GroupState.FIXED)], "1 cause waits for proof that it is fixed"),
        ([a_group(state=GroupState.RESOLVED)], "No cause is open"),
    ],
)
def test_the_title_says_the_finding(groups: list[FailureGroup], title: str) -> None:
    assert finding(groups) == title


def test_examples_are_told_apart_from_what_people_did() -> None:
    taught, mixed = a_group(runs=0, agents=0, examples=4), a_group(runs=5, agents=5, examples=4)
    assert runs_of(a_group(runs=1)) == "1 run"
    assert runs_of(taught) == "4 runs in the examples"
    assert runs_of(mixed) == "5 runs and 4 in the examples"
    assert finding([taught]) == "1 cause is open, seen in the examples only"
    assert finding([taught, a_group(fingerprint="b", runs=0, agents=0, examples=1)], 0).startswith("2 causes are open, seen in")
    assert finding([mixed], 5) == "1 cause keeps 5 agents waiting"
    assert facts(taught, UTC_ZONE, NOON).startswith("4 runs in the examples · since")
    assert facts(mixed, UTC_ZONE, NOON).startswith("5 runs and 4 in the examples · 5 agents · since")


def test_the_title_counts_each_agent_once() -> None:
    groups = [a_group(), a_group(fingerprint="b", agents=2)]
    assert finding(groups, 213) == "2 causes keep 213 agents waiting"


def test_a_cause_is_one_sentence_who_lacks_what_and_who_waits() -> None:
    brief = FailureBrief(client="architect-flow", fix="", who="", example=False)
    said = sentence(a_group(), brief)
    assert said == f"**OAuth client architect\\-flow lacks `{NEEDED}`; 212 agents are waiting for it.**"
    assert "waiting" not in sentence(a_group(state=GroupState.RESOLVED), brief)
    assert sentence(a_group(agents=1), None).startswith("**The OAuth client architect")
    other = a_group(kind=Kind.CONFLICT, missing=(), cause="Somebody else changed it.", agents=1)
    assert sentence(other, brief) == "**Somebody else changed it; 1 agent is waiting.**"


def test_what_moved_while_somebody_looked_is_said() -> None:
    moved = [
        a_group(state=GroupState.RESOLVED, note="A new token holds it."),
        a_group(state=GroupState.OPEN, note="", cause="Lacks."),
    ]
    assert moved_text(moved) == "Resolved: A new token holds it. Open: Lacks."


def test_of_a_cause_that_passes_nobody_is_said_to_wait() -> None:
    """The desk sends again automatically: those affected may be done long since."""
    passing = a_group(fingerprint="p", kind=Kind.UPSTREAM_UNAVAILABLE, cause="Not available just now.", missing=(), agents=16)
    lasting = a_group(agents=3)
    assert sentence(passing, None) == "**Not available just now; 16 agents were affected.**"
    assert finding([passing, lasting]) == "1 cause keeps 3 agents waiting"
    assert finding([passing]) == "1 cause that may pass on its own"
    assert stuck([passing, lasting]) == [lasting]


def test_causes_are_found_by_any_word_of_them() -> None:
    groups = [a_group(owner="Ada"), a_group(fingerprint="b", kind=Kind.CONFLICT, cause="Changed (409) meanwhile", missing=())]
    brief = FailureBrief(client="night-flow", fix="", who="", example=False)

    def found(text: str) -> list[str]:
        known = {FINGERPRINT: brief}
        return [group.fingerprint for group in matching(groups, text, lambda group: known.get(group.fingerprint))]

    assert found("(409)") == ["b"]
    assert found("ada UPDATE") == [FINGERPRINT]
    assert found("night-FLOW") == [FINGERPRINT]
    assert len(found(" ")) == 2
    assert found("%%%") == []


def test_causes_are_sorted_by_agents_or_time() -> None:
    big = a_group(fingerprint="big", agents=9, last_seen=NOON - timedelta(days=2), first_seen=NOON - timedelta(days=3))
    new = a_group(fingerprint="new", agents=1, last_seen=NOON, first_seen=NOON - timedelta(days=9))
    for sort, wanted in [(Sort.AGENTS, "big"), (Sort.LAST, "new"), (Sort.FIRST, "big")]:
        assert ordered([new, big], Show.WAITING, sort=sort)[0].fingerprint == wanted


def test_open_causes_come_first_and_the_linked_one_before_all() -> None:
    old = a_group(fingerprint="old", last_seen=NOON - timedelta(days=2))
    fixed = a_group(fingerprint="fixed", state=GroupState.FIXED, last_seen=NOON)
    new = a_group(fingerprint="new", state=GroupState.REGRESSED, last_seen=NOON)
    ignored = a_group(fingerprint="ignored", state=GroupState.IGNORED)
    groups = [ignored, fixed, old, new]
    assert [group.fingerprint for group in ordered(groups, Show.WAITING)] == ["new", "old", "fixed"]
    # A link reaches its group whatever list is chosen.
    assert ordered(groups, Show.WAITING, first="ignored")[0].fingerprint == "ignored"
    assert len(ordered(groups, Show.ALL)) == 4


def test_the_facts_say_how_many_since_when() -> None:
    group = a_group(first_seen=NOON - timedelta(hours=2), last_seen=NOON - timedelta(minutes=5))
    assert facts(group, UTC_ZONE, NOON) == "212 runs · 212 agents · since 10:00 · last 11:55"
    once = a_group(first_seen=NOON, last_seen=NOON, runs=1, agents=1)
    assert facts(once, UTC_ZONE, NOON) == "1 run · 1 agent · since 12:00"


def test_the_clock_runs_five_minutes_and_says_where_that_comes_from() -> None:
    fixed = a_group(state=GroupState.FIXED, state_at=NOON, state_by="Ada")
    halfway = propagation(fixed, NOON + PROPAGATION / 2, UTC_ZONE)
    assert halfway is not None
    assert halfway.running
    assert halfway.share == pytest.approx(0.5)
    assert "up to 5 minutes" in halfway.text
    assert "published by Genesys" in halfway.text
    assert "until 12:05" in halfway.text
    over = propagation(fixed, NOON + PROPAGATION, UTC_ZONE)
    assert over is not None
    assert not over.running
    assert "reopens it as regressed" in over.text
    assert propagation(a_group(), NOON, UTC_ZONE) is None


@pytest.mark.parametrize(
    ("kind", "how"),
    [(Kind.NOT_FOUND_SCHEDULE, "checks again"), (Kind.SERVER_ERROR, "Only a retry"), (Kind.INVALID_CLIENT, "checks again")],
)
def test_what_is_no_role_has_no_clock_for_roles(kind: Kind, how: str) -> None:
    fixed = a_group(state=GroupState.FIXED, state_at=NOON, kind=kind)
    said = propagation(fixed, NOON, UTC_ZONE)
    assert said is not None
    assert "role" not in said.text
    assert how in said.text
    assert not said.running


def test_the_story_of_a_group_is_told_newest_first() -> None:
    changes = [
        GroupChange(at=NOON, actor="Ada", from_state=GroupState.OPEN, to_state=GroupState.FIXED, note="added the scope"),
        GroupChange(at=NOON, actor="Sam", from_state=GroupState.FIXED, to_state=GroupState.FIXED, note="Owner: Ada."),
    ]
    assert story_lines(changes, UTC_ZONE, NOON) == ["12:00 Sam: Owner: Ada.", "12:00 Ada fixed: added the scope"]


def test_the_sparkline_fits_its_group_and_has_words() -> None:
    group = a_group(first_seen=NOON - timedelta(hours=2), last_seen=NOON)
    step = spark_step(group, NOON)
    assert 120 / step <= 40
    series = [(NOON - timedelta(minutes=60), 7), (NOON - timedelta(minutes=10), 2), (NOON, 0)]
    assert sparkline_text(series, UTC_ZONE, NOON) == "Failures over time: highest, 7, at 11:00; latest, 2, at 11:50"
    assert sparkline_text([], UTC_ZONE, NOON) == "Failures over time: none recorded"
    assert spark_spec(series, group, NOON, step)["mark"]["orient"] == "vertical"
    assert spark_spec([], group, NOON, step)["data"]["values"] == []


# --- which agents a retry takes -----------------------------------------------------------------------------------------------


def test_a_retry_leaves_the_examples_out_unless_there_is_nothing_else(desk: Desk) -> None:
    add_window(desk, OperationState.HALTED, failed=2, example=True)
    fingerprint = the_group(desk).fingerprint
    assert len(retryable(desk, fingerprint).agent_ids) == 2
    own = [add_run(desk, number).agent_id for number in (7, 8)]
    assert retryable(desk, fingerprint).agent_ids == tuple(reversed(own))


def test_retry_takes_each_agent_once_and_leaves_restores_out(desk: Desk) -> None:
    add_run(desk, 9, phase=Phase.RESTORE)
    add_run(desk, 10, ItemState.APPLIED)
    add_run(desk, 11, agent_id="")
    for number in (2, 1, 0, 2, 1, 0):
        newest = add_run(desk, number)
    found = retryable(desk, the_group(desk).fingerprint)
    assert found.agent_ids == tuple(person.id for person in PEOPLE[:3])
    assert found.newest == newest
    assert not found.cut
    assert left_behind(found, a_group(agents=3)) == ""
    assert left_behind(found, a_group(agents=4)).startswith("3 of 4 agents filled in. Agents whose restore failed")
    assert left_behind(replace(found, cut=True), a_group(agents=9_000)).endswith("no more fit into one plan.")


# --- screen -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def failed(worlds: Worlds, serve: Serve) -> Iterator[Desk]:
    """The brief's failure, three agents of one window."""
    with worlds.fresh(history) as world:
        yield serve(world.desk())


@pytest.fixture
def cause(failed: Desk) -> str:
    """The fingerprint of it."""
    return the_group(failed).fingerprint


def state(desk: Desk) -> GroupState:
    return the_group(desk).state


def test_a_cause_is_one_card_with_what_it_means(failed: Desk, open_screen: Open) -> None:
    app = open_screen("failures")
    assert not app.exception
    assert app.title[0].value == "1 cause keeps 3 agents waiting"
    text = words(app)
    assert f"lacks `{NEEDED}`; 3 agents are waiting for it" in text
    assert "**Fix** Add" in text
    assert "**Who can** OAuth admin" in text
    assert "scope: missing" in text


def test_the_change_to_ask_for_stands_on_every_card(desk: Desk, open_screen: Open) -> None:
    for number in range(45):
        call = f"PATCH /api/v2/wfm/users/{{userId}}/availability/{number}"
        add_run(desk, number, body=FORBIDDEN.replace("forbidden", f"forbidden.{number}"), call=call)
    app = open_screen("failures")
    assert not app.exception
    text = words(app)
    assert text.count(":material/build: Add") == 20
    app.button(key="failures-more").click().run()
    assert words(app).count(":material/build: Add") == 40
    assert app.button(key="failures-more").label == "Show 5 more of 45 causes"


def test_a_search_and_an_order_live_in_the_address(failed: Desk, cause: str, open_screen: Open) -> None:
    app = open_screen("failures", q="nothing (of that)", sort="last")
    assert "No unresolved cause contains" in words(app)
    app.text_input(key="failures-find").set_value("scope").run()
    assert app.query_params["q"] == "scope"
    assert app.segmented_control(key="choice-sort").value == "last"
    assert app.button(key=f"fixed-{cause}")
    assert any("sort" in warning.value for warning in open_screen("failures", sort="worst").warning)


def test_i_fixed_it_starts_the_clock_with_a_note(failed: Desk, cause: str, open_screen: Open) -> None:
    app = open_screen("failures")
    app.text_input(key=f"note-{cause}").set_value("added the scope")
    app.button(key=f"fixed-{cause}").click().run()
    group = the_group(failed)
    assert (group.state, group.note, group.state_by) == (GroupState.FIXED, "added the scope", VISITOR.name)
    assert "up to 5 minutes" in words(app)
    assert "added the scope" in words(app)
    assert app.title[0].value == "1 cause waits for proof that it is fixed"


def test_a_read_of_the_access_resolves_or_says_what_is_still_missing(failed: Desk, cause: str, open_screen: Open) -> None:
    failed.failures.mark(cause, GroupState.FIXED, VISITOR)
    app = open_screen("failures")
    app.button(key=f"prove-{cause}").click().run()
    assert state(failed) is GroupState.FIXED
    assert any("still lacks" in toast.value for toast in app.toast)
    assert failed.demo is not None
    failed.demo.add_scope(VISITOR)
    app.button(key=f"prove-{cause}").click().run()
    assert state(failed) is GroupState.RESOLVED
    assert "holds what" in words(open_screen("failures", show="resolved"))


def test_ignored_and_reopened(failed: Desk, cause: str, open_screen: Open) -> None:
    app = open_screen("failures")
    app.button(key=f"ignored-{cause}").click().run()
    assert state(failed) is GroupState.IGNORED
    assert "No cause is unresolved" in words(app)
    app = open_screen("failures", show="ignored")
    app.button(key=f"open-{cause}").click().run()
    assert state(failed) is GroupState.OPEN


def test_the_second_of_two_people_sees_the_note_of_the_first(failed: Desk, cause: str, open_screen: Open) -> None:
    app = open_screen("failures")
    failed.failures.mark(cause, GroupState.FIXED, replace(VISITOR, name="Ada"), "done at 14:30")
    app.button(key=f"ignored-{cause}").click().run()
    assert state(failed) is GroupState.FIXED
    assert any("Ada" in warning.value and escape_markdown("done at 14:30") in warning.value for warning in app.warning)


def test_a_group_gets_an_owner_and_a_note(failed: Desk, cause: str, open_screen: Open) -> None:
    app = open_screen("failures")
    app.text_input(key=f"owner-{cause}-0").set_value("Ada")
    app.text_input(key=f"owner-note-{cause}-0").set_value("with the OAuth team")
    app.button(key=f"own-save-{cause}").click().run()
    assert (the_group(failed).owner, the_group(failed).note) == ("Ada", "with the OAuth team")
    assert "owner Ada" in words(app)
    assert "with the OAuth team" in words(app)
    app.button(key=f"own-me-{cause}").click().run()
    assert the_group(failed).owner == "Demo visitor"
    assert state(failed) is GroupState.OPEN


def test_a_group_says_where_it_struck_and_what_was_said(failed: Desk, cause: str, open_screen: Open) -> None:
    add_run(failed, 5)
    ada = replace(VISITOR, name="Ada")
    failed.failures.mark(cause, GroupState.IGNORED, ada, "known since May")
    failed.failures.mark(cause, GroupState.OPEN, ada)
    app = open_screen("failures")
    assert "Where it happened" in words(app)
    assert "1 run outside any operation" in words(app)
    assert "known since May" in words(app)


def test_the_hand_off_card_is_there_to_copy(failed: Desk, cause: str, open_screen: Open) -> None:
    app = open_screen("failures")
    app.button(key=f"hand-{cause}").click().run()
    assert any(block.value.startswith(f"# Request: Add {NEEDED}") for block in app.code)
    app.button(key=f"hand-{cause}").click().run()
    assert not any("# Request" in block.value for block in app.code)


def test_retry_these_fills_in_the_plan(failed: Desk, open_screen: Open) -> None:
    app = open_screen("failures")
    button(app, "Retry 3 agents").click().run()
    draft = failed.plans.draft(VISITOR)
    assert draft is not None
    assert set(draft.selection.agents) == {person.id for person in PEOPLE[:3]}


def test_a_failed_restore_is_retried_in_its_window_and_not_planned_again(desk: Desk, open_screen: Open) -> None:
    add_window(desk, OperationState.FAILED_IN_PART, not_back=3)
    app = open_screen("failures")
    button(app, "Retry 3 agents").click().run()
    assert desk.plans.draft(VISITOR) is None
    assert not app.exception


def test_a_link_to_a_group_opens_it_and_a_wrong_one_is_said(failed: Desk, open_screen: Open) -> None:
    other = add_run(failed, 5, status=500, body='{"code": "internal.server.error", "message": "It broke."}')
    assert other.fingerprint is not None
    quiet = failed.failures.mark(other.fingerprint, GroupState.IGNORED, VISITOR)
    assert escape_markdown(quiet.cause).rstrip("\\.") not in words(open_screen("failures"))
    app = open_screen("failures", failure=quiet.fingerprint)
    assert escape_markdown(quiet.cause).rstrip("\\.") in words(app)
    app = open_screen("failures", failure="gone")
    assert "does not exist here" in words(app)
    assert not app.exception


def test_a_list_that_is_none_is_named(failed: Desk, open_screen: Open) -> None:
    app = open_screen("failures", show="everything")
    assert "waiting, resolved, ignored or all" in words(app)
    assert app.title[0].value == "1 cause keeps 3 agents waiting"


def test_no_failure_is_good_news(desk: Desk, open_screen: Open) -> None:
    app = open_screen("failures")
    assert app.title[0].value == "Nothing has failed"
    assert "No run has failed yet" in words(app)


def test_a_viewer_reads_and_changes_nothing(real_desk: Desk, open_screen: Open) -> None:
    history(real_desk)
    group = the_group(real_desk)
    app = open_screen("failures", user=somebody())
    assert not app.exception
    assert app.button(key=f"ignored-{group.fingerprint}").disabled
    assert button(app, "Retry 3 agents").disabled
    assert not app.button(key=f"hand-{group.fingerprint}").disabled
    assert the_group(real_desk) == group


def test_failures_that_can_not_be_read_are_a_sentence(failed: Desk, open_screen: Open) -> None:
    with failing(failed):
        app = open_screen("failures")
    assert not app.exception
    assert "is locked by another program" in words(app)
