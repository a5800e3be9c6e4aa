"""Words, colours and times that every screen shares."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.ui.conftest import Open
from tests.ui.values import an_operation
from tests.ui.world import NEEDED, VISITOR, add_window
from wfm.desk import Desk
from wfm.domain.operations import GroupState, ItemState, OperationState, Outcome
from wfm.domain.plans import LaneState, Severity
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components import times
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.components.run_query import RunQuery, read_query
from wfm.ui.components.states import HEX, AgentWord, agent_word, style_of
from wfm.ui.shell import story
from wfm.ui.shell.navigation import ROOT

NOW = datetime(2026, 11, 24, 13, 12, 7, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
KINDS = (OperationState, Severity, LaneState, Outcome, GroupState, AgentWord)


@pytest.mark.parametrize("state", [state for kind in KINDS for state in kind])
def test_every_state_has_a_word_an_icon_and_a_colour(state: OperationState) -> None:
    shown = style_of(state)
    assert shown.word
    assert shown.icon
    assert shown.color in HEX["light"]


@pytest.mark.parametrize("kind", KINDS)
def test_within_a_kind_no_two_states_look_alike(kind: type[OperationState]) -> None:
    looks = [(style_of(state).word, style_of(state).icon) for state in kind]
    assert len({word for word, _ in looks}) == len(looks)


def test_chart_colours_are_those_of_the_theme() -> None:
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    for mode, colors in HEX.items():
        for name, value in colors.items():
            if name != "gray":  # bars take a lighter gray than text does
                assert theme[mode][f"{name}Color"] == value


def luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_has_the_contrast_of_aa(mode: str) -> None:
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"][mode]
    page, panel = theme["backgroundColor"], theme["secondaryBackgroundColor"]
    assert contrast(theme["textColor"], page) >= 7
    assert contrast(theme["linkColor"], page) >= 4.5
    assert contrast("#FFFFFF", theme["primaryColor"]) >= 4.5
    for name in ("green", "yellow", "orange", "red", "blue", "violet", "gray"):
        text = theme[f"{name}TextColor"]
        assert contrast(text, page) >= 4.5, name
        assert contrast(text, panel) >= 4.5, name
        assert contrast(text, theme[f"{name}BackgroundColor"]) >= 4.5, name
        assert contrast(HEX[mode][name], page) >= 2.2, name  # bars have their numbers in words below


@pytest.mark.parametrize(
    ("apply", "restore", "expected"),
    [
        (ItemState.PENDING, ItemState.PENDING, AgentWord.WAITING),
        (ItemState.SENDING, ItemState.PENDING, AgentWord.SENDING),
        (ItemState.APPLIED, ItemState.PENDING, AgentWord.OUT),
        (ItemState.APPLIED, ItemState.SENDING, AgentWord.COMING_BACK),
        (ItemState.APPLIED, ItemState.APPLIED, AgentWord.RESTORED),
        (ItemState.APPLIED, ItemState.FAILED, AgentWord.NOT_BACK),
        (ItemState.APPLIED, ItemState.SKIPPED, AgentWord.LEFT_AS_IS),
        (ItemState.UNCONFIRMED, ItemState.PENDING, AgentWord.UNCONFIRMED),
        (ItemState.UNCONFIRMED, ItemState.APPLIED, AgentWord.RESTORED),
        (ItemState.FAILED, ItemState.PENDING, AgentWord.FAILED),
        (ItemState.SKIPPED, ItemState.PENDING, AgentWord.SKIPPED),
    ],
)
def test_where_an_agent_stands(apply: ItemState, restore: ItemState, expected: AgentWord) -> None:
    assert agent_word(apply, restore) is expected


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "under 1 s"),
        (8, "8 s"),
        (89, "89 s"),
        (720, "12 min"),
        (3600, "1 h"),
        (7500, "2 h 05"),
        (-720, "12 min"),
        (86400 * 3 + 4 * 3600, "3 days 4 h"),
        (86400 * 2, "2 days"),
    ],
)
def test_durations_in_words(seconds: float, said: str) -> None:
    assert times.duration(seconds) == said
    assert times.duration(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("delta", "said"),
    [
        (timedelta(minutes=12), "in 12 min"),
        (timedelta(minutes=-3), "3 min ago"),
        (timedelta(seconds=1), "now"),
    ],
)
def test_relative_times(delta: timedelta, said: str) -> None:
    assert times.relative(NOW + delta, NOW) == said


@pytest.mark.parametrize(
    ("delta", "said"),
    [
        (timedelta(0), "14:12"),
        (timedelta(hours=10), "tomorrow 00:12"),
        (timedelta(days=-1), "yesterday 14:12"),
        (timedelta(days=6), "Mon 30 Nov 14:12"),
        (timedelta(days=-300), "2026-01-28 14:12"),
    ],
)
def test_the_day_is_said_where_it_is_another(delta: timedelta, said: str) -> None:
    assert times.when(NOW + delta, BERLIN, today=NOW) == said


def test_a_window_in_words() -> None:
    assert times.span(NOW, NOW + timedelta(minutes=30), "Europe/Berlin", today=NOW) == "14:12 → 14:42 Europe/Berlin"
    assert times.span(NOW, NOW + timedelta(hours=12), "Europe/Berlin", today=NOW) == "14:12 → tomorrow 02:12 Europe/Berlin"
    assert times.when(None) == "–"


def test_numbers() -> None:
    assert format_number(12431) == "12,431"
    assert [quantity(n, "agent") for n in (0, 1, 2)] == ["0 agents", "1 agent", "2 agents"]
    assert [times.milliseconds(n) for n in (None, 41, 1200)] == ["–", "41 ms", "1.2 s"]
    assert times.zone_or_utc("Nowhere/Atall").key == "UTC"


def step(**changes: object) -> int:
    facts: dict[str, object] = {"holds_scope": False, "saw_missing": False, "saw_run": False, "operations": []}
    return story.current_step(**{**facts, **changes})  # type: ignore[arg-type]


def test_the_story_ticks_itself_off() -> None:
    rehearsal = an_operation(state=OperationState.HALTED, rehearsal=True, out=0, failed=5).operation
    applied = an_operation(state=OperationState.IN_EFFECT).operation
    restored = an_operation(state=OperationState.ENDED_EARLY, out=0, restored=36).operation
    example = an_operation(state=OperationState.RESTORED, example=True).operation
    assert step() == 0
    assert step(saw_missing=True) == 1
    assert step(saw_missing=True, operations=[rehearsal]) == 2
    assert step(saw_run=True, operations=[rehearsal]) == 3
    assert step(saw_run=True, holds_scope=True, operations=[rehearsal]) == 4
    assert step(holds_scope=True, operations=[applied, rehearsal]) == 5
    assert step(holds_scope=True, operations=[restored, rehearsal]) == len(story.STEPS)
    assert step(operations=[example]) == 0


def test_the_story_is_told_again_from_its_beginning() -> None:
    told = an_operation(state=OperationState.ENDED_EARLY, out=0, restored=36).operation
    assert step(operations=[told], since=told.created_at + timedelta(seconds=1)) == 0
    assert step(operations=[told], since=told.created_at) == len(story.STEPS)


def test_the_story_goes_on_after_a_reload(desk: Desk, open_screen: Open) -> None:
    app = open_screen("plan")
    app.button(key="story-start").click().run()
    place = str(app.query_params["story"])
    again = open_screen("now", story=place)
    assert not again.exception
    assert any("Story 1 of 6" in str(element.value) for element in again.markdown)
    assert again.query_params["story"] == place
    assert read_query({"story": place}) == (RunQuery(), ())  # Runs says of no other parameter that it is no filter
    again.button(key="story-close").click().run()
    assert "story" not in again.query_params


@pytest.mark.parametrize("place", ["", "x", "mr", "12x", "²", "9" * 11, "17958765301"])
def test_an_address_that_names_no_place_in_the_story(place: str) -> None:
    assert story.read(place) is None


def test_the_story_s_place_is_read_as_it_was_written() -> None:
    assert story.read(story.written(NOW, "mr")) == (NOW, "mr")


@pytest.mark.parametrize("opened", [False, True])
def test_the_story_begins_with_the_scope_missing_unless_a_window_needs_it(desk: Desk, open_screen: Open, opened: bool) -> None:
    assert desk.demo is not None
    desk.demo.add_scope(VISITOR)
    if opened:
        add_window(desk, out=2)
    app = open_screen("now")
    app.button(key="story-start").click().run()
    assert not app.exception
    assert (NEEDED in (desk.clients.current.scopes or ())) is opened
    assert any("Story 1 of 6" in str(element.value) for element in app.markdown) is not opened


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("zzz@nowhere.example. Check it.", "`zzz@nowhere.example`\\. Check it\\."),
        ("see https://evil.example/x, then", "see `https://evil.example/x`, then"),
        ("![x](http://evil.example/p)", "\\!\\[x\\]\\(`http://evil.example/p`\\)"),
        ("[http://a.example]@b", "\\[`http://a.example`\\]@b"),
        ("Team :material/bolt: :streamlit:", "Team `:material/bolt:` `:streamlit:`"),
        ("WWW.a.example.", "`WWW.a.example`\\."),
        ("*Bo*  & Co", "\\*Bo\\* \\& Co"),
    ],
)
def test_a_sentence_that_quotes_others_is_neither_markup_nor_link(given: str, shown: str) -> None:
    assert escape_markdown(given) == shown
