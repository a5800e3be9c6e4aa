"""Whom a list names: never the head, never the manager, and a question where nothing decides."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.agent_lists import AGENTS, DIRECTORY, EXAMPLES, MANAGERS, Example, manager_of
from tests.support.odd_lists import ODD_FILES, ODD_PASTES
from tests.support.preview_world import NOW, agent
from wfm.demo.world import build_world
from wfm.domain.agent_lists import EVERY_COLUMN, AgentList
from wfm.domain.agents import Agent, Directory
from wfm.domain.errors import BadInput
from wfm.files.agent_tables import MAX_ROWS
from wfm.preview.agent_lists.lists import agent_list, pasted_list
from wfm.preview.selection import Index

PEOPLE = [*AGENTS, *MANAGERS]
INDEX = Index(DIRECTORY)


def taken(found: AgentList) -> set[str]:
    return {INDEX.agents_named(word)[0].id for _, word in found.words}


@pytest.mark.parametrize("example", [*EXAMPLES, *ODD_FILES], ids=lambda example: example.title)
def test_whom_a_list_names(example: Example) -> None:
    found = agent_list(example.data, INDEX)
    if example.people is None:
        assert (found.asks, found.words) == (True, ()), found.reason
        return
    assert not found.asks, found.reason
    assert taken(found) == example.people
    assert found.above == example.above
    assert tuple(row.line for row in found.bad) == example.bad
    assert len(found.words) == len(example.people), "each once"


def test_the_examples_are_many_and_of_both_kinds() -> None:
    assert len(EXAMPLES) >= 40
    assert sum(example.people is None for example in EXAMPLES) >= 7


OF_AGENTS = ("Agent Email", "member id", "User Name", "Mitarbeiter", "Courriel du conseiller", "ユーザーID")
OF_OTHERS = ("Manager Email", "Vorgesetzter", "Approved by", "Reports To", "Responsable", "上長", "Captain", "HRBP", "N+1")
OF_NOTHING = ("Työntekijä", "Site", "x", "")
TITLES = (
    "",
    "Agents on Saturday\n",
    "Agents\n",
    "Owner,viktor.hansen@acme.example\nDate,2026-11-24\n",
    "Created by,Ursula Becker\n\n",
    "Report\nOwner,Viktor Hansen\n",
)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from(("agent", "manager", "site")), min_size=1, max_size=5),
    st.data(),
    st.sampled_from(TITLES),
    st.integers(3, len(AGENTS)),
    st.booleans(),
)
def test_a_manager_is_never_taken_for_an_agent(
    kinds: list[str], data: st.DataObject, title: str, rows: int, with_head: bool
) -> None:
    """Whatever columns stand in whatever order, with whatever heads: the agents, all of them, or a question."""
    heads, cells = [], []
    for kind in kinds:
        pool = {"agent": (*OF_AGENTS, *OF_NOTHING), "manager": OF_OTHERS, "site": OF_NOTHING}[kind]
        heads.append(data.draw(st.sampled_from(pool)))
        form = data.draw(st.sampled_from(("id", "name", "email")))
        people = {"agent": AGENTS, "manager": [manager_of(one) for one in AGENTS], "site": []}[kind]
        cells.append([str(getattr(one, form)) for one in people[:rows]] or ["Malmö"] * rows)
    text = (title + ",".join(heads) + "\n" if with_head else "") + "\n".join(map(",".join, zip(*cells, strict=True)))
    found = agent_list(text.encode(), INDEX)
    agents = {one.id for one in AGENTS[:rows]}
    if "agent" in kinds:
        assert taken(found) == (set() if found.asks else agents)
        assert found.asks or with_head or "manager" not in kinds
    elif with_head and "site" in kinds:
        assert found.words == (), "of managers alone nobody is taken unasked"


HIDDEN: tuple[Callable[[Agent], str], ...] = (
    lambda one: f"Mr {one.name} (of the night shift, 7001)",
    lambda one: f"X{one.name}",
    lambda one: one.email.split("@")[0],
)


@settings(max_examples=300, deadline=None)
@given(
    st.permutations(["agent", "other"]),
    st.sampled_from(("Consultant", "Display name", "Name", "Who", "Email", "Nimi", "Agent")),
    st.sampled_from((*OF_OTHERS, "Evaluator Name", "Analyst Email", "Contact", "Nimi", "Pod", "Alias")),
    st.sampled_from(HIDDEN),
    st.sampled_from(("id", "name", "email")),
    st.booleans(),
)
def test_nobody_is_taken_from_beside_a_column_of_people_that_can_not_be_read(
    order: list[str], agent_head: str, other_head: str, hidden: Callable[[Agent], str], form: str, pasted: bool
) -> None:
    """The readable column holds another person in each line, so that nothing repeats."""
    cells: dict[str, Callable[[Agent], str]] = {
        "agent": hidden,
        "other": lambda one: str(getattr(AGENTS[AGENTS.index(one) - 7], form)),
    }
    heads = {"agent": agent_head, "other": other_head}
    text = "\n".join([";".join(heads[one] for one in order), *(";".join(cells[one](who) for one in order) for who in AGENTS)])
    found = pasted_list(text, INDEX) if pasted else agent_list(text.encode(), INDEX)
    assert taken(found) == set()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(("agent", "manager", "note")), min_size=2, max_size=4, unique=True),
    st.sampled_from((",", ";", "\t", "|")),
    st.sampled_from(("", "Total: 20", "(20 rows)", "\n")),
    st.integers(2, len(AGENTS)),
)
def test_what_is_a_table_as_a_file_is_the_same_table_as_a_paste(kinds: list[str], mark: str, footer: str, many: int) -> None:
    heads = {"agent": "Agent Email", "manager": "Manager Email", "note": "Notes"}
    lines = [mark.join(heads[one] for one in kinds)]
    for place, one in enumerate(AGENTS[:many]):
        note = f'"late{mark}again"' if place == 1 else "x"
        row = {"agent": one.email, "manager": manager_of(one).email, "note": note}
        lines.append(mark.join(row[kind] for kind in kinds) + (mark if place == 0 else ""))
    text = "\n".join([*lines, footer])
    file, paste = agent_list(text.encode(), INDEX), pasted_list(text, INDEX)
    assert (paste.words, paste.chosen, paste.reason) == (file.words, file.chosen, file.reason)


@given(st.binary(max_size=2_000))
def test_any_bytes_give_words_or_a_sentence(data: bytes) -> None:
    try:
        found = agent_list(data, INDEX)
    except BadInput:
        return
    assert len(taken(found)) == len(found.words)


PASTES = st.text() | st.lists(
    st.sampled_from(
        [one.email for one in PEOPLE] + [one.name for one in PEOPLE] + ["Agent", "x", ",", "\t", "\n", ";", '"', " "]
    )
).map("".join)


@given(PASTES)
def test_pasting_anything_never_fails_and_gives_each_word_once(text: str) -> None:
    words = [word for _, word in pasted_list(text, INDEX).words]
    assert len(words) == len(set(words))
    assert all(words)


def test_ten_thousand_rows_of_twelve_columns_are_judged() -> None:
    people = [agent(n, id=f"{n:08x}-aaaa-4bbb-8ccc-{n:012x}") for n in range(10_300)]
    index = Index(Directory(agents={one.id: one for one in people}, groups=(), units={}, as_of=NOW))
    rows = ["Employee no,Name,Manager,Manager Email,Agent Email,User ID,Site,Start,End,Phone,Note,Team"]
    for n, one in enumerate(people[:10_000]):
        lead = people[10_000 + n % 300]
        day = f"2026-11-24 08:{n % 60:02},2026-11-24 16:00"
        note = f"Note {n} for the row; see the wiki"
        who = f"{one.name},{lead.name},{lead.email},{one.email},{one.id}"
        rows.append(f"{n + 70_000},{who},Site {n % 20},{day},+46 70 {n:06},{note},Team {n % 90}")
    data = "\n".join(rows).encode()
    agent_list(data[:2_000], index)  # the directory is arranged once
    begun = time.process_time()
    found = agent_list(data, index)
    assert time.process_time() - begun < 20  # half a second, measured in make bench; what grows with the square takes hours
    assert (found.chosen, len(found.words), found.bad) == (5, 10_000, ())


@pytest.mark.parametrize(
    "text", ["-" * 20_000 + "x", "a & " * 5_000, ": " * 10_000, "@" * 20_000, "(" * 20_000, " " * 20_000 + "x"]
)
def test_a_text_made_to_be_slow_is_not(text: str) -> None:
    begun = time.process_time()
    pasted_list(text, INDEX)
    agent_list(f"Agent,x\n{text},y\nz,w\n".encode(), INDEX)
    assert time.process_time() - begun < 20  # what grows with the square takes minutes


# --- the lines of a file -----------------------------------------------------------------------------------------------


def test_three_bad_rows_of_five_hundred_are_shown_and_the_others_kept() -> None:
    people = [agent(n) for n in range(500)]
    index = Index(Directory(agents={one.id: one for one in people}, groups=(), units={}, as_of=NOW))
    lines = ["email", *(one.email for one in people)]
    lines[10], lines[200], lines[400] = ",Sales", people[3].email, "x" * 300
    found = agent_list("\n".join(lines).encode(), index)
    assert len(found.words) == 497
    assert [row.line for row in found.bad] == [11, 201, 401]
    assert [row.why[:13] for row in found.bad] == ["nothing in co", "the same as l", "no id, e-mail"]


def test_names_that_several_have_and_words_that_nobody_has_are_named_by_line() -> None:
    people = [agent(1, name="Anna"), agent(2, name="Anna"), agent(3, name="Bo")]
    index = Index(Directory(agents={one.id: one for one in people}, groups=(), units={}, as_of=NOW))
    found = agent_list(b'name,note\nBo,"two\nlines"\nAnna,\nCleo,\n,empty\n', index)
    assert found.words == ((2, "Bo"),)
    assert [(row.line, row.why) for row in found.bad] == [
        (4, "several agents have this name"),
        (5, "matches nobody here"),
        (6, "nothing in column 1"),
    ]


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    one, two, three = AGENTS[:3]
    found = agent_list(f'email,note\n{one.email},"open\n{two.email},late\n{three.email},early\n'.encode(), INDEX)
    assert [word for _, word in found.words] == [two.email, three.email]
    assert [(row.line, row.why) for row in found.bad] == [(2, "A quote opens here and is never closed.")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_every_encoding(encoding: str) -> None:
    found = agent_list("Name;Région\nOskar Müller;Île\n".encode(encoding), INDEX)
    assert found.words == ((2, "Oskar Müller"),)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "empty"),
        (b"\n\n  \n", "empty"),
        (b"\x00\x01\x02\x00", "no text"),
        (b"PK\x03\x04\x00\x00", "workbook"),
        (("email\n" + "a@x.example\n" * (MAX_ROWS + 1)).encode(), "rows"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_a_sentence(data: bytes, named: str) -> None:
    with pytest.raises(BadInput, match=named) as refused:
        agent_list(data, INDEX)
    assert refused.value.field == "CSV"


# --- the choice --------------------------------------------------------------------------------------------------------


def test_the_choice_is_given_with_its_reason_and_another_column_can_be_read() -> None:
    text = "Manager Email,Agent Email,Site\n" + "".join(f"{manager_of(one).email},{one.email},Malmö\n" for one in AGENTS[:9])
    text += "ghost@acme.example,ghost2@acme.example,Malmö\n"
    found = agent_list(text.encode(), INDEX)
    assert found.reason == (
        "“Agent Email”: 9 of 10 cells are agents of this tenant. "
        "“Manager Email” (9 of 10) holds people too, but the heading names another role."
    )
    assert [(one.name, one.people, one.filled) for one in found.columns] == [
        ("Manager Email", 9, 10),
        ("Agent Email", 9, 10),
        ("Site", 0, 10),
    ]
    other = agent_list(text.encode(), INDEX, column=0)
    assert taken(other) == {manager_of(one).id for one in AGENTS[:2]}
    assert taken(agent_list(text.encode(), INDEX, column=EVERY_COLUMN)) == taken(found) | taken(other)
    with pytest.raises(BadInput, match="from 1 to 3"):
        agent_list(text.encode(), INDEX, column=7)


def test_a_list_of_managers_alone_is_what_it_says() -> None:
    found = agent_list(f"Manager\n{MANAGERS[0].name}\n{MANAGERS[1].name}\n".encode(), INDEX)
    assert taken(found) == {one.id for one in MANAGERS}


# --- what is pasted ----------------------------------------------------------------------------------------------------

A, B, C = (one.email for one in AGENTS[:3])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{A}\n{B}", (A, B)),
        (f"{A}, {B}; {A}", (A, B)),
        (f"{A} {B}", (A, B)),
        (f"{A},\n{B},\n{C},", (A, B, C)),
        (f"{A}, {B}\n{C}", (A, B, C)),
        (f"Agent Email\n{A}\n{B}", (A, B)),
        (f"Bo <{B}>", (B,)),
        (f"Lindqvist, Bo <{B}>; Şahin, Aylin <{A}>", (B, A)),
        (f"Aylin Şahin, Bo Lindqvist <{B}>", ("Aylin Şahin", B)),
        (f"see {AGENTS[3].id} please", (AGENTS[3].id,)),
        (f"{{{AGENTS[3].id.upper()}}}", (AGENTS[3].id.upper(),)),
        ("Aylin Şahin\nBo Lindqvist", ("Aylin Şahin", "Bo Lindqvist")),
        ("“Aylin Şahin”", ("Aylin Şahin",)),
        ("Nora O'Brien", ("Nora O'Brien",)),
        ("a@x.example\nnobody", ()),
        (f"{A}/{B}", (A, B)),
        (f"Please take {A} and {B} out tonight", (A, B)),
        (" \n ,; \t", ()),
    ],
)
def test_pasted(text: str, expected: tuple[str, ...]) -> None:
    found = pasted_list(text, INDEX)
    assert tuple(word for _, word in found.words) == expected
    assert not found.is_table


@pytest.mark.parametrize("example", ODD_PASTES, ids=lambda example: example.title)
def test_whom_a_paste_names(example: Example) -> None:
    found = pasted_list(example.data.decode(), INDEX)
    if example.people is None:
        assert (found.asks, found.words) == (True, ()), found.reason
        return
    assert not found.asks, found.reason
    named = {one.id for _, word in found.words for one in INDEX.agents_named(word)}
    assert named == example.people
    assert found.above == example.above
    assert tuple(row.line for row in found.bad) == example.bad


@pytest.mark.parametrize("mark", ["\t", ",", ";"])
def test_rows_copied_from_a_sheet_are_a_table(mark: str) -> None:
    text = f"Manager Email{mark}Agent Email\n" + "".join(f"{manager_of(one).email}{mark}{one.email}\n" for one in AGENTS)
    found = pasted_list(text, INDEX)
    assert (found.is_table, taken(found)) == (True, {one.id for one in AGENTS})
    one_row = "\n".join(text.splitlines()[:2])
    assert taken(pasted_list(one_row, INDEX)) == {AGENTS[0].id}


def strange_index() -> Index:
    """Names of many scripts, three managers and two of the same name, as in the lists of strangers."""
    world = build_world().people
    eastern = [one for one in world if any("\u3040" <= sign <= "\u9fff" for sign in one.name)][:2]
    people = [world[at] for at in (0, 1, 2, 3, 4, 6, 7, 8, 9, 58, 59, 61, 62, 63, 57, 64, 66, 69)] + eastern
    agents = [agent(one.index, id=one.id, name=one.name, email=one.email) for one in people]
    twin = agent(
        901, id="0d5f9f7e-1111-4222-8333-444455556666", name=world[57].name, email="june.harrison2@alder-finch.example"
    )
    directory = Directory(agents={one.id: one for one in (*agents, twin)}, groups=(), units={}, as_of=NOW)
    return Index(directory)


STRANGE = [json.loads(line) for line in Path("tests/support/strange_lists.jsonl").read_text("utf-8").splitlines()]
"""Lists that strangers made: `expect` says whether they count at once, are shown first, or ask for the column. `agents` are
those who count or are proposed; null where nobody can say who is meant."""
STRANGE_INDEX = strange_index()


@pytest.mark.parametrize("example", STRANGE, ids=lambda example: str(example["title"]))
def test_whom_the_list_of_a_stranger_names(example: dict[str, Any]) -> None:
    text = example["text"]
    found = agent_list(text.encode(), STRANGE_INDEX) if example["how"] == "file" else pasted_list(text, STRANGE_INDEX)
    assert ("asks" if found.asks else "shown" if found.doubt else "at once") == example["expect"], found.reason or found.doubt
    if example["agents"] is not None:
        named = {one.id for _, word in found.words for one in STRANGE_INDEX.agents_named(word)}
        assert named == set(example["agents"])


def test_a_text_that_names_nobody_says_so() -> None:
    assert pasted_list("hello there, how are you", INDEX).doubt == "This names no agent of this tenant."


NAMES = [one.name for one in AGENTS[:4]]
ONE, TWO, THREE, FOUR = NAMES


@pytest.mark.parametrize(
    "text",
    [
        f"{A}\n{B}",
        f"{A}, {B}; {C}",
        f"{ONE}\n{TWO}\n",
        f"{ONE}, {TWO} and {THREE}",
        f"- {ONE}\n- {TWO}",
        f"1. {ONE}\n2. {TWO}",
        f"Agents\n{ONE}\n{TWO}",
        f"Agents: {ONE}, {TWO}",
        f"{ONE} <{A}>; {TWO} <{B}>",
        f"{ONE}\t7001\n{TWO}\t7002",
        f"{ONE} ..... 7001\n{TWO} ..... 7002",
        f"{ONE}\n\n{TWO}\n\n{THREE}",
    ],
)
def test_a_plain_list_counts_at_once(text: str) -> None:
    found = pasted_list(text, INDEX)
    assert (found.doubt, found.asks, found.bad) == ("", False, ())
    assert len(found.words) >= 2


@pytest.mark.parametrize(
    ("text", "proposed"),
    [
        (f"Please take {A} and {TWO} out tonight\n{C}", (ONE, TWO, THREE)),
        (f"{{'{A}': '{B}', '{C}': '{FOUR}'}}", (ONE, TWO, THREE, FOUR)),
        (f"{ONE}\n{TWO}\n{ONE}", (ONE, TWO)),
        (f"{ONE}\n{TWO}\n\n{THREE}", (ONE, TWO)),
        (f"{ONE}\n  {TWO}\n  {THREE}", (ONE, TWO, THREE)),
        (f"{ONE} <{B}>", (ONE, TWO)),
        (f"{ONE} ({TWO})", (ONE, TWO)),
        (f"{ONE} → {TWO}", (ONE, TWO)),
        (f"{ONE} or {TWO}", (ONE, TWO)),
        (f"[ ] {ONE}\n[x] {TWO}", (TWO,)),
        (f"[ ] {ONE}\n[ ] {TWO}", (ONE, TWO)),
        (f"{ONE} 08:00-16:00\n{TWO} 09:00-17:00", (ONE, TWO)),
        (f"{ONE}, {TWO}, {THREE}\n{TWO} stays in", (ONE, THREE)),
        (f"{ONE}, {TWO}, {THREE}\nDo not include:\n{TWO}", (ONE, THREE)),
        (f"Everyone but {THREE}:\n{ONE}\n{TWO}\n{THREE}", (ONE, TWO)),
        (f"Whole team: {ONE}, {TWO}, {THREE} (except {THREE})", (ONE, TWO)),
        (f"To: {ONE}; {TWO}", (ONE, TWO)),
        (f"To: {ONE}\nSubject: tonight\n\n{TWO}\n{THREE}", (TWO, THREE)),
        (f"{ONE} [10:02 AM]\n{TWO}", (TWO,)),
        (f"by 14:00: {ONE}, {TWO}", (ONE, TWO)),
        (f"Agents on leave:\n{ONE}\n{TWO}", (ONE, TWO)),
        (f"Agents on leave: {ONE}, {TWO}", (ONE, TWO)),
        (f"Agents we keep:\n{ONE}\n{TWO}", ()),
        (f"{ONE} / {TWO}", (ONE, TWO)),
        (f"-{ONE}\n{TWO}", (ONE, TWO)),
        (f"~~{ONE}~~\n{TWO}", (TWO,)),
    ],
)
def test_whom_any_other_text_names_is_looked_at_before_it_counts(text: str, proposed: tuple[str, ...]) -> None:
    found = pasted_list(text, INDEX)
    assert found.doubt.endswith("Check who would be added.")
    assert taken(found) == {INDEX.agents_named(name)[0].id for name in proposed}
    named = {INDEX.agents_named(row.word)[0].id for row in found.bad if row.word}
    assert taken(found) | named >= {one.id for one in AGENTS[:4] if one.name in text or one.email in text}, "everyone is shown"


SAYS_MORE = (
    "not",
    "stays",
    "✓",
    "❌",
    "ok",
    "by",
    "manager",
    "(cancelled)",
    "→",
    "?",
    "10:02",
    "no",
    "[ ]",
    "nur",
    "除く",
    "=",
    "!",
    "~~",
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(AGENTS), min_size=2, max_size=6, unique=True),
    st.sampled_from(SAYS_MORE),
    st.integers(0, 5),
    st.sampled_from(("before", "behind", "above", "below")),
    st.sampled_from(("name", "email")),
)
def test_one_word_more_than_names_and_a_list_is_looked_at(
    people: list[Agent], word: str, at: int, where: str, form: str
) -> None:
    lines = [str(getattr(one, form)) for one in people]
    place = min(at, len(lines) - 1)
    line = lines[place]
    lines[place] = {
        "before": f"{word} {line}",
        "behind": f"{line} {word}",
        "above": f"{word}\n{line}",
        "below": f"{line}\n{word}",
    }[where]
    found = pasted_list("\n".join(lines), INDEX)
    assert found.doubt or found.asks
    named = taken(found) | {INDEX.agents_named(row.word)[0].id for row in found.bad if row.word}
    assert named == {one.id for one in people}, "everyone is shown"


def test_a_name_that_two_have_is_told_by_the_address_behind_it() -> None:
    people = [agent(1, name="Anna Berg"), agent(2, name="Anna Berg")]
    index = Index(Directory(agents={one.id: one for one in people}, groups=(), units={}, as_of=NOW))
    told = pasted_list(f"Anna Berg <{people[0].email}>", index)
    assert ([word for _, word in told.words], told.doubt, told.bad) == ([people[0].email], "", ())
    assert [row.why for row in pasted_list("Anna Berg", index).bad] == ["several agents have this name"]


def test_the_reason_names_the_lines_that_raise_a_doubt_and_a_choice_takes_them() -> None:
    text = "Agent,Team\n" + "".join(f"{one.name},x\n" for one in AGENTS) + f"\n{MANAGERS[0].name}\n"
    asked = agent_list(text.encode(), INDEX)
    assert asked.reason.startswith("Line 23 holds nothing but a name")
    assert len(agent_list(text.encode(), INDEX, column=0).words) == len(AGENTS) + 1
    roles = "".join(f"Agent;{one.name}\n" for one in AGENTS) + f"Manager;{MANAGERS[0].name}\n"
    assert "“Manager” in 1 line" in agent_list(roles.encode(), INDEX).reason
    chosen = agent_list(roles.encode(), INDEX, column=1)
    assert taken(chosen) == {one.id for one in AGENTS}
    assert [(row.line, row.why) for row in chosen.bad] == [(21, "“Manager” stands in this line")]


def test_one_agent_among_many_strangers_in_one_column_is_no_title() -> None:
    text = "id\n" + "".join(f"ghost-{n}\n" for n in range(40)) + f"{A}\n"
    assert [word for _, word in agent_list(text.encode(), INDEX).words] == [A]


def test_columns_of_one_name_are_told_apart() -> None:
    text = "Name,E-mail,Name,E-mail\n" + "".join(
        f"{one.name},{one.email},{manager_of(one).name},{manager_of(one).email}\n" for one in AGENTS
    )
    found = agent_list(text.encode(), INDEX)
    assert found.asks
    assert [one.name for one in found.columns] == [
        "Name (column 1)",
        "E-mail (column 2)",
        "Name (column 3)",
        "E-mail (column 4)",
    ]


def test_mails_row_by_row_are_asked_about_and_may_all_be_meant() -> None:
    text = "\n".join(f"{one.email}, {other.email}" for one, other in zip(AGENTS[:5], AGENTS[5:10], strict=True))
    assert pasted_list(text, INDEX).asks
    assert taken(pasted_list(text, INDEX, EVERY_COLUMN)) == {one.id for one in AGENTS[:10]}


def test_a_line_longer_than_a_line_of_text_is_read_whole() -> None:
    people = [agent(number) for number in range(1_500)]
    index = Index(Directory(agents={one.id: one for one in people}, groups=(), units={}, as_of=NOW))
    for separator in (", ", ";"):
        found = pasted_list(separator.join(one.email for one in people), index)
        assert len(found.words) == len(people)
        assert (found.bad, found.doubt) == ((), "")
