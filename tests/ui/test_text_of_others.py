"""Names and words of others reach no screen as Markdown, link, icon or formula: every screen, full of one nasty name."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.demo_network import plugged
from tests.support.inside import inside
from tests.ui.conftest import Open, Serve
from tests.ui.world import PEOPLE, VISITOR, World, add_run, add_window
from wfm.demo import api_actions, clients, tenant
from wfm.demo import world as organization
from wfm.demo.world import World as Organization
from wfm.desk import Desk
from wfm.domain.agents import GroupKind
from wfm.domain.errors import BadInput, DeskError, NotFound, Refused, StoreFault
from wfm.domain.operations import GroupState, OperationState
from wfm.domain.plans import PlanRequest, Selection
from wfm.domain.windows import WindowSpec
from wfm.genesys.reads import Reader
from wfm.preview import Previewer

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


class NastyNames:
    """Everybody is called the same."""

    def __init__(self, _: object) -> None:
        self._made = 0

    def next(self) -> tuple[str, str]:
        self._made += 1
        return NASTY, f"agent{self._made}"


def nasty_organization(seed: int, agents: int) -> Organization:
    """An organization in which everything that somebody names has the nasty name."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_DIVISIONS", "_BUSINESS_UNITS", "_UNITS", "_TEAMS", "_QUEUES"):
            rows = getattr(organization, name)
            patch.setattr(organization, name, tuple((f"{NASTY}{n}", *row[1:]) for n, row in enumerate(rows)))
        patch.setattr(organization, "NameMaker", NastyNames)
        return replace(organization.build_world(seed, agents), organization=NASTY)


def nasty_schema(action: api_actions.DataAction) -> dict[str, Any]:
    schema = plain_schema(action)
    schema["properties"][NASTY] = {"type": "string", "description": NASTY, "enum": [NASTY]}
    return schema


plain_schema = api_actions._input_schema
BODY = json.dumps({"code": NASTY, "message": NASTY, "details": [{"errorCode": NASTY, "fieldName": NASTY}]})


def nasty_history(desk: Desk) -> dict[str, str]:
    """Windows, runs, causes and views in which every text has the nasty name; ids by what they are of."""
    named: dict[str, Any] = {"title": NASTY, "client_name": NASTY, "created_by": NASTY, "agent_name": NASTY, "body": BODY}
    halted = add_window(desk, OperationState.HALTED, out=1, failed=2, unconfirmed=1, waiting=2, halt_reason=NASTY, **named)
    opened = add_window(desk, out=2, failed=1, starts_in=timedelta(hours=-1), lasts=timedelta(hours=3), **named)
    add_window(desk, OperationState.SCHEDULED, waiting=2, starts_in=timedelta(hours=3), **named)
    ledger, key, now = inside(desk).ledger, desk.tenant.key, desk.clock()
    ledger.operations.add_event(halted.id, at=now, actor=NASTY, kind="comment", text=NASTY)
    settled = {"note": NASTY, "code": NASTY, "correlation_id": NASTY}
    by_hand: dict[str, Any] = {"agent_name": NASTY, "action": NASTY, "via": "data_action", "route": "data_action"}
    run = add_run(desk, 0, body=BODY, settled=settled, **by_hand)
    for group in desk.failures.groups():
        one: dict[str, Any] = {"actor": NASTY, "note": NASTY, "now": now}
        ledger.failure_groups.amend(key, group.fingerprint, owner=NASTY, **one)
        ledger.failure_groups.set_state(key, group.fingerprint, GroupState.RESOLVED, **one)
    add_run(desk, 1, body=BODY, settled=settled, **by_hand)  # what was resolved came back
    ledger.saved_views.save(VISITOR.subject, key, NASTY, {"code": NASTY}, is_default=False, now=now)
    assert run.fingerprint is not None
    return {"halted": halted.id, "opened": opened.id, "run": run.id, "failure": run.fingerprint}


@dataclass
class Nasty:
    """A tenant in which everything that somebody else names has the nasty name; `ids` by what they are of."""

    world: World
    ids: dict[str, str]
    template: Path


@pytest.fixture(scope="module")
def nasty_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nasty]:
    folder = tmp_path_factory.mktemp("nasty")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tenant, "build_world", nasty_organization)
        patch.setattr(clients, "_CLIENTS", ((NASTY, (clients.READ, clients.WRITE), NASTY),))
        patch.setattr(api_actions, "ACTIONS", (api_actions.DataAction(NASTY, NASTY, "unavailable", NASTY),))
        patch.setattr(api_actions, "_input_schema", nasty_schema)
        world = World(folder / "world")
        world.tenant.access.change(NASTY, scopes=(clients.READ, NASTY))
        with plugged(world.network):
            ids = nasty_history(world.desk())
        world.keep(folder / "history.sqlite")
        yield Nasty(world, ids, folder / "history.sqlite")
        world.close()


@pytest.fixture
def nasty(nasty_world: Nasty, serve: Serve) -> Iterator[Nasty]:
    nasty_world.world.restore(nasty_world.template)
    with plugged(nasty_world.world.network):
        serve(nasty_world.world.desk())
        yield nasty_world


@pytest.mark.parametrize(
    ("screen", "query"),
    [
        ("now", {}),
        ("plan", {}),
        ("windows", {}),
        ("windows", {"id": "{halted}"}),
        ("windows", {"id": "{opened}"}),
        ("windows", {"id": NASTY}),
        ("runs", {}),
        ("runs", {"run": "{run}"}),
        ("runs", {"chart": "causes", "agent": NASTY, "code": NASTY}),
        ("runs", {"team": NASTY, "operation": NASTY, "outcome": NASTY, "cursor": NASTY, "chart": NASTY}),
        ("failures", {"failure": "{failure}"}),
        ("failures", {"q": NASTY + " nowhere", "failure": NASTY, "show": NASTY}),
        ("access", {}),
        ("data_actions", {}),
        ("data_actions", {"action": NASTY}),
        ("settings", {}),
        ("import_runs", {}),
    ],
)
def test_names_of_others_are_shown_as_they_are(nasty: Nasty, open_screen: Open, screen: str, query: dict[str, str]) -> None:
    app = open_screen(screen, **{name: nasty.ids.get(value.strip("{}"), value) for name, value in query.items()})
    assert_plain(app)
    assert any("**x**" in text.replace("\\", "") for _, text in drawn(app)), "the name is on the screen"


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
def test_an_endless_id_is_not_echoed_whole(nasty: Nasty, open_screen: Open, screen: str, query: dict[str, str]) -> None:
    app = open_screen(screen, **query)
    assert not app.exception
    assert [where for where, text in drawn(app) if "x" * 500 in text] == []


def test_an_endless_name_is_not_shown_whole(desk: Desk, open_screen: Open) -> None:
    made = add_window(desk, out=2, title=ENDLESS, created_by=ENDLESS, agent_name=ENDLESS)
    body = json.dumps({"code": ENDLESS, "message": ENDLESS})
    settled = {"code": ENDLESS, "correlation_id": ENDLESS}
    run = add_run(desk, 1, body=body, settled=settled, agent_name=ENDLESS, action=ENDLESS, route="data_action")
    for screen, query in (("now", {}), ("windows", {"id": made.id}), ("runs", {}), ("runs", {"run": run.id})):
        app = open_screen(screen, **query)
        assert not app.exception
        assert [where for where, text in drawn(app) if "x" * 500 in text and where != "Code.code_text"] == [], screen


def test_so_they_are_in_the_parts_of_a_plan(nasty: Nasty, open_screen: Open) -> None:
    desk = nasty.world.desk()
    everybody = tuple(group.id for group in desk.agents.groups(GroupKind.TEAM))
    markup = NASTY.removesuffix(STEERING)
    selection = Selection(teams=everybody[:1], agents=(markup, PEOPLE[1].email))
    desk.plans.save_draft(VISITOR, PlanRequest(selection=selection, window=WindowSpec(minutes=30, zone="Europe/Berlin")))
    app = open_screen("plan")
    assert_plain(app)
    app.button(key="plan_open_find").click().run()
    app.text_input(key="plan_find").set_value("x**").run()
    assert any(NASTY[:3] in button.label.replace("\\", "") and "plan_add" in str(button.key) for button in app.button)
    assert_plain(app)
    assert "match no one here" in "".join(str(caption.value) for caption in app.caption)
    assert_plain(app)


def test_so_they_are_in_an_explanation_and_the_answer_of_an_action(nasty: Nasty, open_screen: Open) -> None:
    app = open_screen("access")
    app.text_area[0].set_value(f"PATCH /api/v2/wfm/users/x/availability 403 {BODY}").run()
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
def test_a_fault_quotes_what_was_given_as_it_was(
    nasty: Nasty, open_screen: Open, error: DeskError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise error

    desk = nasty.world.desk()
    selection = Selection(teams=tuple(group.id for group in desk.agents.groups(GroupKind.TEAM)))
    desk.plans.save_draft(VISITOR, PlanRequest(selection=selection, window=WindowSpec(minutes=30)))
    ledger = inside(desk).ledger
    for where, name in (
        *((Previewer, "preview"), (Reader, "actions"), (Reader, "token")),
        *((ledger.runs, "page"), (ledger.failure_groups, "all")),
    ):
        monkeypatch.setattr(where, name, fault)
    for screen in ("plan", "data_actions", "access", "runs", "failures"):
        app = open_screen(screen)
        assert_plain(app)
        assert any("\\*\\*x" in str(box.value) for kind in (app.error, app.warning) for box in kind), screen


def test_a_refused_plan_lists_what_changed_as_it_is(nasty: Nasty) -> None:
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
