"""Names and words of others reach no screen as Markdown, link, icon or formula: every screen, full of one nasty name."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import Open
from tests.ui.fakes import FakeEvent, a_directory, a_request, an_operation, items_of
from tests.ui.fakes_history import (
    FINGERPRINT,
    LANES,
    HistoryDesk,
    a_diagnosis,
    a_failed_test,
    a_group,
    a_run,
    an_action,
    an_exchange,
)
from wfm.desk.failures import FailureBrief
from wfm.desk.values import AccessReport, ClientChoice, RunDetail
from wfm.domain.agents import Directory, Group
from wfm.domain.diagnoses import Explanation
from wfm.domain.errors import BadInput, DeskError, NotFound, Refused, StoreFault
from wfm.domain.operations import FailureGroup, GroupState, OperationState
from wfm.domain.plans import AccessCheck, Finding, PlanRequest, Preview, RouteOffer, Selection, Severity
from wfm.ledger.records import GroupChange, SavedView

STEERING = "\u202egpj\u2069\x1b[31m\x9b31m\x07"
"""Turns round what stands beside it, ends an isolate that began before it, steers a terminal."""
NASTY = f"**x** [a](http://b) <b> :red[x] $y$ {STEERING}"
MARKUP = ("**x**", "[a](", ":red[x]", "$y$", "http://b", "<b>")
NO_MARKDOWN = frozenset(
    {
        "id",
        "default",
        "value",
        "raw_value",
        "raw_values",
        "set_value",
        "placeholder",
        "url",
        "query_string",
        "code_text",
        "spec",
        "alt",
        "form_id",
        "page",
        "page_script_hash",
        "user_key",
        "json",
    }
)
"""Fields of Streamlit's elements that are shown as they are, or not at all. Every other text may be read as Markdown."""
PLAIN_OPTIONS = frozenset({"Selectbox", "MultiSelect"})
NOT_SHOWN = NO_MARKDOWN - {"code_text", "spec", "alt", "placeholder", "json"}
"""Fields that nobody reads, and those that give back what a person typed into them."""


def texts(message: Any) -> Iterator[tuple[str, str]]:
    """Every text of a Streamlit element that may be read as Markdown, with the element and field that holds it."""
    if message.DESCRIPTOR.name in ("Code", "Json", "Html"):
        return
    for field, value in message.ListFields():
        if field.name in NO_MARKDOWN or (field.name == "options" and message.DESCRIPTOR.name in PLAIN_OPTIONS):
            continue
        values = [value] if isinstance(value, str) or hasattr(value, "DESCRIPTOR") else value
        if not hasattr(values, "__iter__") or isinstance(values, bytes):
            continue
        for one in values:
            if isinstance(one, str):
                yield f"{message.DESCRIPTOR.name}.{field.name}", one
            elif hasattr(one, "ListFields"):
                yield from texts(one)


def everything(app: AppTest) -> Iterator[tuple[str, str]]:
    """Every text on a screen that may be read as Markdown, cells of `st.table` among them."""
    waiting: list[Any] = [app._tree]
    while waiting:
        node = waiting.pop()
        waiting += getattr(node, "children", {}).values()
        if hasattr(getattr(node, "proto", None), "ListFields"):
            yield from texts(node.proto)
    for table in app.table:
        for column in table.value.columns:
            yield from (("table", str(cell)) for cell in (column, *table.value[column]))


def marked_up(text: str) -> list[str]:
    """What of the nasty name a text would show as something else."""
    bare = re.sub(r"(?<![\\`])(`+)(?!`).+?(?<!`)\1(?!`)", "", text)  # inline code is shown as it is
    return [sign for sign in MARKUP if sign in bare]


def all_texts(message: Any) -> Iterator[tuple[str, str]]:
    """Every text of an element that is shown somewhere: labels, options, code, specifications of charts."""
    for field, value in message.ListFields():
        if field.name in NOT_SHOWN:
            continue
        values = [value] if isinstance(value, str) or hasattr(value, "DESCRIPTOR") else value
        if not hasattr(values, "__iter__") or isinstance(values, bytes):
            continue
        for one in values:
            if isinstance(one, str):
                inside = strings(json.loads(one)) if field.name == "spec" else [one]
                yield from ((f"{message.DESCRIPTOR.name}.{field.name}", text) for text in inside)
            elif hasattr(one, "ListFields"):
                yield from all_texts(one)


def strings(value: Any) -> list[str]:
    """Every text in a JSON value."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    return (
        [value]
        if isinstance(value, str)
        else [text for one in value for text in strings(one)]
        if isinstance(value, list)
        else []
    )


def every_cell(app: AppTest) -> Iterator[tuple[str, str]]:
    for frame in (*app.table, *app.dataframe):
        for column in frame.value.columns:
            yield from (("cell", str(cell)) for cell in (column, *frame.value[column]))


def drawn(app: AppTest) -> Iterator[tuple[str, str]]:
    waiting: list[Any] = [app._tree]
    while waiting:
        node = waiting.pop()
        waiting += getattr(node, "children", {}).values()
        if hasattr(getattr(node, "proto", None), "ListFields"):
            yield from all_texts(node.proto)
    yield from every_cell(app)


def steers(text: str) -> list[str]:
    """What of a text steers a terminal, or turns round what stands beside it."""
    depth, found = 0, []
    for sign in text:
        depth += (sign == "\u2068") - (sign == "\u2069")
        if depth < 0 or sign in "\u202e\u202d" or (sign not in "\n\t" and unicodedata.category(sign) in ("Cc", "Cs")):
            found.append(ascii(sign))
            depth = max(depth, 0)
    return found + ["an isolate without end"] * (depth > 0)


def assert_plain(app: AppTest) -> None:
    assert not app.exception
    found = [(where, text) for where, text in everything(app) if marked_up(text)]
    assert not found, found
    steering = [(where, text) for where, text in drawn(app) if steers(text)]
    assert not steering, steering


def nasty_check(check: AccessCheck) -> AccessCheck:
    lanes = {lane: replace(verdict, evidence=NASTY, needed=(NASTY,)) for lane, verdict in check.lanes.items()}
    return replace(check, lanes=lanes, advice=NASTY if check.missing else "", purposes=(NASTY,))


def nasty_people() -> Directory:
    made = a_directory(6)
    changes: dict[str, Any] = {"name": NASTY, "division": NASTY, "team": NASTY, "management_unit": NASTY}
    agents = {key: replace(agent, **changes) for key, agent in made.agents.items()}
    groups: tuple[Group, ...] = tuple(replace(group, name=NASTY) for group in made.groups)
    return replace(made, agents=agents, groups=groups)


class NastyDesk(HistoryDesk):
    """A tenant in which everything that somebody else names has the nasty name."""

    def clients(self) -> tuple[ClientChoice, ...]:
        return tuple(replace(client, name=NASTY) for client in super().clients())

    def preview(self, request: PlanRequest, *, fresh: bool = False) -> Preview:
        made = super().preview(request)
        finding = Finding(code="x", severity=Severity.WARNING, title=NASTY, detail=NASTY, fix=NASTY)
        return replace(
            made,
            client_name=NASTY,
            access=tuple(map(nasty_check, made.access)),
            findings=(finding,) * 5,
            refusals=(("stale", NASTY),),
        )

    def route_offers(self) -> tuple[RouteOffer, ...]:
        return tuple(replace(offer, reason=NASTY) for offer in super().route_offers())

    def run(self, run_id: str) -> RunDetail:
        lanes = {lane: replace(verdict, evidence=NASTY, next_step=NASTY) for lane, verdict in LANES.items()}
        return replace(super().run(run_id), lanes=lanes, diagnosis=nasty_diagnosis())

    def failure_brief(self, group: FailureGroup) -> FailureBrief:
        return FailureBrief(client=NASTY, fix=NASTY, who=NASTY, example=False)

    def access(self, fresh: bool = False) -> AccessReport:
        made = super().access(fresh)
        checks = {route: tuple(map(nasty_check, found)) for route, found in made.checks.items()}
        token = replace(made.token, client_name=NASTY, scopes=(NASTY,), role_divisions=((NASTY, NASTY),))
        return replace(made, token=token, checks=checks, asymmetry=NASTY)

    def explain(self, text: str) -> Explanation:
        made = super().explain(text)
        unknown = tuple(replace(name, given=NASTY, sentence=NASTY) for name in made.unknown)
        return replace(
            made, fields=((NASTY, NASTY),), call=NASTY, diagnosis=nasty_diagnosis(), unknown=unknown, lanes=LANES, form=NASTY
        )


def nasty_diagnosis() -> Any:
    names: dict[str, Any] = dict.fromkeys(("message", "cause", "confirm", "fix", "who", "code"), NASTY)
    return a_diagnosis(**names, missing=(NASTY,), divisions=(NASTY,), chain=(NASTY, NASTY))


@pytest.fixture
def nasty(serve: Callable[[Any], Any]) -> NastyDesk:
    named: dict[str, Any] = {"title": NASTY, "client_name": NASTY, "created_by": NASTY, "halt_reason": NASTY}
    views = [
        an_operation(
            "op-1", OperationState.HALTED, out=1, failed=2, unconfirmed=1, total=6, ended_at=datetime.now(UTC), **named
        ),
        an_operation("op-2", OperationState.IN_EFFECT, **named),
        an_operation("op-3", OperationState.SCHEDULED, **named),
    ]
    words: dict[str, Any] = {
        "agent_name": NASTY,
        "operation_title": NASTY,
        "action": NASTY,
        "cause": NASTY,
        "note": NASTY,
        "code": NASTY,
    }
    kept = [a_run(number, **words, missing=(NASTY,)) for number in range(3)]
    changes: dict[str, Any] = {"cause": NASTY, "owner": NASTY, "note": NASTY, "state_by": NASTY, "code": NASTY, "call": NASTY}
    action = an_action(NASTY, NASTY)
    contract: Any = action.raw["contract"]
    schema = contract["input"]["inputSchema"]
    schema["properties"][NASTY] = {"type": "string", "description": NASTY, "enum": [NASTY]}
    desk = NastyDesk(
        people=nasty_people(),
        operation_views=views,
        agent_items={view.operation.id: [replace(item, agent_name=NASTY) for item in items_of(view)] for view in views},
        story={"op-1": [FakeEvent("op-1", datetime.now(UTC), NASTY, "comment", NASTY)]},
        kept=kept,
        attempts={run.id: (an_exchange(run),) for run in kept},
        groups_failed=[
            a_group(**changes, missing=(NASTY,), state=GroupState.REGRESSED, state_at=datetime.now(UTC)),
            a_group(**changes, fingerprint="other", state=GroupState.OPEN),
        ],
        tenant_actions=(replace(action, inputs=((NASTY, "string", True), *action.inputs), credential_client=NASTY),),
        changes=[
            GroupChange(at=datetime.now(UTC), actor=NASTY, from_state=GroupState.OPEN, to_state=GroupState.FIXED, note=NASTY)
        ],
        saved={NASTY: SavedView(name=NASTY, query={"code": NASTY}, is_default=False, changed_at=datetime.now(UTC))},
        action_result=a_failed_test(kept[0]),
        health_problems=(NASTY,),
    )
    desk.tenant = replace(desk.tenant, organization_name=NASTY)
    serve(desk)
    return desk


@pytest.mark.parametrize(
    ("screen", "query"),
    [
        ("now", {}),
        ("plan", {}),
        ("windows", {}),
        ("windows", {"id": "op-1"}),
        ("windows", {"id": "op-2"}),
        ("windows", {"id": NASTY}),
        ("runs", {}),
        ("runs", {"run": "run-00000"}),
        ("runs", {"chart": "causes", "agent": NASTY, "code": NASTY}),
        ("runs", {"team": NASTY, "operation": NASTY, "outcome": NASTY, "cursor": NASTY, "chart": NASTY}),
        ("failures", {"failure": FINGERPRINT}),
        ("failures", {"q": NASTY + " nowhere", "failure": NASTY, "show": NASTY}),
        ("access", {}),
        ("data_actions", {}),
        ("data_actions", {"action": NASTY}),
        ("settings", {}),
        ("import_runs", {}),
    ],
)
def test_names_of_others_are_shown_as_they_are(nasty: NastyDesk, open_screen: Open, screen: str, query: dict[str, str]) -> None:
    assert_plain(open_screen(screen, **query))


ENDLESS = "x" * 200_000


@pytest.mark.parametrize(
    ("screen", "query"),
    [
        ("windows", {"id": ENDLESS}),
        ("runs", {"run": ENDLESS}),
        ("runs", {"agent": ENDLESS, "operation": ENDLESS, "code": ENDLESS, "outcome": ENDLESS, "cursor": ENDLESS}),
        ("failures", {"failure": ENDLESS, "q": ENDLESS, "show": ENDLESS}),
        ("data_actions", {"action": ENDLESS}),
        ("plan", {"draft": ENDLESS}),
    ],
)
def test_an_endless_id_is_not_echoed_whole(nasty: NastyDesk, open_screen: Open, screen: str, query: dict[str, str]) -> None:
    app = open_screen(screen, **query)
    assert not app.exception
    assert [where for where, text in drawn(app) if "x" * 500 in text] == []


def test_an_endless_name_is_not_shown_whole(serve: Callable[[Any], Any], open_screen: Open) -> None:
    view = an_operation("op-1", OperationState.IN_EFFECT, title=ENDLESS, created_by=ENDLESS)
    items = [replace(item, agent_name=ENDLESS) for item in items_of(view)]
    kept = [a_run(1, agent_name=ENDLESS, code=ENDLESS, correlation_id=ENDLESS, cause=ENDLESS, action=ENDLESS)]
    serve(HistoryDesk(operation_views=[view], agent_items={"op-1": items}, kept=kept, attempts={kept[0].id: ()}))
    for screen, query in (("now", {}), ("windows", {"id": "op-1"}), ("runs", {}), ("runs", {"run": kept[0].id})):
        app = open_screen(screen, **query)
        assert not app.exception
        assert [where for where, text in drawn(app) if "x" * 500 in text] == [], screen


def test_so_they_are_in_the_parts_of_a_plan(nasty: NastyDesk, open_screen: Open) -> None:
    request = a_request(selection=Selection(teams=("t0",), agents=(NASTY, "a0001")))
    for subject in ("demo", "local", "visitor"):
        nasty.drafts[subject] = request
    nasty.draft = lambda actor: request  # type: ignore[method-assign]
    app = open_screen("plan")
    assert_plain(app)
    app.button(key="plan_open_find").click().run()
    app.text_input(key="plan_find").set_value("x**").run()
    assert any(
        NASTY[:3] in text.replace("\\", "") and "plan_add" in str(button.key)
        for button in app.button
        for text in [button.label]
    )
    assert_plain(app)
    app.button(key="plan_open_edit").click().run()
    assert "match no one here" in "".join(str(caption.value) for caption in app.caption)
    assert_plain(app)


def test_so_they_are_in_an_explanation_and_the_answer_of_an_action(nasty: NastyDesk, open_screen: Open) -> None:
    app = open_screen("access")
    app.text_area[0].set_value("403").run()
    next(button for button in app.button if "xplain" in button.label).click().run()
    assert_plain(app)


@pytest.mark.parametrize(
    "error",
    [
        BadInput(NASTY, NASTY, NASTY),
        Refused("stale", NASTY, (NASTY, NASTY)),
        NotFound(NASTY),
        StoreFault(NASTY),
        DeskError(NASTY),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_fault_quotes_what_was_given_as_it_was(nasty: NastyDesk, open_screen: Open, error: DeskError) -> None:
    nasty.preview_error = nasty.actions_error = nasty.access_error = nasty.history_error = error
    nasty.draft = lambda actor: a_request()  # type: ignore[method-assign]
    for screen in ("plan", "data_actions", "access", "runs", "failures"):
        app = open_screen(screen)
        assert_plain(app)
        assert any("\\*\\*x" in str(box.value) for kind in (app.error, app.warning) for box in kind), screen


def test_a_refused_plan_lists_what_changed_as_it_is(nasty: NastyDesk, open_screen: Open) -> None:
    nasty.draft = lambda actor: a_request()  # type: ignore[method-assign]
    app = AppTest.from_function(_notice)
    app.session_state["plan_notice"] = (NASTY, (NASTY, NASTY))
    app.run()
    assert_plain(app)
    assert str(app.warning[0].value).count("\n- ") == 2


def _notice() -> None:
    from wfm.ui.screens.plan import verdict

    verdict.refused_notice()


def test_the_check_itself_sees_markup() -> None:
    assert marked_up(NASTY) == list(MARKUP)
    assert marked_up(f"`{NASTY}`") == []
    assert marked_up("\\*\\*x\\*\\* \\[a\\]\\(") == []
    assert len(steers(STEERING)) == 5
    assert steers("\u2068a") == ["an isolate without end"]
    assert steers("\u2068דנה\u2069, one\n\ttwo") == []


def test_a_toast_says_it_as_it_is_and_once() -> None:
    app = AppTest.from_function(_said)
    app.run()
    assert_plain(app)
    assert len(app.toast) == 2
    assert not app.run().toast


def _said() -> None:
    import streamlit as st

    from wfm.ui.components.flash import Flash

    parts = Flash("one"), Flash("other")
    if "told" not in st.session_state:
        st.session_state["told"] = True
        for number, part in enumerate(parts):
            part.done("**x** [a](http://b) <b> :red[x] $y$", good=not number)
    for part in parts:
        part.show()
