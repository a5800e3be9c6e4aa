"""What a screen says while it waits for the tenant."""

from __future__ import annotations

import threading
from zoneinfo import ZoneInfo

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.support.inside import inside
from tests.ui.world import World
from wfm.desk import Desk
from wfm.genesys.pacing import RequestLane
from wfm.ui.components import waiting

SAID = threading.Event()
BERLIN = ZoneInfo("Europe/Berlin")


def test_words_name_what_is_read_and_what_it_waits_for(world: World) -> None:
    world.tenant.rate_limit = 60
    desk = world.desk()
    desk.agents.directory(fresh=True)
    plain = waiting._sentence(desk, "the people", BERLIN)
    assert plain == ":material/hourglass_top: Reading the people …"
    pacer = inside(desk).connections.get().client.pacer
    for _ in range(pacer.usage().budget - pacer.usage().used):
        pacer.acquire(RequestLane.SCREEN, timeout=0)
    held = waiting._sentence(desk, "the people", BERLIN)
    until = pacer.usage().reset_at
    assert until is not None
    clock = f"{until.astimezone(BERLIN):%H:%M:%S}"
    assert held == f"{plain} The tenant's limit of 60 requests a minute is used up; reading continues at {clock}."


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was said while reading, in order; `SAID` is set by the first words."""
    words: list[str] = []
    real = st.caption

    def caption(text: str) -> None:
        real(text)
        words.append(text)
        SAID.set()

    SAID.clear()
    monkeypatch.setattr(st, "caption", caption)
    return words


def _slow() -> None:
    import streamlit as st  # the script is run apart from this module

    from tests.ui import test_waiting
    from wfm.ui.components import waiting
    from wfm.ui.shell import context

    with waiting.reading(context.desk(), "the people", height=100, after_s=0.0):
        test_waiting.SAID.wait(20)
    st.write("read")


def test_a_slow_read_says_so_and_its_words_go_with_it(desk: Desk, drawn: list[str]) -> None:
    app = AppTest.from_function(_slow, default_timeout=30).run()
    assert not app.exception
    assert drawn == [":material/hourglass_top: Reading the people …"]
    assert [one.value for one in app.markdown] == ["read"]
    assert not app.caption


def _quick() -> None:
    from wfm.ui.components import waiting
    from wfm.ui.shell import context

    with waiting.reading(context.desk(), "the people", after_s=3600.0):
        pass


def test_a_quick_read_says_nothing_and_waits_for_nothing(desk: Desk, drawn: list[str]) -> None:
    assert not AppTest.from_function(_quick, default_timeout=30).run().exception
    assert drawn == []


def _broken() -> None:
    import streamlit as st

    from wfm.domain.errors import DeskError
    from wfm.ui.components import waiting
    from wfm.ui.shell import context

    try:
        with waiting.reading(context.desk(), "the people", after_s=0.0):
            raise DeskError("away")
    except DeskError as error:
        st.write(str(error))


def test_a_read_that_fails_leaves_no_words(desk: Desk) -> None:
    app = AppTest.from_function(_broken, default_timeout=30).run()
    assert [one.value for one in app.markdown] == ["away"]
    assert not app.caption
