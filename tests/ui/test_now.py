"""Now: windows in effect, what comes next, causes, health."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from streamlit.testing.v1 import AppTest

from tests.ui.fakes import FakeDesk, an_operation
from tests.ui.fakes_history import a_group
from wfm.domain.errors import StoreFault
from wfm.domain.operations import GroupState, OperationState
from wfm.ui.components.markdown import escape_markdown

Open = Callable[..., AppTest]


def said(app: AppTest) -> str:
    parts = (app.markdown, app.caption, app.error, app.title)
    return "\n".join(str(element.value) for part in parts for element in part)


def test_a_calm_desk_says_so_and_where_to_begin(desk: FakeDesk, open_screen: Open) -> None:
    app = open_screen("now")
    assert not app.exception
    text = said(app)
    assert "No one is out for maintenance." in text
    assert "Nothing is scheduled." in text
    assert "No open cause." in text
    assert "worker alive" in text


def test_windows_in_effect_come_with_their_two_actions(desk: FakeDesk, open_screen: Open) -> None:
    desk.operation_views = [
        an_operation("w", out=34, failed=0, total=34),
        an_operation("next", OperationState.SCHEDULED, out=0, starts_in=timedelta(hours=3)),
    ]
    app = open_screen("now")
    assert not app.exception
    assert {button.key for button in app.button} >= {"window_end_now_w", "window_extend_w"}
    assert "window_cancel_next" not in {button.key for button in app.button}
    assert "**34** out" in said(app)
    app.button(key="window_end_now_w").click().run()
    app.button(key="do_end_now_w").click().run()
    assert ("end_now", "w") in desk.calls


def test_open_causes_are_named_and_settled_ones_are_not(desk: FakeDesk, open_screen: Open) -> None:
    desk.groups_failed = [a_group(cause="lacks the scope"), a_group(cause="was mended", state=GroupState.RESOLVED)]
    text = said(open_screen("now"))
    assert "lacks the scope" in text
    assert "was mended" not in text


def test_what_just_ended_says_whether_everybody_is_back(desk: FakeDesk, open_screen: Open) -> None:
    recent = datetime.now(UTC) - timedelta(minutes=3)
    done = OperationState.ENDED_EARLY
    desk.operation_views = [
        an_operation("w", done, out=0, restored=35, total=36, failed=1, title="Router swap", ended_at=recent),
        an_operation("x", done, out=0, restored=4, total=4, title="An example", example=True, ended_at=recent),
        an_operation("y", done, out=0, restored=9, total=9, title="This morning", ended_at=recent - timedelta(hours=6)),
    ]
    text = said(open_screen("now"))
    assert "35 restored, 1 failed · 3 min ago" in text
    assert "An example" not in text
    assert "This morning" not in text


def test_what_is_wrong_with_the_desk_is_said(desk: FakeDesk, open_screen: Open) -> None:
    desk.health_problems = ("No worker is alive: nothing is taken out or restored until one runs.",)
    desk.operation_views = [an_operation("w", out=34, failed=0, total=34)]
    app = open_screen("now")
    drawn = [type(element).__name__ for element in app.main]
    text = said(app)
    assert "nothing is taken out or restored until one runs" in text
    assert [str(error.value) for error in app.error] == [escape_markdown(problem) for problem in desk.health_problems]
    assert drawn.index("Error") < len(drawn) - 1
    assert "no worker is alive" in text


def test_a_tenant_that_answers_again_draws_the_badge_anew(desk: FakeDesk, open_screen: Open) -> None:
    desk.reachable = False
    app = open_screen("now")
    assert "does not answer" in said(app)
    desk.reachable = True
    asked = []
    state = desk.demo.state if desk.demo else None
    assert state is not None
    desk.demo.state = lambda: asked.append(1) or state()  # type: ignore[union-attr, method-assign, func-returns-value]
    app.run()
    assert not app.exception
    assert len(asked) == 2  # once more, because the tenant came back
    asked.clear()
    app.run()
    assert len(asked) == 1


def test_a_locked_database_is_a_sentence(desk: FakeDesk, open_screen: Open) -> None:
    def locked(*_: object, **__: object) -> None:
        raise StoreFault("The desk's database is locked. Try again in a moment.")

    desk.operations = locked  # type: ignore[method-assign, assignment]
    desk.open_or_due = lambda within=None: True  # type: ignore[method-assign]
    app = open_screen("now")
    assert not app.exception
    assert "database is locked" in said(app)
