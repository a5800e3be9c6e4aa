"""What a screen says while the tenant is read: what is read, and until when the tenant's limit holds it up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from wfm.desk import Desk
from wfm.domain.sentences import format_number
from wfm.ui.components import times

SOON_S = 0.5
"""What is read by then says nothing: words that come and go at once are a flicker."""
POLL_S = 1.0


@contextmanager
def reading(
    desk: Desk,
    what: str,
    *,
    place: DeltaGenerator | None = None,
    height: int | None = None,
    after_s: float = SOON_S,
    meanwhile: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Says in `place` (an empty one; else here) that `what` is being read, while it is and once it takes `after_s` seconds.

    With `height` (pixels) a skeleton stands below. `meanwhile` draws once what else changes while somebody waits. A read waits
    up to a minute where the tenant's limit is used up: then that is said too, with the time at which it goes on.
    """
    place = place or st.empty()
    done = threading.Event()
    given = (desk, what, place, height, after_s, times.viewer_zone(), done, meanwhile)
    teller = threading.Thread(target=_tell, args=given, daemon=True)
    # The script itself waits for the read: only another thread can say so meanwhile. It draws, and keeps nothing.
    add_script_run_ctx(teller, get_script_run_ctx())
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
        place.empty()


def _tell(
    desk: Desk,
    what: str,
    place: DeltaGenerator,
    height: int | None,
    after_s: float,
    zone: ZoneInfo,
    done: threading.Event,
    meanwhile: Callable[[], None] | None,
) -> None:
    shown, pause = "", after_s
    while not done.wait(pause):
        if meanwhile is not None:
            meanwhile()
            meanwhile = None
        sentence = _sentence(desk, what, zone)
        if sentence != shown:
            with place.container():
                st.caption(sentence)
                if height:
                    st.skeleton(height=height)
        shown, pause = sentence, POLL_S


def _sentence(desk: Desk, what: str, zone: ZoneInfo) -> str:
    sentence = f":material/hourglass_top: Reading {what} …"
    held = desk.health.held_up()
    if held is None:
        return sentence
    at = times.clock(held.until, zone, seconds=True)
    limit = format_number(held.limit_per_minute)
    return f"{sentence} The tenant's limit of {limit} requests a minute is used up; reading continues at {at}."
