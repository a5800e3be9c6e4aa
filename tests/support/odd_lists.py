"""Lists that mislead: who is named beside the agents, cells that are hard to read, tables that are no CSV, texts with labels.

Over the tenant of `agent_lists`. Where nothing but a person can decide, the desk asks.
"""

from __future__ import annotations

import json

from tests.support.agent_lists import AGENTS, FEW, MANAGERS, Example, first_last, manager_of, of, rows, swapped
from wfm.domain.agents import Agent
from wfm.preview.selection import fold_accents

_M = manager_of
_BOSS = MANAGERS[0]


def _buddy(person: Agent) -> Agent:
    """Another of the tenant for each, so that no repetition gives it away."""
    return AGENTS[(AGENTS.index(person) + 7) % len(AGENTS)]


def _no_dashes(person: Agent) -> str:
    return person.id.replace("-", "")


def _answered(head: str, yes: str, no: str) -> Example:
    """Agents beside a column that says one thing of some and another of the others."""
    text = rows(f"Agent,{head}", lambda a: f"{a.name},{yes if a in FEW else no}")
    return of(f"a column {head} of {yes} and {no}", text, None)


_FIRST_LAST = [(one, *first_last(one)) for one in AGENTS]
_BEFORE = f"Supervisors;E-Mail\n{_BOSS.name};{_BOSS.email}\n\nAgents;E-Mail\n"
_BELOW = f"\nSupervisors;E-Mail\n{_BOSS.name};{_BOSS.email}\n{MANAGERS[1].name};{MANAGERS[1].email}\n"
_N = len(AGENTS)

ODD_FILES: tuple[Example, ...] = (
    # --- first and last name in two columns, beside a column that can be read
    of(
        "first and last name with a manager's address",
        rows("First Name,Last Name,Manager Email", lambda a: f"{','.join(first_last(a))},{_M(a).email}"),
    ),
    of(
        "last and first name with a manager",
        rows("Last Name,First Name,Manager", lambda a: f"{','.join(reversed(first_last(a)))},{_M(a).name}"),
    ),
    of(
        "with the number of staff between them",
        rows("First Name;No;Last Name;Reports To", lambda a: f"{first_last(a)[0]};{a.id[:8]};{first_last(a)[1]};{_M(a).name}"),
    ),
    of(
        "first and last name with a godparent",
        rows("Vorname;Nachname;Pate", lambda a: f"{';'.join(first_last(a))};{_buddy(a).name}"),
        None,
    ),
    of(
        "first and last name with an analyst",
        rows("First Name,Last Name,Analyst Name", lambda a: f"{','.join(first_last(a))},{_buddy(a).name}"),
        None,
    ),
    of(
        "first and last name of both",
        rows("Mgr First,Mgr Last,First,Last", lambda a: f"{','.join(first_last(_M(a)))},{','.join(first_last(a))}"),
        None,
    ),
    # --- heads of agents that hold a word of others, and heads of other roles
    *(
        of(f"{role} beside {head}", rows(f"{role};{head}", lambda a: f"{_M(a).name};{a.name}"))
        for role, head in (
            ("Evaluator Name", "Customer Service Representative"),
            ("Captain", "Assigned Agent"),
            ("Name Koordinator", "Kundenberater"),
            ("Nom du tuteur", "Chargé de clientèle"),
            ("Responsable", "Asesor de clientes"),
            ("N+1", "Conseiller client"),
            ("Przełożony", "Konsultant"),
            ("Yönetici", "Çalışan"),
            ("リーダー", "オペレーター名"),
            ("팀장", "상담사"),
            ("Agent Lead", "Lead Agent"),
            ("Updated by user", "Agents by queue"),
            ("HRBP", "Name"),
            ("Head of Department", "Person"),
        )
    ),
    *(
        of(
            f"{role}, and a column that says nothing",
            rows(f"{role};Login", lambda a: f"{_buddy(a).name};x{AGENTS.index(a)}"),
            None,
        )
        for role in ("Evaluator Name", "Captain Email", "Analyst Name", "HRBP Email", "Name Koordinator", "Contact", "Nickname")
    ),
    of("a role that may be either, and a name", rows("Coordinator Name,Name", lambda a: f"{_M(a).name},{a.name}"), None),
    # --- a column beside whose cells can't be read
    of(
        "names with a remark that is a sentence, and a partner",
        rows("Who;Crew", lambda a: f"Mr {a.name} of the night shift;{_buddy(a).name}"),
        None,
    ),
    of(
        "names that nobody has, beside readable ones", rows("Consulente;Collega", lambda a: f"X{a.name};{_buddy(a).name}"), None
    ),
    of("logins beside names", rows("Kennwort;Rufzeichen", lambda a: f"x{AGENTS.index(a)};{_buddy(a).name}"), None),
    of(
        "addresses of another domain beside names",
        rows("Name,Email", lambda a: f"{_buddy(a).name},{a.email.split('@')[0]}@corp.example"),
        None,
    ),
    of(
        "addresses of another domain of the same people",
        rows("Name,Email", lambda a: f"{a.name},{a.email.split('@')[0]}@corp.example"),
    ),
    of("an account beside the address", rows("Account;Mail", lambda a: f"ACME\\{a.email.split('@')[0]};{a.email}")),
    # --- cells with something around
    *(
        of(f"cells such as {shown}", rows("Agent;Site", lambda a, cell=cell: f"{cell(a)};Malmö"))  # type: ignore[misc]
        for shown, cell in (
            ("urn:uuid:…", lambda a: f"urn:uuid:{a.id}"),
            ("urn:genesys:user:…", lambda a: f"urn:genesys:user:{a.id}"),
            ("/api/v2/users/…", lambda a: f"/api/v2/users/{a.id}"),
            ("a link", lambda a: f"https://apps.mypurecloud.de/directory/#/person/{a.id}"),
            ("no dashes", _no_dashes),
            ("[Bo](mailto:…)", lambda a: f"[{a.name}](mailto:{a.email})"),
            ("Bo - a@x", lambda a: f"{a.name} - {a.email}"),
            ("SMTP:a@x", lambda a: f"SMTP:{a.email}"),
            ("Lindqvist Bo", lambda a: " ".join(reversed(first_last(a)))),
            ("“Lindqvist, Bo - 7001”", lambda a: f'"{swapped(a)} - 7001"'),
            ("“Lindqvist, Bo (Care)”", lambda a: f'"{swapped(a)} (Care)"'),
            ("3. Bo", lambda a: f"3. {a.name}"),
        )
    ),
    of(
        "two addresses with “and”",
        rows("Desk,Agents", lambda a: f"1,{a.email} and {_buddy(a).email}", FEW),
        [*FEW, *map(_buddy, FEW)],
    ),
    of("two names with “&”", rows("Desk,Agents", lambda a: f"1,{a.name} & {_buddy(a).name}", FEW), [*FEW, *map(_buddy, FEW)]),
    of(
        "whoever else the brackets name",
        rows("Agent,Site", lambda a: f"{a.name} ({_BOSS.name}),X", FEW),
        (),
        bad=tuple(range(2, 8)),
    ),
    of("a manager in brackets", rows("Agent,Site", lambda a: f"{a.name} (Manager),X", FEW), (), bad=tuple(range(2, 8))),
    of(
        "who stands above them in a path",
        rows("Agent,Site", lambda a: f"/api/v2/users/{a.id}/superior,X", FEW),
        (),
        bad=tuple(range(2, 8)),
    ),
    # --- blocks, roles and signatures
    of("supervisors in a block below", rows("Agents;E-Mail", lambda a: f"{a.name};{a.email}") + _BELOW, bad=(_N + 4, _N + 5)),
    of("supervisors in a block above", _BEFORE + rows("", lambda a: f"{a.name};{a.email}"), bad=(2,)),
    of("a head in one column", rows("Agents", lambda a: a.email) + f"Managers\n{_BOSS.email}\n", bad=(_N + 3,)),
    of("a signature", rows("Agent,Hours", lambda a: f"{a.name},8") + f"\nSigned:,\n{_BOSS.name},\n", bad=(_N + 4,)),
    of("who approved it, below", rows("Agent,Hours", lambda a: f"{a.name},8") + f"Approved by,{_BOSS.name}\n", bad=(_N + 2,)),
    of(
        "a role before each name, some of managers",
        rows("", lambda a: f"Agent;{a.name}") + f"Manager;{_BOSS.name}\n",
        None,
        above=(),
    ),
    of("names with blanks that do not break", rows("Agent,Site", lambda a: f"\u00a0{a.name.replace(' ', chr(0x202F))} ,X")),
    of("names typed without accents", rows("Agent,Site", lambda a: f"{fold_accents(a.name).title()},X")),
    of(
        "numbers of associates",
        rows("Associate ID;Payroll Name;Reports To Name", lambda a: f"A{a.id[:5]};{swapped(a)};{_M(a).name}"),
    ),
    of("whom they report to", rows("Employee #;Reporting to;E-mail", lambda a: f"{a.id[:5]};{_M(a).name};{a.email}")),
    of("a hierarchy", rows("OM,TL,Agent", lambda a: f"{_BOSS.name},{_M(a).name},{a.name}")),
    of("a column of roles", rows("Name,Role", lambda a: f"{a.name},Agent") + f"{_BOSS.name},Supervisor\n", None),
    of(
        "the same columns in another order further down",
        rows("Manager,Agent", lambda a: f"{_M(a).name},{a.name}", FEW)
        + rows("Agent,Manager", lambda a: f"{a.name},{_M(a).name}", AGENTS[6:]),
        None,
    ),
    of("who is not meant, below", rows("Agent Email", lambda a: a.email) + f"Do not include:\n{_BOSS.email}\n", bad=(_N + 3,)),
    of("numbers of staff beside names", rows("Ext,Floor walker", lambda a: f"{7000 + AGENTS.index(a)},{_buddy(a).name}"), None),
    of(
        "a head of which one word is known, further down",
        rows("On duty", lambda a: a.email) + f"Duty manager\n{_BOSS.email}\n",
        None,
    ),
    of("a role first, some of managers", rows("Role,Name", lambda a: f"Agent,{a.name}") + f"Manager,{_BOSS.name}\n", None),
    of("a role first, all of supervisors", f"Role,Name\nSupervisor,{_BOSS.name}\nSupervisor,{MANAGERS[1].name}\n", MANAGERS),
    of("a name alone at the end", rows("Agent,Team", lambda a: f"{a.name},x") + f"\n{_BOSS.name}\n", None),
    of(
        "names of managers above those of their agents",
        f"Name,Hours\n{_BOSS.name},\n" + rows("", lambda a: f"{a.name},8"),
        None,
    ),
    *(
        _answered(head, yes, no)
        for head, yes, no in (
            ("Take out?", "yes", "no"),
            ("Wartung (J/N)", "J", "N"),
            ("Exempt", "yes", ""),
            ("Maintenance", "TRUE", "FALSE"),
            ("要否", "要", "不要"),
            ("Go?", "✓", ""),
            ("Action", "remove", "keep"),
            ("Flag", "1", "0"),
            ("Status", "Active", "On leave"),
            ("Remark", "", "do not take out"),
            ("Team", "yes", "no"),
        )
    ),
    of(
        "a column of three answers",
        rows("Agent,Out", lambda a: f"{a.name},{('yes', 'no', 'maybe')[AGENTS.index(a) % 3]}"),
        None,
    ),
    of(
        "one remark that leaves somebody out",
        rows("Agent,Note", lambda a: f"{a.name},{'stays in' if a is FEW[2] else a.id[:4]}"),
        None,
    ),
    of(
        "who is in the list and not meant",
        rows("Agent Email", lambda a: a.email) + f"Do not include:\n{FEW[1].email}\n",
        [a for a in AGENTS if a is not FEW[1]],
        bad=(3, _N + 3),
    ),
    of(
        "who is not meant, in the title",
        f"Everyone but {FEW[2].name}:\n" + rows("Agent,Site", lambda a: f"{a.name},X"),
        [a for a in AGENTS if a is not FEW[2]],
        above=(1, 2),
        bad=(5,),
    ),
    of(
        "who stays, below",
        rows("Agent", lambda a: a.name) + f"{FEW[2].name} stays in\n",
        [a for a in AGENTS if a is not FEW[2]],
        bad=(4, _N + 2),
    ),
    of("two teams", rows("Agent,Team", lambda a: f"{a.name},{'Red' if a in FEW else 'Blue'}")),
    of(
        "two days of each",
        rows("Agent,Date,Shift", lambda a: f"{a.name},2026-11-23,late", FEW)
        + rows("", lambda a: f"{a.name},2026-11-24,early", FEW),
        FEW,
        bad=tuple(range(8, 14)),
    ),
    of(
        "managers above their agents, who stand further in",
        "Row Labels,Calls\n" + f"{_BOSS.name},40\n" + rows("", lambda a: f"  {a.name},8"),
        None,
    ),
    of(
        "who is cancelled, in brackets",
        rows("Agent,Site", lambda a: f"{a.name}{' (cancelled)' if a is FEW[1] else ''},X"),
        None,
    ),
    # --- columns with gaps, heads of two rows
    of(
        "ids for some and addresses for the others",
        rows(
            "Agent ID,Agent Email",
            lambda a: (
                f"{a.id},{a.email}"
                if AGENTS.index(a) % 3 == 0
                else f",{a.email}"
                if AGENTS.index(a) % 3 == 1
                else f"{a.id},n/a"
            ),
        ),
    ),
    of(
        "an id that is missing here and there",
        rows("Agent ID,Agent Email", lambda a: f"{'' if a in FEW[:2] else a.id},{a.email}"),
    ),
    of(
        "ids for one half, addresses for the other",
        rows("Agent ID,Agent Email", lambda a: f"{a.id}," if AGENTS.index(a) % 2 else f",{a.email}"),
    ),
    of(
        "names above groups of columns",
        "Worker,,,Organization\nNo,Worker,Work Email,Manager\n" + rows("", lambda a: f"7,{a.name},{a.email},{_M(a).name}"),
        above=(1, 2),
    ),
    of(
        "a title above groups of columns of the same names",
        ",Employee data,,Line management,\nNo,Name,E-mail,Name,E-mail\n"
        + rows("", lambda a: f"7,{a.name},{a.email},{_M(a).name},{_M(a).email}"),
        above=(1, 2),
    ),
    of(
        "managers above groups of columns",
        "Manager,,Agent,\nName,Email,Name,Email\n" + rows("", lambda a: f"{_M(a).name},{_M(a).email},{a.name},{a.email}"),
        above=(1, 2),
    ),
    of(
        "numbers of the columns below the head",
        "Manager,Agent,Site\n(1),(2),(3)\n" + rows("", lambda a: f"{_M(a).name},{a.name},X"),
        above=(1, 2),
    ),
    of(
        "a head of which one word is known",
        "Pod Lead,Pod Member\n" + rows("", lambda a: f"{_M(a).name if a in (AGENTS[0], AGENTS[9]) else ''},{a.name}"),
    ),
)

_TABLE = rows("Manager Email,Agent Email,Notes", lambda a: f"{_M(a).email},{a.email},x{AGENTS.index(a)}")
_OBJECTS = [{"agent": one.email, "manager": {"email": _M(one).email}} for one in AGENTS]
_SENT = f"From: {_BOSS.name} <{_BOSS.email}>\nSent: Tuesday, 24 November 2026 08:00\n"
_MAIL = "; ".join(f"{one.name} <{one.email}>" for one in AGENTS)

ODD_PASTES: tuple[Example, ...] = (
    # --- tables
    of("a comma in quotes", _TABLE.replace("x0\n", '"late, again"\n', 1)),
    of("a comma without quotes", _TABLE.replace("x0\n", "late, again\n", 1), None),
    of("a footer", _TABLE + "Total: 20\n", bad=(_N + 2,)),
    of(
        "a separator at the end of a line",
        rows("Manager;Agent", lambda a: f"{_M(a).name};{a.name}{';' if a is AGENTS[2] else ''}"),
    ),
    of(
        "a table of Markdown with the number of rows",
        "Agent | Manager\n--- | ---\n" + rows("", lambda a: f"{a.name} | {_M(a).name}") + "(20 rows)\n",
        bad=(_N + 3,),
    ),
    of("columns aligned by blanks", rows("Manager              Agent", lambda a: f"{_M(a).email:<40}{a.email}")),
    of("names aligned by blanks", rows("Manager    Agent", lambda a: f"{_M(a).name}    {a.name}")),
    of(
        "a table of a page",
        "<table><tr><th>Manager</th><th>Agent</th></tr>"
        + rows("", lambda a: f"<tr><td>{_M(a).email}</td><td><b>{a.email}</b></td></tr>")
        + "</table>",
    ),
    of("objects", json.dumps(_OBJECTS, indent=1)),
    of("objects in an object", json.dumps({"total": 20, "entities": _OBJECTS})),
    of("an object a line", "\n".join(map(json.dumps, _OBJECTS))),
    of("objects of users", json.dumps({"users": [{"id": a.id, "selfUri": f"/api/v2/users/{a.id}"} for a in AGENTS]})),
    of("texts in an array", json.dumps([one.id for one in AGENTS]), above=()),
    # --- texts with labels
    of(
        "who sent a mail, and who gets a copy",
        f"{_SENT}To: {_MAIL}\nCc: {MANAGERS[1].email}\nSubject: Maintenance\n",
        above=(),
        bad=(1, 4),
    ),
    of("a label before a name", f"Supervisor: {_BOSS.email}\n" + rows("", lambda a: a.email), above=(), bad=(1,)),
    of("labels on lines of their own", f"Supervisor\n{_BOSS.name}\nAgents\n" + rows("", lambda a: a.name), bad=(2,)),
    of(
        "who manages them in brackets",
        rows("", lambda a: f"{a.email} (manager {_M(a).email})", FEW),
        FEW,
        above=(),
        bad=tuple(range(1, 7)),
    ),
    of(
        "both labels in each line",
        rows("", lambda a: f"manager: {_M(a).email}; agent: {a.email}", FEW),
        FEW,
        above=(),
        bad=tuple(range(1, 7)),
    ),
    of("a table as Jira writes it", rows("||Agent||Lead||Shift||", lambda a: f"|{a.name}|{_M(a).name}|early|")),
    of(
        "entries of LDAP",
        rows("", lambda a: f"dn: CN={a.name},OU=Agents\nmail: {a.email}\nmanager: CN={_M(a).name},OU=x\n", FEW),
        FEW,
        above=(),
        bad=tuple(range(3, 24, 4)),
    ),
    of(
        "managers and agents in a sentence",
        f"Managers {MANAGERS[0].email} and {MANAGERS[1].email}, agents {AGENTS[0].email} and {AGENTS[1].email}",
        AGENTS[:2],
        above=(),
        bad=(1, 1),
    ),
    of(
        "who signs a sentence",
        f"Please take out {AGENTS[0].name} and {AGENTS[1].name} at 5pm, thanks, {_BOSS.name}",
        AGENTS[:2],
        above=(),
        bad=(1,),
    ),
    of(
        "who signs a mail",
        rows("Hi, please take these out:", lambda a: a.email, FEW) + f"Kind regards,\n{_BOSS.name}\n",
        FEW,
        above=(),
        bad=(9,),
    ),
    of("lines with numbers", rows("", lambda a: f"{AGENTS.index(a) + 1}. {a.name}"), above=()),
    of("who is greeted", f"Hi {_BOSS.name}, please take out {AGENTS[0].name}.", AGENTS[:1], above=(), bad=(1,)),
    of("who is not meant", f"Take out {AGENTS[0].email}, not {AGENTS[1].email}", AGENTS[:1], above=(), bad=(1,)),
    of("instead of whom", f"Please take out {AGENTS[0].name} instead of {AGENTS[1].name}", AGENTS[:1], above=(), bad=(1,)),
    of("roles behind the names", f"{AGENTS[0].name} (Agent)\n{_BOSS.name} (Supervisor)\n", AGENTS[:1], above=(), bad=(2,)),
    of("roles behind a dash", f"{AGENTS[0].name} - Agent\n{_BOSS.name} - Supervisor\n", AGENTS[:1], above=(), bad=(2,)),
    of("whose team it is", f"Team of {_BOSS.name}:\n" + rows("", lambda a: a.name), above=(), bad=(1,)),
    of("who is not meant, below", rows("", lambda a: a.email) + f"\nDo not include:\n{_BOSS.email}\n", above=(), bad=(_N + 3,)),
    of(
        "who stands in an address",
        f"https://x.example/?agent={AGENTS[0].id}&manager={_BOSS.id}",
        AGENTS[:1],
        above=(),
        bad=(1,),
    ),
    of(
        "blocks of two labels",
        rows("", lambda a: f"Agent: {a.name}\nManager: {_BOSS.name}\n"),
        above=(),
        bad=tuple(range(2, 3 * _N, 3)),
    ),
    of("a signature below two dashes", rows("", lambda a: a.email) + f"--\n{_BOSS.name}\n", above=(), bad=(_N + 2,)),
    of("ids of a query", "('" + "','\n'".join(a.id for a in AGENTS) + "')", above=()),
    of("names that were mentioned", rows("", lambda a: f"@{a.name}"), above=()),
    of(
        "a request in French",
        f"Bonjour,\nmerci de retirer {AGENTS[0].name} et {AGENTS[1].name}, mais pas {AGENTS[2].name}.\nMerci,\n{_BOSS.name}",
        AGENTS[:2],
        above=(),
        bad=(2, 4),
    ),
    of(
        "a head in words not all known",
        rows("On duty", lambda a: a.email) + f"Duty manager\n{_BOSS.email}\n",
        bad=(1, _N + 3),
        above=(),
    ),
)
