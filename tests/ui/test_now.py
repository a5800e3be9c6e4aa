"""Now: windows in effect, what comes next, causes, health."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.inside import inside
from tests.ui.conftest import Open
from tests.ui.screen import keys, words
from tests.ui.world import VISITOR, World, add_run, add_window, failing, stop_worker
from wfm.desk import Desk
from wfm.domain.operations import GroupState, OperationState
from wfm.ui.components.markdown import escape_markdown


def test_a_calm_desk_says_so_and_where_to_begin(desk: Desk, open_screen: Open) -> None:
    app = open_screen("now")
    assert not app.exception
    text = words(app)
    assert "No one is out for maintenance." in text
    assert "Nothing is scheduled." in text
    assert "No open cause." in text
    assert "worker alive" in text


def test_windows_in_effect_come_with_their_two_actions(desk: Desk, open_screen: Open) -> None:
    one = add_window(desk, out=3).id
    other = add_window(desk, OperationState.SCHEDULED, waiting=2, starts_in=timedelta(hours=3)).id
    app = open_screen("now")
    assert not app.exception
    assert keys(app) >= {f"window_end_now_{one}", f"window_extend_{one}"}
    assert f"window_cancel_{other}" not in keys(app)
    assert "**3** out" in words(app)
    app.button(key=f"window_end_now_{one}").click().run()
    app.button(key=f"do_end_now_{one}").click().run()
    assert desk.windows.get(one).operation.restore_requested


def test_open_causes_are_named_and_settled_ones_are_not(desk: Desk, open_screen: Open) -> None:
    add_run(desk, 0)
    gone = add_run(desk, 1, status=500, body='{"code": "internal.server.error", "message": "It broke."}')
    assert gone.fingerprint is not None
    desk.failures.mark(gone.fingerprint, GroupState.RESOLVED, VISITOR)
    states = {group.state: group.cause for group in desk.failures.groups()}
    text = words(open_screen("now"))
    assert escape_markdown(states[GroupState.OPEN]).rstrip("\\.") in text
    assert escape_markdown(states[GroupState.RESOLVED]).rstrip("\\.") not in text


def test_what_just_ended_says_whether_everybody_is_back(desk: Desk, open_screen: Open) -> None:
    recent = desk.clock() - timedelta(minutes=3)
    done = OperationState.ENDED_EARLY
    add_window(desk, done, restored=5, failed=1, title="Router swap", ended_at=recent)
    add_window(desk, done, restored=2, title="An example", example=True, ended_at=recent)
    morning = timedelta(hours=-7)
    add_window(desk, done, restored=2, title="This morning", starts_in=morning, ended_at=recent + morning)
    text = words(open_screen("now"))
    assert "5 restored, 1 failed · 3 min ago" in text
    assert "An example" not in text
    assert "This morning" not in text


def test_what_is_wrong_with_the_desk_is_said(desk: Desk, open_screen: Open) -> None:
    stop_worker(desk)
    add_window(desk, out=3)
    app = open_screen("now")
    drawn = [type(element).__name__ for element in app.main]
    assert [str(error.value) for error in app.error] == [escape_markdown(problem) for problem in desk.health.check().problems]
    assert "windows neither start nor end" in words(app)
    assert drawn.index("Error") < len(drawn) - 1
    assert "no worker is alive" in words(app)


def test_a_tenant_that_answers_again_draws_the_badge_anew(
    world: World, desk: Desk, open_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.demo is not None
    state, asked = desk.demo.state, []

    def noted() -> Any:
        asked.append(1)
        return state()

    monkeypatch.setattr(desk.demo, "state", noted)
    world.network.down = True
    inside(desk).connections.forget_reads(tokens=True)
    app = open_screen("now")
    assert "does not answer" in words(app)
    world.network.down = False
    asked.clear()
    app.run()
    assert not app.exception
    assert len(asked) == 2  # once more, because the tenant came back
    asked.clear()
    app.run()
    assert len(asked) == 1


def test_a_locked_database_is_a_sentence(desk: Desk, open_screen: Open) -> None:
    add_window(desk, out=3)
    with failing(desk):
        app = open_screen("now")
        assert not app.exception
        assert "is locked by another program" in words(app)
