"""The Failures screen and its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.ui.conftest import Open
from tests.ui.fakes import NEEDED, SCOPES, an_operation
from tests.ui.fakes_history import (
    CAUSE,
    FINGERPRINT,
    HistoryDesk,
    a_group,
    a_real_tenant,
    a_run,
    button,
    somebody,
    words,
)
from tests.ui.fakes_parts import parts
from wfm.desk import FailureBrief, GroupChange
from wfm.desk.proofs import PROPAGATION
from wfm.domain.diagnoses import Kind
from wfm.domain.errors import StoreFault
from wfm.domain.operations import FailureGroup, GroupState, Outcome, Phase
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


def test_a_retry_leaves_the_examples_out_unless_there_is_nothing_else() -> None:
    examples = [a_run(number, example=True) for number in range(2)]
    own = [a_run(number) for number in (7, 8)]
    assert retryable(parts(HistoryDesk(kept=examples + own)), FINGERPRINT).agent_ids == tuple(run.agent_id for run in own)
    assert len(retryable(parts(HistoryDesk(kept=examples)), FINGERPRINT).agent_ids) == 2


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
    """The desk sends again automatically: whoever was affected may be done long since."""
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


def test_retry_takes_each_agent_once_and_leaves_restores_out() -> None:
    runs = [a_run(n % 700) for n in range(1_200)]
    runs += [a_run(900, phase=Phase.RESTORE), a_run(901, Outcome.APPLIED), a_run(902, agent_id="")]
    found = retryable(parts(HistoryDesk(kept=runs)), FINGERPRINT)
    assert len(found.agent_ids) == 700
    assert found.newest == runs[0]
    assert not found.cut
    assert left_behind(found, a_group(agents=700)) == ""
    assert left_behind(found, a_group(agents=701)).startswith("700 of 701 agents filled in. Agents whose restore failed")
    assert left_behind(replace(found, cut=True), a_group(agents=9_000)).endswith("no more fit into one plan.")


# --- screen -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def failed(serve: Callable[[Any], Any]) -> HistoryDesk:
    """The brief's failure, three agents."""
    made = HistoryDesk(
        operation_views=[an_operation()],
        groups_failed=[a_group(runs=3, agents=3)],
        kept=[a_run(n) for n in range(3)],
    )
    serve(made)
    return made


def state(desk: HistoryDesk) -> GroupState:
    return desk.groups_failed[0].state


def test_a_cause_is_one_card_with_what_it_means(failed: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("failures")
    assert not app.exception
    assert app.title[0].value == "1 cause keeps 3 agents waiting"
    text = words(app)
    assert CAUSE.split(".")[0].replace("-", "\\-") in text
    assert "**Fix** Add" in text
    assert "**Who can** An OAuth admin" in text
    assert "scope: missing" in text


def test_the_change_to_ask_for_stands_on_every_card(failed: HistoryDesk, open_screen: Open) -> None:
    failed.groups_failed = [a_group(fingerprint=f"f{n}", agents=n + 1, runs=n + 1) for n in range(45)]
    app = open_screen("failures")
    assert not app.exception
    text = words(app)
    assert text.count(f"lacks `{NEEDED}`") == 20
    assert text.count(":material/build: Add") == 20
    app.button(key="failures-more").click().run()
    assert words(app).count(":material/build: Add") == 40
    assert app.button(key="failures-more").label == "Show 5 more of 45 causes"


def test_a_search_and_an_order_live_in_the_address(failed: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("failures", q="nothing (of that)", sort="last")
    assert "No unresolved cause contains" in words(app)
    app.text_input(key="failures-find").set_value("scope").run()
    assert app.query_params["q"] == "scope"
    assert app.segmented_control(key="choice-sort").value == "last"
    assert "I fixed it" in words(app) or app.button(key=f"fixed-{FINGERPRINT}")
    assert any("sort" in warning.value for warning in open_screen("failures", sort="worst").warning)


def test_i_fixed_it_starts_the_clock_with_a_note(failed: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("failures")
    app.text_input(key=f"note-{FINGERPRINT}").set_value("added the scope")
    app.button(key=f"fixed-{FINGERPRINT}").click().run()
    assert ("mark_group", FINGERPRINT, GroupState.FIXED, "added the scope") in failed.calls
    assert "up to 5 minutes" in words(app)
    assert "added the scope" in words(app)
    assert app.title[0].value == "1 cause waits for proof that it is fixed"


def test_a_read_of_the_access_resolves_or_says_what_is_still_missing(failed: HistoryDesk, open_screen: Open) -> None:
    failed.groups_failed = [replace(failed.groups_failed[0], state=GroupState.FIXED, state_at=datetime.now(UTC))]
    app = open_screen("failures")
    app.button(key=f"prove-{FINGERPRINT}").click().run()
    assert state(failed) is GroupState.FIXED
    assert any("still lacks" in toast.value for toast in app.toast)
    failed.scopes = (*SCOPES, NEEDED)
    app.button(key=f"prove-{FINGERPRINT}").click().run()
    assert state(failed) is GroupState.RESOLVED
    assert "holds what" in words(open_screen("failures", show="resolved"))


def test_ignored_and_reopened(failed: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("failures")
    app.button(key=f"ignored-{FINGERPRINT}").click().run()
    assert state(failed) is GroupState.IGNORED
    assert "No cause is unresolved" in words(app)
    app = open_screen("failures", show="ignored")
    app.button(key=f"open-{FINGERPRINT}").click().run()
    assert state(failed) is GroupState.OPEN


def test_the_second_of_two_people_sees_the_note_of_the_first(failed: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("failures")
    failed.groups_failed = [
        replace(
            failed.groups_failed[0],
            state=GroupState.FIXED,
            state_at=datetime.now(UTC),
            state_by="Ada",
            note="done at 14:30",
            revision=1,
        )
    ]
    app.button(key=f"ignored-{FINGERPRINT}").click().run()
    assert state(failed) is GroupState.FIXED
    assert any("Ada" in warning.value and escape_markdown("done at 14:30") in warning.value for warning in app.warning)


def test_a_group_gets_an_owner_and_a_note(failed: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("failures")
    app.text_input(key=f"owner-{FINGERPRINT}-0").set_value("Ada")
    app.text_input(key=f"owner-note-{FINGERPRINT}-0").set_value("with the OAuth team")
    app.button(key=f"own-save-{FINGERPRINT}").click().run()
    assert ("amend_group", FINGERPRINT, "Ada", "with the OAuth team") in failed.calls
    assert "owner Ada" in words(app)
    assert "with the OAuth team" in words(app)
    app.button(key=f"own-me-{FINGERPRINT}").click().run()
    assert failed.groups_failed[0].owner == "Demo visitor"
    assert state(failed) is GroupState.OPEN


def test_a_group_says_where_it_struck_and_what_was_said(failed: HistoryDesk, open_screen: Open) -> None:
    failed.kept[2] = replace(failed.kept[2], operation_id=None)
    failed.changes = [
        GroupChange(at=NOON, actor="Ada", from_state=GroupState.OPEN, to_state=GroupState.IGNORED, note="known since May")
    ]
    app = open_screen("failures")
    assert "Where it happened" in words(app)
    assert "1 run outside any operation" in words(app)
    assert "known since May" in words(app)


def test_the_hand_off_card_is_there_to_copy(failed: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("failures")
    app.button(key=f"hand-{FINGERPRINT}").click().run()
    assert any("Please change one thing" in block.value for block in app.code)
    app.button(key=f"hand-{FINGERPRINT}").click().run()
    assert not any("Please change one thing" in block.value for block in app.code)


def test_retry_these_fills_in_the_plan(failed: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("failures")
    button(app, "Retry 3 agents").click().run()
    assert failed.drafts["demo"].selection.agents == ("a0000", "a0001", "a0002")


def test_a_failed_restore_is_retried_in_its_window_and_not_planned_again(failed: HistoryDesk, open_screen: Open) -> None:
    failed.kept = [replace(run, phase=Phase.RESTORE) for run in failed.kept]
    app = open_screen("failures")
    button(app, "Retry 3 agents").click().run()
    assert failed.drafts == {}
    assert not app.exception


def test_a_link_to_a_group_opens_it_and_a_wrong_one_is_said(failed: HistoryDesk, open_screen: Open) -> None:
    failed.groups_failed.append(
        a_group(fingerprint="quiet", state=GroupState.IGNORED, cause="Somebody ignored this.", missing=())
    )
    app = open_screen("failures", failure="quiet")
    assert "Somebody ignored this" in words(app)
    app = open_screen("failures", failure="gone")
    assert "does not exist here" in words(app)
    assert not app.exception


def test_a_list_that_is_none_is_named(failed: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("failures", show="everything")
    assert "waiting, resolved, ignored or all" in words(app)
    assert app.title[0].value == "1 cause keeps 3 agents waiting"


def test_no_failure_is_good_news(serve: Callable[[Any], Any], open_screen: Open) -> None:
    serve(HistoryDesk())
    app = open_screen("failures")
    assert app.title[0].value == "Nothing has failed"
    assert "No run has failed yet" in words(app)


def test_a_viewer_reads_and_changes_nothing(serve: Callable[[Any], Any], open_screen: Open) -> None:
    desk = serve(a_real_tenant(operation_views=[an_operation()], groups_failed=[a_group()], kept=[a_run()]))
    app = open_screen("failures", user=somebody())
    assert not app.exception
    assert app.button(key=f"ignored-{FINGERPRINT}").disabled
    assert button(app, "Retry 212 agents").disabled
    assert not app.button(key=f"hand-{FINGERPRINT}").disabled
    assert desk.calls == []


def test_failures_that_can_not_be_read_are_a_sentence(failed: HistoryDesk, open_screen: Open) -> None:
    failed.history_error = StoreFault("The database is gone.")
    app = open_screen("failures")
    assert not app.exception
    assert "The database is gone" in words(app)
