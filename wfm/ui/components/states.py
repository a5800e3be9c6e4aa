"""One colour, one icon and one word for every state, everywhere. Never colour alone.

green: well and done · yellow: look here · red: stopped or lost · blue: going on now · gray: waiting or left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import streamlit as st

from wfm.domain.operations import GroupState, ItemState, OperationState, Outcome, Phase
from wfm.domain.plans import LaneState, RouteName, Severity

Color = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray"]

HEX: dict[str, dict[str, str]] = {
    "light": {
        "green": "#1E8E4E",
        "yellow": "#D9A112",
        "orange": "#DD6B20",
        "red": "#CF2F37",
        "blue": "#2B78D8",
        "violet": "#7A55C7",
        "gray": "#8A92A6",
    },
    "dark": {
        "green": "#3FB878",
        "yellow": "#E3B341",
        "orange": "#F0883E",
        "red": "#F0565E",
        "blue": "#5AA2F5",
        "violet": "#A488E8",
        "gray": "#7C859A",
    },
}
"""The same colours as .streamlit/config.toml, for charts. A test holds the two together."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a state is shown. `icon` is a Material symbol, which Streamlit serves itself."""

    word: str
    color: Color
    icon: str

    @property
    def markdown(self) -> str:
        """A badge to put into a sentence or a label."""
        return f":{self.color}-badge[:material/{self.icon}: {self.word}]"


_OPERATION: dict[OperationState, tuple[Color, str]] = {
    OperationState.SCHEDULED: ("gray", "schedule"),
    OperationState.APPLYING: ("blue", "sync"),
    OperationState.IN_EFFECT: ("blue", "pause_circle"),
    OperationState.RESTORING: ("blue", "settings_backup_restore"),
    OperationState.RESTORED: ("green", "check_circle"),
    OperationState.ENDED_EARLY: ("green", "check_circle"),
    OperationState.HALTED: ("red", "front_hand"),
    OperationState.CANCELLED: ("gray", "do_not_disturb_on"),
    OperationState.FAILED: ("red", "cancel"),
    OperationState.FAILED_IN_PART: ("red", "error"),
    OperationState.CORRECTED: ("green", "check_circle"),
}
_SEVERITY: dict[Severity, tuple[Color, str]] = {
    Severity.READY: ("green", "check_circle"),
    Severity.WARNING: ("yellow", "warning"),
    Severity.BLOCKED: ("red", "block"),
}
_LANE: dict[LaneState, tuple[Color, str, str]] = {
    LaneState.HELD: ("green", "check", "held"),
    LaneState.MISSING: ("red", "close", "missing"),
    LaneState.NOT_APPLICABLE: ("gray", "remove", "not applicable"),
    LaneState.UNKNOWN: ("yellow", "help", "unknown"),
}
_OUTCOME: dict[Outcome, tuple[Color, str]] = {
    Outcome.SENDING: ("blue", "sync"),
    Outcome.APPLIED: ("green", "check_circle"),
    Outcome.FAILED: ("red", "cancel"),
    Outcome.SKIPPED: ("gray", "skip_next"),
    Outcome.UNCONFIRMED: ("yellow", "help"),
    Outcome.RESENT: ("violet", "redo"),
}
_GROUP: dict[GroupState, tuple[Color, str]] = {
    GroupState.OPEN: ("red", "error"),
    GroupState.FIXED: ("blue", "hourglass_top"),
    GroupState.RESOLVED: ("green", "check_circle"),
    GroupState.IGNORED: ("gray", "visibility_off"),
    GroupState.REGRESSED: ("red", "replay"),
}


class AgentWord(StrEnum):
    """Where one agent stands, over both phases. The value is the word shown on screen."""

    WAITING = "waiting"
    SENDING = "being taken out"
    OUT = "out"
    FAILED = "failed"
    SKIPPED = "left alone"
    UNCONFIRMED = "unconfirmed"
    COMING_BACK = "being restored"
    RESTORED = "restored"
    NOT_BACK = "not back"
    LEFT_AS_IS = "left as it is"
    BACK_UNCONFIRMED = "back unconfirmed"


_AGENT: dict[AgentWord, tuple[Color, str]] = {
    AgentWord.RESTORED: ("green", "check_circle"),
    AgentWord.OUT: ("blue", "pause_circle"),
    AgentWord.SENDING: ("blue", "sync"),
    AgentWord.COMING_BACK: ("blue", "settings_backup_restore"),
    AgentWord.WAITING: ("gray", "schedule"),
    AgentWord.SKIPPED: ("gray", "skip_next"),
    AgentWord.LEFT_AS_IS: ("gray", "person_off"),
    AgentWord.UNCONFIRMED: ("yellow", "help"),
    AgentWord.BACK_UNCONFIRMED: ("yellow", "help"),
    AgentWord.FAILED: ("red", "cancel"),
    AgentWord.NOT_BACK: ("red", "error"),
}

_CORRECTION: dict[AgentWord, tuple[str, Color, str]] = {
    AgentWord.SENDING: ("being corrected", "blue", "sync"),
    AgentWord.OUT: ("corrected", "green", "check_circle"),
    AgentWord.COMING_BACK: ("being undone", "blue", "undo"),
    AgentWord.RESTORED: ("undone", "gray", "undo"),
    AgentWord.NOT_BACK: ("not undone", "red", "error"),
    AgentWord.BACK_UNCONFIRMED: ("undo unconfirmed", "yellow", "help"),
}
"""A correction of the past takes nobody out: where agents are said to be out or back, other words are needed."""


def agent_style(word: AgentWord, route: RouteName) -> Style:
    """How an agent's place is shown in a window of that route."""
    if route is RouteName.ADHERENCE and word in _CORRECTION:
        return Style(*_CORRECTION[word])
    return style_of(word)


_APPLY_WORDS = {
    ItemState.PENDING: AgentWord.WAITING,
    ItemState.SENDING: AgentWord.SENDING,
    ItemState.FAILED: AgentWord.FAILED,
    ItemState.SKIPPED: AgentWord.SKIPPED,
    ItemState.UNCONFIRMED: AgentWord.UNCONFIRMED,
}
_RESTORE_WORDS = {
    ItemState.PENDING: AgentWord.OUT,
    ItemState.SENDING: AgentWord.COMING_BACK,
    ItemState.APPLIED: AgentWord.RESTORED,
    ItemState.FAILED: AgentWord.NOT_BACK,
    ItemState.SKIPPED: AgentWord.LEFT_AS_IS,
    ItemState.UNCONFIRMED: AgentWord.BACK_UNCONFIRMED,
}


def agent_word(apply: ItemState, restore: ItemState) -> AgentWord:
    """Where an agent stands, from the states of the two phases."""
    if apply is ItemState.APPLIED or (apply is ItemState.UNCONFIRMED and restore is not ItemState.PENDING):
        return _RESTORE_WORDS[restore]
    return _APPLY_WORDS[apply]


def style_of(state: StrEnum) -> Style:
    """How that state is shown. Raises KeyError for one that has no style: a test walks through all of them."""
    if isinstance(state, LaneState):
        color, icon, word = _LANE[state]
        return Style(word, color, icon)
    tables: dict[type[StrEnum], dict[Any, tuple[Color, str]]] = {
        OperationState: _OPERATION,
        Severity: _SEVERITY,
        Outcome: _OUTCOME,
        GroupState: _GROUP,
        AgentWord: _AGENT,
    }
    color, icon = tables[type(state)][state]
    return Style(str(state.value), color, icon)


def ink() -> str:
    """The colour of words inside a chart: a chart's own text marks know nothing of the theme."""
    return "#C3C9D6" if getattr(st.context.theme, "type", None) == "dark" else "#3D4457"


def chips(states: Iterable[StrEnum]) -> list[str]:
    """The colours of a table's state chips, by the theme's names: pale ground and readable text in light and dark."""
    return [style_of(state).color for state in states]


def phase_word(phase: Phase) -> str:
    """What a phase did, in a word a person says."""
    return "take out" if phase is Phase.APPLY else "restore"


def hex_color(color: str) -> str:
    """The colour for a chart, in the theme the viewer has."""
    dark = getattr(st.context.theme, "type", None) == "dark"
    return HEX["dark" if dark else "light"][color]
