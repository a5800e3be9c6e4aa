"""Lists of agents as programs and people export them, over a small tenant whose managers are users of it too.

Each has the people it is about, or none where a person must be asked which column is meant. Nothing here is of a real tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.support.preview_world import NOW, agent
from wfm.domain.agents import Agent, Directory

_NAMES = (
    "Aylin Şahin",
    "Bo Lindqvist",
    "Chiara Rossi",
    "Dmitri Volkov",
    "Eleni Pappas",
    "Fatima Al-Sayed",
    "Grzegorz Wójcik",
    "Hana Nováková",
    "Ivo Petrov",
    "João Gonçalves",
    "Kenji Tanaka",
    "Léa Martin",
    "Mikko Virtanen",
    "Nora O'Brien",
    "Oskar Müller",
    "Priya Nair",
    "Quentin Dubois",
    "Rosa García",
    "Søren Ægir",
    "Tomás Silva",
)
_MANAGERS = ("Ursula Becker", "Viktor Hansen")


def _guid(number: int) -> str:
    return f"{number:08x}-aaaa-4bbb-8ccc-{number * 7919:012x}"


def _mail(name: str) -> str:
    local = name.lower().replace(" ", ".")
    return local.translate(str.maketrans("şóáãçéüøæíğ", "soaaceuoaig")) + "@acme.example"


def _person(number: int, name: str) -> Agent:
    return agent(number, id=_guid(number), name=name, email=_mail(name))


AGENTS = [_person(number, name) for number, name in enumerate(_NAMES, start=1)]
MANAGERS = [_person(number, name) for number, name in enumerate(_MANAGERS, start=90)]
DIRECTORY = Directory(agents={one.id: one for one in (*AGENTS, *MANAGERS)}, groups=(), units={}, as_of=NOW)


def manager_of(person: Agent) -> Agent:
    return MANAGERS[AGENTS.index(person) % 2]


@dataclass(frozen=True)
class Example:
    """A list, and whom it is about: None where the desk must ask. `bad` are the lines that can't be used."""

    title: str
    data: bytes
    people: frozenset[str] | None
    bad: tuple[int, ...] = ()
    above: tuple[int, ...] = (1,)


def rows(head: str, row: Callable[[Agent], str], people: Iterable[Agent] = AGENTS, end: str = "\n") -> str:
    return end.join([head] * bool(head) + [row(one) for one in people]) + end


def of(title: str, text: str | bytes, people: Iterable[Agent] | None = AGENTS, **more: tuple[int, ...]) -> Example:
    data = text.encode() if isinstance(text, str) else text
    return Example(title, data, None if people is None else frozenset(one.id for one in people), **more)


def first_last(one: Agent) -> tuple[str, str]:
    first, last = one.name.split(" ", 1)
    return first, last


def swapped(one: Agent) -> str:
    return ", ".join(reversed(first_last(one)))


FEW = AGENTS[:6]
_B, _M = "\ufeff", manager_of

EXAMPLES = (
    # --- of the platform
    of("WFM agents with the manager first", rows("Manager Email,Agent Email", lambda a: f"{_M(a).email},{a.email}")),
    of("and with the manager last", rows("Agent Email,Manager Email", lambda a: f"{a.email},{_M(a).email}")),
    of(
        "members of a queue",
        rows("queue id,queue name,member id,member name", lambda a: f"{_guid(700)},Sales,{a.id},{a.name}"),
    ),
    of(
        "members of queues, each in two",
        "queue id,queue name,member id\n" + "".join(f"{_guid(700 + n)},Q{n},{a.id}\n" for a in FEW for n in (1, 2)),
        FEW,
        bad=(3, 5, 7, 9, 11, 13),
    ),
    of(
        "users with their manager as the platform exports them",
        _B
        + rows(
            '"User ID","User Name","User Email","Division","Manager ID","Manager"',
            lambda a: f'"{a.id}","{a.name}","{a.email}","Home","{_M(a).id}","{_M(a).name}"',
            end="\r\n",
        ),
    ),
    of(
        "a scheduled report with title lines",
        "Agent Status Report\nCreated by,Ursula Becker\n\nAgent Name,Email,Team\n"
        + rows("", lambda a: f"{a.name},{a.email},Red"),
        above=(1, 2, 4),
    ),
    of(
        "adherence, one line an agent and day",
        "Agent,Date,Scheduled,Actual\n" + "".join(f"{a.name},2026-11-{d},8:00,7:5{d % 10}\n" for a in FEW for d in (23, 24)),
        FEW,
        bad=(3, 5, 7, 9, 11, 13),
    ),
    # --- of the human resources
    of(
        "personnel with first and last name and the manager's name",
        rows(
            "Employee ID;First Name;Last Name;Work Email;Reports To",
            lambda a: f"{AGENTS.index(a) + 7000};{';'.join(first_last(a))};{a.email};{_M(a).name}",
        ),
    ),
    of("first and last names only", rows("First Name,Last Name,Site", lambda a: f"{','.join(first_last(a))},Malmö")),
    of("last names first, in one column", rows("Name;Site", lambda a: f"{swapped(a)};Malmö")),
    of(
        "German, with the superior",
        rows(
            "Personalnummer;Mitarbeiter;Vorgesetzter;E-Mail-Adresse", lambda a: f"4711;{a.name};{_M(a).name};{a.email}"
        ).encode("utf-16"),
    ),
    of(
        "French, with the superior",
        rows("Courriel du responsable\tCourriel du conseiller\tÉquipe", lambda a: f"{_M(a).email}\t{a.email}\tNord"),
    ),
    of(
        "Spanish, with the superior",
        rows("Correo del supervisor;Correo del agente", lambda a: f"{_M(a).email};{a.email}"),
    ),
    of("Japanese, with the superior", rows("上長メール,ユーザーID,氏名", lambda a: f"{_M(a).email},{a.id},{a.name}")),
    of("Japanese, ids in braces", rows("ユーザーID", lambda a: f"{{{a.id.upper()}}}")),
    of("Finnish, whose words are no hint", rows("Nimi,Sähköposti,Toimipiste", lambda a: f"{a.name},{a.email},Oulu")),
    # --- of spreadsheets and mails
    of(
        "a workbook with two title lines",
        "Maintenance CHG-1042\nas of 24 November 2026;;\nwork email;site;shift\n"
        + rows("", lambda a: f"{a.email};Malmö;early"),
        above=(1, 2, 3),
    ),
    of("an id a line, no head", rows("", lambda a: a.id), above=()),
    of("a name a line, no head", rows("", lambda a: a.name), above=()),
    of("a single column under a head", rows("member id", lambda a: a.id)),
    of("recipients of a mail, a line each", rows("", lambda a: f'"{swapped(a)}" <{a.email}>'), above=()),
    of("links", rows("contact", lambda a: f"mailto:{a.email}")),
    of("text made by a formula", rows("GUID,Team", lambda a: f'"=""{a.id}""",Red')),
    of(
        "two ids in a cell",
        'Team,Members\nRed,"' + ";".join(a.id for a in FEW) + '"\nBlue,"' + "\n".join(a.email for a in AGENTS[6:9]) + '"\n',
        AGENTS[:9],
    ),
    of("ids with a blank between", "agents\n" + " ".join(a.id for a in FEW) + "\n", FEW),
    of(
        "quoted line breaks in another column",
        rows("Note,Agent Email", lambda a: f'"first\n{AGENTS.index(a)}, with {_M(a).email}",{a.email}'),
    ),
    of("blanks, quotes and bars", rows("Agent | Team", lambda a: f" '{a.name.upper()}'  | Red")),
    of(
        "a list with the spreadsheet's separator said",
        "sep=;\nAgent Email;Manager\n" + rows("", lambda a: f"{a.email};{_M(a).name}"),
        above=(2,),
    ),
    of(
        "who is on leave stands in the notes",
        rows("Agent,Notes", lambda a: f"{a.name},{'covers for ' + AGENTS[0].email if a is AGENTS[3] else ''}"),
        None,
    ),
    of(
        "two exports one below the other",
        rows("Agent Email,Team", lambda a: f"{a.email},A", AGENTS[:10])
        + rows("Agent Email,Team", lambda a: f"{a.email},B", AGENTS[10:]),
    ),
    of(
        "lines that can't be used",
        "email,team\n" + f"{AGENTS[0].email},A\n,B\nghost@acme.example,C\n{AGENTS[1].email},D\n",
        AGENTS[:2],
        bad=(3, 4),
    ),
    of(
        "where two columns contradict each other in one line",
        "Agent ID,Agent Email\n" + "".join(f"{a.id},{(AGENTS[5] if a is AGENTS[12] else a).email}\n" for a in AGENTS),
        [a for a in AGENTS if a is not AGENTS[12]],
        bad=(14,),
    ),
    # --- that nothing decides
    of("two mails without a head", rows("", lambda a: f"{_M(a).email},{a.email}"), None, above=()),
    of(
        "two columns in a language that is no hint",
        rows("Työntekijän osoite?,Pomo", lambda a: f"{a.email},{_M(a).name}"),
        None,
    ),
    of(
        "only the managers are of this tenant",
        rows("Manager Email,Agent Email", lambda a: f"{_M(a).email},{a.id[:4]}@other.example"),
        None,
    ),
    of("only who approved it is of this tenant", rows("Approved by,Name", lambda a: f"{_M(a).name},x{a.id[:8]}"), None),
    of("names of one and mails of another", rows("Name,Email", lambda a: f"{a.name},{_M(a).email}"), None),
    of(
        "two agents that change places",
        rows("Agent,Second Agent", lambda a: f"{a.name},{AGENTS[AGENTS.index(a) - 1].name}"),
        None,
    ),
    of("all in one row", ",".join(a.email for a in FEW), None, above=()),
    of(
        "who made the file, above a head that is no hint",
        "Luonut,Ursula Becker\nTyöntekijä,Osoite\n" + rows("", lambda a: f"{a.name},{a.email}"),
        above=(1, 2),
    ),
    of("a head of one word that is no hint", rows("Jäsenluettelo", lambda a: a.email)),
    of("a ghost first, no head", "Ghost Person\n" + rows("", lambda a: a.name), bad=(1,), above=()),
    of(
        "a ghost's address first, no head",
        "ghost@acme.example;Red\n" + rows("", lambda a: f"{a.email};Red"),
        bad=(1,),
        above=(),
    ),
    of("one agent, one line", AGENTS[0].email, AGENTS[:1], above=()),
    of("one agent under a head", f"User ID\n{AGENTS[0].id}\n", AGENTS[:1]),
    of(
        "a distribution list copied from a mail, all in one row",
        "; ".join(f"{swapped(a)} <{a.email}>" for a in AGENTS),
        None,
        above=(),
    ),
    of("a role before each", rows("", lambda a: f"Agent;{a.email}"), above=()),
    of(
        "somebody else in a sentence where an agent should stand",
        f"Agent,Team\nvacant (was {AGENTS[3].email}),Red\nask {MANAGERS[0].email},Red\n"
        + rows("", lambda a: f"{a.email},Red", FEW[:3]),
        FEW[:3],
        bad=(2, 3),
    ),
    of("three of names that nobody has, with the boss", rows("Kdo,Nad", lambda a: f"X{a.name},{_M(a).name}", FEW[:3]), None),
    of("names that nobody has, with one address for all", rows("Name,Email", lambda a: f"X{a.name},{_M(a).email}"), None),
)
