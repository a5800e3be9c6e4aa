"""From words to agents: what is found, what is unknown, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.preview_world import NOW, Room, agent
from wfm.domain.agents import Directory, Group, GroupKind
from wfm.domain.errors import BadInput
from wfm.domain.plans import Selection
from wfm.preview.selection import fold_accents, resolve

PEOPLE = [
    agent(1, name="Aylin Şahin"),
    agent(2, name="Bo Lindqvist"),
    agent(3, name="Bo Lindqvist", email="bo.other@example.org"),
    agent(4, name="Søren Ægir"),
    agent(5, name="İpek Yıldız", id="11111111-aaaa-4bbb-8ccc-0000000000ab"),
]
DIRECTORY = Directory(
    agents={one.id: one for one in PEOPLE},
    groups=(
        Group(kind=GroupKind.TEAM, id="team-red", name="Red"),
        Group(kind=GroupKind.TEAM, id="team-blue", name="Blue"),
        Group(kind=GroupKind.QUEUE, id="q-1", name="Sales"),
        Group(kind=GroupKind.QUEUE, id="q-2", name="sales"),
        Group(kind=GroupKind.QUEUE, id="q-3", name="Support"),
        Group(kind=GroupKind.DIVISION, id="div-north", name="North"),
        Group(kind=GroupKind.MANAGEMENT_UNIT, id="mu-malmo", name="Malmö"),
    ),
    units={},
    as_of=NOW,
)
MEMBERS = {"q-3": frozenset({"user-00001", "user-00004", "gone-1"}), "q-1": frozenset({"user-00002"})}


def names(**words: object) -> list[str]:
    return [one.name for one in resolve(Selection(**words), DIRECTORY, MEMBERS.__getitem__).agents]


def numbers(**words: object) -> list[str]:
    found = resolve(Selection(**words), DIRECTORY, MEMBERS.__getitem__).agents
    return [one.id[-1] for one in found]


def test_agents_by_id_mail_and_exact_name_whatever_their_case() -> None:
    assert numbers(agents=("user-00001",)) == ["1"]
    assert numbers(agents=(" AGENT2@Example.ORG ",)) == ["2"]
    assert numbers(agents=("aylin  şahin",)) == ["1"]
    assert numbers(agents=("11111111-AAAA-4BBB-8CCC-0000000000AB",)) == ["b"]
    assert numbers(agents=("user-00001", "agent1@example.org", "Aylin Şahin")) == ["1"], "once, however often named"


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("{11111111-AAAA-4BBB-8CCC-0000000000AB}", "b"),
        ("'11111111-aaaa-4bbb-8ccc-0000000000ab'", "b"),
        ('="11111111-aaaa-4bbb-8ccc-0000000000ab"', "b"),
        ("mailto:agent2@example.org", "2"),
        ("<mailto:agent2@example.org>", "2"),
        ("Lindqvist, Bo <agent2@example.org>", "2"),
        ("Şahin, Aylin", "1"),
        ("\u200bAylin\u00a0Şahin ", "1"),
        ("Aylin S\u0327ahin", "1"),
        ("Aylin Sahin", "1"),
        ("SAHIN, AYLIN", "1"),
        ("Aylin\u202fŞahin", "1"),
        ("Aylin Şahin (agent1@example.org)", "1"),
    ],
)
def test_a_word_is_known_with_what_files_put_around_it(word: str, number: str) -> None:
    assert numbers(agents=(word,)) == [number]


@pytest.mark.parametrize(
    "word", ["agent1@example.org agent2@example.org", "Aylin Şahin, Søren Ægir <agent4@example.org>", "{}"]
)
def test_a_word_that_names_two_is_none_of_them(word: str) -> None:
    assert numbers(agents=(word,)) == []


def test_a_name_of_two_people_is_unknown_and_said_to_be_ambiguous() -> None:
    found = resolve(Selection(agents=("Bo Lindqvist", "nobody")), DIRECTORY, MEMBERS.__getitem__)
    assert (found.agents, found.unknown, found.ambiguous) == ((), ("Bo Lindqvist", "nobody"), frozenset({"Bo Lindqvist"}))


def test_groups_by_id_or_name_and_their_union() -> None:
    assert numbers(teams=("RED",)) == numbers(teams=("team-red",)) == ["1", "2", "b", "4"]
    assert numbers(divisions=("north",)) == ["1", "3", "b"]
    assert numbers(management_units=("malmö",)) == ["2", "4"]
    assert numbers(teams=("Blue",), agents=("user-00001",)) == ["1", "3"]


def test_queue_members_and_those_the_directory_does_not_know() -> None:
    found = resolve(Selection(queues=("support",)), DIRECTORY, MEMBERS.__getitem__)
    assert [one.id for one in found.agents] == ["user-00001", "user-00004"]
    assert found.unknown == ("gone-1",)


def test_search_knows_neither_case_nor_accents_and_wants_every_word() -> None:
    assert names(search="SAHIN") == ["Aylin Şahin"]
    assert names(search="soren") == ["Søren Ægir"]
    assert names(search="ipek yildiz") == ["İpek Yıldız"]
    assert names(search="lindqvist bo.other") == ["Bo Lindqvist"]
    assert names(search="aylin lindqvist") == []


def test_rows_come_by_name() -> None:
    assert numbers(divisions=("North",), agents=("user-00004", "user-00002")) == ["1", "2", "3", "b", "4"]


def test_exclusions_take_out_agents_and_unknown_words() -> None:
    assert numbers(teams=("Red",), exclude=("agent1@example.org", "Søren Ægir")) == ["2", "b"]
    assert resolve(Selection(agents=("ghost",), exclude=("ghost",)), DIRECTORY, MEMBERS.__getitem__).unknown == ()
    gone = "99999999-aaaa-4bbb-8ccc-000000000009"
    assert numbers(teams=("Blue",), exclude=(gone, " ")) == ["3"], "an id that is gone can't be chosen anyway"


@pytest.mark.parametrize("word", ["agent1@exmaple.org", "Aylin Sahim", "Bo Lindqvist"])
def test_an_exclusion_that_names_nobody_or_two_is_refused(word: str) -> None:
    """Leaving out the wrong person silently would take somebody out of work who was meant to stay."""
    with pytest.raises(BadInput) as refused:
        numbers(teams=("Red",), exclude=(word,))
    assert refused.value.field == "exclude"


@pytest.mark.parametrize(
    ("words", "field", "accepted"),
    [
        ({"teams": ("Green",)}, "team", "Blue, Red"),
        ({"queues": ("Sales",)}, "queue", "q-1 or q-2"),
        ({"queues": ("",)}, "queue", "Sales, Support, sales"),
        ({"divisions": ("Nord",)}, "division", "North"),
        ({"management_units": ("Hamburg",)}, "management unit", "Malmö"),
    ],
)
def test_a_group_that_is_unknown_or_not_one_is_refused_with_what_is_accepted(
    words: dict[str, tuple[str, ...]], field: str, accepted: str
) -> None:
    with pytest.raises(BadInput) as refused:
        numbers(**words)
    assert refused.value.field == field
    assert accepted in refused.value.accepted


def test_a_tenant_without_groups_says_so() -> None:
    bare = Directory(agents={}, groups=(), units={}, as_of=NOW)
    with pytest.raises(BadInput, match="no team that the token may see"):
        resolve(Selection(teams=("Red",)), bare, MEMBERS.__getitem__)


@pytest.mark.parametrize("words", [{}, {"search": "  "}, {"exclude": ("user-00001",)}])
def test_an_empty_selection_is_refused_before_anything_is_read(words: dict[str, object], room: Room) -> None:
    with pytest.raises(BadInput) as refused:
        room.previewer.resolve(Selection(**words))
    assert refused.value.field == "selection"
    assert room.reader.reads == []


def test_a_group_without_members_is_no_error() -> None:
    empty = Directory(
        agents={}, groups=(Group(kind=GroupKind.TEAM, id="t", name="T"),), units={}, as_of=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert resolve(Selection(teams=("T",)), empty, MEMBERS.__getitem__).agents == ()


@given(
    st.lists(st.sampled_from([one.id for one in PEOPLE] + ["ghost", "agent2@example.org"]), max_size=8),
    st.lists(st.sampled_from([one.id for one in PEOPLE]), max_size=3),
    st.lists(st.sampled_from(["Red", "Blue"]), max_size=2),
    st.randoms(use_true_random=False),
)
def test_the_result_is_the_same_in_any_order_and_never_has_the_excluded(
    agents: list[str], exclude: list[str], teams: list[str], chance: object
) -> None:
    one = Selection(agents=tuple(agents), teams=tuple(teams), exclude=tuple(exclude))
    if one.is_empty():
        return
    shuffled = list(agents)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    other = Selection(agents=tuple(shuffled), teams=tuple(reversed(teams)), exclude=tuple(reversed(exclude)))
    first, second = (resolve(each, DIRECTORY, MEMBERS.__getitem__) for each in (one, other))
    assert first.agents == second.agents
    assert set(first.unknown) == set(second.unknown)
    assert not {found.id for found in first.agents} & set(exclude)
    assert len({found.id for found in first.agents}) == len(first.agents)


@example("🄐")
@given(st.text(max_size=30))
def test_plain_text_is_its_own_plain_text(text: str) -> None:
    assert fold_accents(fold_accents(text)) == fold_accents(text)
    assert fold_accents(text) == fold_accents(text.upper()) or text.upper().casefold() != text.casefold()
