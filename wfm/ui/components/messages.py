"""What a screen says when it is empty or something went wrong: what happened, what it means, what to do next."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from wfm.domain.errors import BadInput, DeskError, NotAllowed, NotFound, Refused, StoreFault
from wfm.ui.components.markdown import escape_markdown

if TYPE_CHECKING:
    from wfm.desk import Desk

log = logging.getLogger(__name__)

_TITLES: tuple[tuple[type[DeskError], str], ...] = (
    (BadInput, "That can't be used"),
    (NotFound, "Not found"),
    (Refused, "Not done"),
    (NotAllowed, "Not allowed"),
    (StoreFault, "The desk's database"),
)


def nothing(title: str, what_to_do: str, *, icon: str = ":material/inbox:") -> None:
    """An empty state that teaches the first step. `title` may quote others; `what_to_do` is Markdown of ours."""
    with st.container(border=True):
        st.markdown(f"{icon} **{escape_markdown(title)}**")
        st.caption(what_to_do)


def fault(error: DeskError, *, title: str | None = None) -> None:
    """An error in a sentence, with what changed where it was refused for that. It may quote others, and so may `title`."""
    shown = title or next((words for kind, words in _TITLES if isinstance(error, kind)), "That did not work")
    body = refusal_markdown(str(error), error.differences if isinstance(error, Refused) else ())
    icon = ":material/warning:" if isinstance(error, BadInput | Refused) else ":material/error:"
    (st.warning if isinstance(error, BadInput | Refused) else st.error)(body, title=escape_markdown(shown), icon=icon)


def refusal_markdown(sentence: str, differences: Iterable[str]) -> str:
    """A refusal in Markdown: the sentence, then what changed since, a line each."""
    lines = "\n".join(f"- {escape_markdown(line)}" for line in differences)
    return f"{escape_markdown(sentence)}\n\n{lines}" if lines else escape_markdown(sentence)


@contextmanager
def guarded(title: str | None = None) -> Iterator[None]:
    """Shows a DeskError raised inside as a sentence and goes on after the block, or ends the function it decorates."""
    try:
        yield
    except DeskError as error:
        fault(error, title=title)


@guarded()
def worker_missing(desk: Desk) -> None:
    """Says so where nobody would do what is asked for on this screen. Says nothing while a worker is alive."""
    if not desk.health.worker_alive():
        st.error(
            "What you apply or end here is kept, and done when a worker runs. Start one with “python -m wfm worker”; overdue "
            "restores run first.",
            title="No worker is alive: windows neither start nor end",
            icon=":material/error:",
        )


def cannot_start(error: DeskError) -> None:
    """The whole screen when the tenant or the database can't be reached."""
    with st.container(border=True, width=640):
        st.header("The desk can't work right now", anchor=False)
        st.write(escape_markdown(str(error)))
        st.caption("Nothing is lost: the worker looks after windows in effect, and plans are saved as you type.")
        st.button("Try again", type="primary", icon=":material/refresh:", key="try-again")


def script_error(error: Exception) -> bool:
    """What a screen shows for a bug of ours: no traceback; Streamlit logs that itself. Always True: it is handled."""
    log.error("A screen failed: %s", type(error).__name__)
    st.error(
        "This part of the screen failed; the dashboard's log says why. Windows in effect are not affected: "
        "the worker looks after them. Reload the page; if it fails again, open another screen from the menu above.",
        title="An error in the desk itself",
        icon=":material/error:",
    )
    return True
