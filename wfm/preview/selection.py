"""From words to agents: ids, e-mails, names, groups and search text, against the directory."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property

from wfm.domain.agents import Agent, Directory, Group, GroupKind
from wfm.domain.errors import BadInput
from wfm.domain.plans import ResolvedSelection, Selection
from wfm.domain.sentences import first_of
from wfm.files.agent_words import (
    as_guid,
    bare_word,
    fold_name,
    is_address,
    is_bare,
    parts,
    pieces,
    sure_words,
    without_number,
    without_remark,
)
from wfm.files.column_headers import is_head, whose

QueueMembers = Callable[[str], Iterable[str]]
"""Queue id -> ids of its members."""

MAX_NAMED = 400
"""Characters of a word that are searched for an id, an e-mail or a name with text around it."""

MAX_NAMES = 6
MAX_REMARK = 30
"""Characters in brackets after a name that can be its team or number, not a sentence."""

_SEPARATORS = " \t-–—:/|"
_EMPTY = re.compile(r"[<(\[{]\s*[>)\]}]")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def fold_accents(text: str) -> str:
    """Fold case and accents for comparison, so that "sahin" finds "Şahin"."""
    # Circled letters and the like become capitals only when decomposed.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text.casefold()).casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(bare.replace("ı", "i").replace("ø", "o").replace("ł", "l").replace("đ", "d").split())


class Index:
    """The directory, indexed for lookups. Its parts are built when first needed."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    @cached_property
    def _emails(self) -> dict[str, Agent]:
        return {agent.email.casefold(): agent for agent in self.directory.agents.values()}

    @cached_property
    def _names(self) -> dict[str, list[Agent]]:
        by_name: dict[str, list[Agent]] = defaultdict(list)
        for agent in self.directory.agents.values():
            by_name[fold_name(agent.name)].append(agent)
        return by_name

    @cached_property
    def _unaccented_names(self) -> dict[str, list[Agent]]:
        """Agents whose name has accents, by the name without them."""
        by_name: dict[str, list[Agent]] = defaultdict(list)
        for name, agents in self._names.items():
            if (typed := fold_accents(name)) != name:
                by_name[typed] += agents
        return by_name

    @cached_property
    def _by_words(self) -> dict[frozenset[str], list[Agent]]:
        by_words: dict[frozenset[str], list[Agent]] = defaultdict(list)
        for name, agents in self._names.items():
            by_words[frozenset(name.split())] += agents
        return by_words

    @cached_property
    def _haystacks(self) -> list[tuple[str, Agent]]:
        return [(f"{fold_accents(agent.name)}\n{fold_accents(agent.email)}", agent) for agent in self.directory.agents.values()]

    def agents_named(self, word: str) -> list[Agent]:
        """Return the agents that an id, e-mail or exact name means: none, one, or several of the same name.

        Accepts what people and programs write: “{0f8f…}”, “<mailto:bo@example.com>”, “Lindqvist, Bo <bo@example.com>”.
        """
        if (agents := self.agents_called(word.strip()) or self._turned(word)) or len(word) > MAX_NAMED:
            return agents
        bare = bare_word(word)
        if agents := self.agents_called(bare) or self._last_name_first(bare) or self._with_remark(bare):
            return agents
        sure = () if is_bare(word) else sure_words(bare)
        if len(sure) != 1 or not (agents := self.agents_called(sure[0])):
            return []
        around = bare_word(_EMPTY.sub("", re.sub("mailto:", "", bare.replace(sure[0], ""), flags=re.IGNORECASE)))
        if is_address(around):  # “/api/v2/users/…/superior” is another person's
            return [] if whose(around.rstrip("/").rpartition("/")[2]).is_other else agents
        return agents if self._is_about(agents[0], around.strip(_SEPARATORS), in_brackets=f"<{sure[0]}>" in bare) else []

    def _is_about(self, agent: Agent, around: str, *, in_brackets: bool) -> bool:
        """Return whether the text around an id or e-mail belongs to that agent, and is no sentence and no other person."""
        if whose(around).is_other:
            return False  # “manager: <bo@example.com>” is someone's manager
        if len(pieces(around)) > 1 or len(parts(around)) > 1:
            return agent in self._last_name_first(around)
        same = sorted(fold_name(around).split()) == sorted(fold_name(agent.name).split())
        return in_brackets or not around or same or is_head(around)

    def agents_called(self, word: str) -> list[Agent]:
        """Return the agents of exactly that id, e-mail or name; a name may lack its accents."""
        agent = self.directory.agents.get(word) or self.directory.agents.get(as_guid(word.lower()))
        agent = agent or (self._emails.get(word.casefold()) if word else None)
        return [agent] if agent else self._named(word)

    def _named(self, name: str) -> list[Agent]:
        folded = fold_name(name)
        if (agents := self._names.get(folded)) or not self._unaccented_names:
            return agents or []
        typed = folded if folded.isascii() else fold_accents(folded)
        return [*self._unaccented_names.get(typed, ()), *self._names.get(typed, ())]

    def _turned(self, word: str) -> list[Agent]:
        """Read “Lindqvist Bo” as Bo Lindqvist, where no one has that name."""
        names = fold_name(word).split()
        if not 2 <= len(names) <= MAX_NAMES:
            return []
        turns = {" ".join(names[at:] + names[:at]) for at in range(1, len(names))}
        return [agent for agent in self._by_words.get(frozenset(names), ()) if fold_name(agent.name) in turns]

    def _last_name_first(self, word: str) -> list[Agent]:
        """Read “Lindqvist, Bo” as Bo Lindqvist."""
        if "," not in word and word.isascii():
            return []
        names = parts(word)
        return self._named(f"{names[1]} {names[0]}") if len(names) == 2 else []

    def _with_remark(self, word: str) -> list[Agent]:
        """Read a name with its number or team, not with a role or a person: “Lindqvist, Bo (Care)”, “Bo Lindqvist - 7001”."""
        name, remark = without_remark(word)
        name = without_number(name)
        if (
            name == word
            or len(remark) > MAX_REMARK
            or whose(remark).is_other
            or sure_words(remark)
            or self.agents_called(remark)
        ):
            return []
        return self.agents_called(name) or self._last_name_first(name) or self._turned(name)

    def search(self, text: str) -> list[Agent]:
        """Return the agents whose name or e-mail contains every word of the text, ignoring case and accents."""
        words = fold_accents(text).split()
        return [agent for haystack, agent in self._haystacks if all(word in haystack for word in words)] if words else []

    def group(self, field: str, kind: GroupKind, word: str) -> Group:
        """Return the one group of that id or name. Raises BadInput naming the field and what is accepted."""
        wanted = word.strip().casefold()
        of_kind = [group for group in self.directory.groups if group.kind is kind]
        matches = [group for group in of_kind if group.id.casefold() == wanted]
        matches = matches or [group for group in of_kind if group.name.strip().casefold() == wanted]
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = " or ".join(group.id for group in matches[:3])
            raise BadInput(field, word, f"its id, because {len(matches)} have this name: {ids}")
        raise BadInput(field, word, _accepted(kind, of_kind))

    def members(self, group: Group) -> list[Agent]:
        """Return the agents of a team, management unit or division, from the directory itself."""
        attribute = {
            GroupKind.TEAM: "team_id",
            GroupKind.MANAGEMENT_UNIT: "management_unit_id",
            GroupKind.DIVISION: "division_id",
        }[group.kind]
        return [agent for agent in self.directory.agents.values() if getattr(agent, attribute) == group.id]


def require_some(selection: Selection) -> None:
    """Raise BadInput for an empty selection. Needs no directory."""
    if selection.is_empty():
        raise BadInput("selection", "nothing", "agents, a search, a team, a queue, a management unit or a division")


def resolve(
    selection: Selection, directory: Directory, queue_members: QueueMembers, index: Index | None = None
) -> ResolvedSelection:
    """Return the agents of a selection: the union of everything named, minus `exclude`, each once, by name.

    Words that match no one are kept as `unknown`, and so is a queue member that the directory doesn't know. Raises
    BadInput for an empty selection, for a group that doesn't exist, and for an exclusion that matches no one: ignoring
    it would take an agent out of work who was meant to stay.
    """
    require_some(selection)
    index = index or Index(directory)
    chosen: dict[str, Agent] = {}
    unknown: dict[str, None] = {}
    ambiguous: set[str] = set()
    for word in selection.agents:
        matches = index.agents_named(word) if word.strip() else []
        if len(matches) == 1:
            chosen[matches[0].id] = matches[0]
        elif word.strip():
            unknown[word.strip()] = None
            if matches:
                ambiguous.add(word.strip())
    for agent in _of_groups(selection, index):
        chosen[agent.id] = agent
    for word in selection.queues:
        for agent_id in queue_members(index.group("queue", GroupKind.QUEUE, word).id):
            member = directory.agents.get(agent_id)
            if member:
                chosen[agent_id] = member
            else:
                unknown[agent_id] = None
    for agent in index.search(selection.search):
        chosen[agent.id] = agent
    for word in selection.exclude:
        _leave_out(word, index, chosen, unknown)
    agents = sorted(chosen.values(), key=lambda agent: (agent.name.casefold(), agent.id))
    return ResolvedSelection(
        agents=tuple(agents), unknown=tuple(unknown), as_of=directory.as_of, ambiguous=frozenset(ambiguous & unknown.keys())
    )


def _of_groups(selection: Selection, index: Index) -> Iterable[Agent]:
    named = (
        ("team", GroupKind.TEAM, selection.teams),
        ("management unit", GroupKind.MANAGEMENT_UNIT, selection.management_units),
        ("division", GroupKind.DIVISION, selection.divisions),
    )
    for field, kind, words in named:
        for word in words:
            yield from index.members(index.group(field, kind, word))


def _leave_out(word: str, index: Index, chosen: dict[str, Agent], unknown: dict[str, None]) -> None:
    if not word.strip():
        return
    matches = index.agents_named(word)
    if len(matches) == 1:
        chosen.pop(matches[0].id, None)
    elif matches:
        raise BadInput("exclude", word, f"an id or e-mail, because {len(matches)} agents have this name")
    elif word.strip() in unknown:
        unknown.pop(word.strip())
    elif not _UUID.fullmatch(word.strip()):  # an id that is gone from the directory can't be chosen anyway
        raise BadInput("exclude", word, "the id, e-mail or exact name of an agent in the directory")


def _accepted(kind: GroupKind, groups: list[Group]) -> str:
    what = kind.value.replace("_", " ")
    if not groups:
        return f"nothing: this tenant has no {what} that the token may see"
    return f"the name or id of a {what}: {first_of(sorted(group.name for group in groups), 12)}"
