"""Which column of a file means what: by its name, by the names that a nested member stands in, by what stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from wfm.domain.agent_words import EMAIL, GUID, bare_word
from wfm.domain.heads import Whose, column_key, is_head, whose
from wfm.domain.imports.values import NoTime, instant, status_of

MEANINGS: Mapping[str, tuple[str, ...]] = {
    "time": (
        *("time", "timestamp", "started", "startedat", "start", "starttime", "startdatetime", "datetime", "date", "when"),
        *("timeutc", "timestamputc", "startutc", "dateutc", "datetimeutc", "timegmt", "dategmt", "ts", "eventtime"),
        *("zeit", "zeitpunkt", "zeitstempel", "datum", "beginn", "uhrzeit", "heure", "horodatage", "debut", "fecha"),
        *("hora", "fechayhora", "marcadetiempo", "inicio", "data", "dataora", "ora", "inizio", "tijd", "tijdstip"),
        *("日時", "時刻", "開始", "时间", "開始日時", "시간"),
    ),
    "agent_id": ("agentid", "userid", "user", "agentguid", "useruuid", "benutzerid", "agentenid", "idagent", "idagente"),
    "agent": (
        *("agent", "agentname", "username", "name", "email", "agente", "benutzer", "benutzername", "mitarbeiter"),
        *("utilisateur", "usuario", "utente", "gebruiker", "medewerker", "エージェント", "座席", "상담원"),
    ),
    "action": (
        "action",
        "actionname",
        "dataaction",
        "dataactionname",
        "integrationaction",
        "aktion",
        "accion",
        "acao",
        "azione",
    ),
    "route": ("route",),
    "via": ("via",),
    "call": ("call", "operation", "endpoint", "path"),
    "method": ("method", "httpmethod", "requestmethod", "verb"),
    "phase": ("phase",),
    "outcome": (
        *("outcome", "result", "success", "state", "ergebnis", "erfolg", "resultat", "reussite", "resultado", "exito"),
        *("risultato", "esito", "resultaat", "結果", "结果"),
    ),
    "status": (
        *("status", "httpstatus", "statuscode", "responsestatus", "httpcode", "httpstatuscode", "responsecode", "antwortcode"),
        *("statut", "codehttp", "codigohttp", "estado", "stato", "ステータス", "状态"),
    ),
    "code": ("code", "errorcode", "fehlercode", "codeerreur", "codigodeerror", "codigo", "codice", "foutcode"),
    "correlation_id": (
        *("correlationid", "inincorrelationid", "contextid", "traceid", "requestid", "conversationid", "korrelationsid"),
        *("idcorrelation", "iddecorrelacion"),
    ),
    "duration_ms": ("durationms", "duration", "elapsedms", "elapsed", "latency", "dauer", "dauerms", "duree", "duracion"),
    "request": ("request", "requestbody", "input", "inputs", "anfrage", "requete", "solicitud", "richiesta"),
    "response": (
        *("response", "responsebody", "body", "error", "errormessage", "message", "output", "outputs", "payload", "antwort"),
        *("meldung", "fehlermeldung", "fehler", "reponse", "messagederreur", "respuesta", "mensaje", "risposta", "messaggio"),
    ),
    "note": ("note", "comment", "bemerkung", "kommentar", "commentaire", "comentario", "nota"),
    "run": ("run", "runid"),
    "kind": ("kind",),
    "cause": ("cause",),
    "missing": ("missing",),
    "retryable": ("retryable",),
    "operation_id": ("operationid",),
}
"""What a run has, and the names by which a column of it is recognised (letters and digits only, no case, no accents)."""

_INSIDE: Mapping[str, tuple[str, str]] = {
    "status": (
        "http https response resp res result error fault api reply answer",
        "status statuscode httpstatus httpstatuscode",
    ),
    "code": ("error fault exception", "code errorcode"),
    "correlation_id": (
        "http headers context error response request trace meta details",
        "correlationid inincorrelationid traceid",
    ),
    "call": ("http request req api call url", "url uri path target route endpoint"),
    "method": ("http request req api call", "method verb"),
    "duration_ms": ("http request response", "durationms duration elapsedms latency"),
    "request": ("http request req", "body requestbody payload"),
    "response": ("http response resp res", "body responsebody payload bodycontent"),
}
"""By meaning: words that a name begins with, and how it then ends: `http.response.status_code`, `request_url`."""
_WHOLE = frozenset({"request", "response", "note", "missing"})
"""What may be an object as it stands. An object called `agent` is none: one of its members is."""
_NO_PERSON = frozenset({"useragent"})
_ID = re.compile(r"^id|(?:id|guid)$")
_MAIL = re.compile(r"mail|correo|courriel|メール|邮箱|郵箱|이메일|почта")
_MAX_DEPTH, _MAX_MEMBERS = 6, 200
HEAD_ROWS = 20
"""Rows of a table among which the head is looked for, and by which a column is judged that its head says nothing of."""
_SHARE = 0.8
"""Of a column's cells that must be of one kind."""
_ANSWERS = frozenset(
    map(str, (200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 422, 429, 500, 502, 503, 504))
)


def mapping_for(columns: Iterable[str], objects: Iterable[str] = ()) -> dict[str, str]:
    """Which column most likely means what: {meaning: column}. The first name of a meaning wins over the later ones.

    `objects` are the columns that hold objects, whose members are columns too, as `flat` names them.
    """
    return dict(_mapping(tuple(columns), frozenset(objects)))


@lru_cache(maxsize=256)
def _mapping(columns: tuple[str, ...], objects: frozenset[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    own = [column for column in columns if not any(column.startswith(f"{one}.") for one in objects)]
    keys = {column_key(column): column for column in reversed(own)}
    for meaning, names in MEANINGS.items():
        free = keys.keys() - map(column_key, found.values())
        column = next((keys[name] for name in names if name in free and (meaning in _WHOLE or keys[name] not in objects)), None)
        if column is not None:
            found[meaning] = column
    free_columns = [column for column in columns if column not in found.values() and column not in objects]
    for meaning, (begins, ends) in _INSIDE.items():
        if meaning not in found and (column := _inside(free_columns, set(begins.split()), set(ends.split()))):
            found[meaning] = column
            free_columns.remove(column)
    for meaning, column in _people(free_columns).items():
        found.setdefault(meaning, column)
    return {meaning: found[meaning] for meaning in MEANINGS if meaning in found}


def _inside(columns: Iterable[str], begins: set[str], ends: set[str]) -> str | None:
    for column in columns:
        words = [
            word
            for part in re.findall(r"[^\W_]+", column)
            for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+|[^A-Za-z0-9]+", part)
        ]
        words = [word.casefold() for word in words]
        if any(words[at - 1] in begins and "".join(words[at:]) in ends for at in range(1, len(words))):
            return column
    return None


def _people(columns: Iterable[str]) -> dict[str, str]:
    """The agent's id, and what else names the agent: never the manager."""
    found: dict[str, str] = {}
    heads = [one for one in columns if is_head(one) and column_key(one) not in _NO_PERSON]
    for column in sorted(heads, key=whose, reverse=True):
        key, of = column_key(column), whose(column)
        if of is Whose.AGENT and _ID.search(key):
            found.setdefault("agent_id", column)
        elif of is Whose.AGENT or (of is Whose.PERSON and _MAIL.search(key)):
            found.setdefault("agent", column)
    return found


# --- nested members ------------------------------------------------------------------------------------------------------


def flat(record: Mapping[str, object]) -> tuple[Mapping[str, object], frozenset[str]]:
    """The record with the members of its objects beside them (`http.status`), and which names hold objects."""
    objects = [(name, value, 1) for name, value in record.items() if isinstance(value, dict)]
    if not objects:
        return record, frozenset()
    found, whole = dict(record), set[str]()
    while objects and len(found) < len(record) + _MAX_MEMBERS:
        name, value, depth = objects.pop(0)
        whole.add(name)
        for inner, one in value.items():
            path = f"{name}.{inner}"
            found.setdefault(path, one)
            if isinstance(one, dict) and depth < _MAX_DEPTH:
                objects.append((path, one, depth + 1))
    return found, frozenset(whole)


# --- tables --------------------------------------------------------------------------------------------------------------


def head_of(rows: Sequence[Sequence[str] | str]) -> int | None:
    """The place of the head among the first rows (texts are lines that are no rows): the first that names a time.

    Where none does, the first row that is not empty. None where there is no row.
    """
    filled = [place for place, cells in enumerate(rows) if not isinstance(cells, str) and any(map(str.strip, cells))]
    named = (place for place in filled if len(rows[place]) > 1 and "time" in mapping_for(rows[place]))
    return next(named, next(iter(filled), None))


def mapping_by_cells(
    columns: Sequence[str], rows: Sequence[Sequence[str]], mapping: Mapping[str, str], known: Callable[[str], bool]
) -> dict[str, str]:
    """The mapping with what no name says and the cells say beyond doubt: the time, the agent, the status.

    `known` tells whether a cell names an agent of the tenant. Of two columns that may be meant none is taken.
    """
    found = dict(mapping)
    taken = set(mapping.values())
    free = {
        column: filled
        for at, column in enumerate(columns)
        if column not in taken and (filled := [row[at] for row in rows if at < len(row) and row[at].strip()])
    }
    agents = "agent" in found or "agent_id" in found
    kinds: dict[str, tuple[Callable[[str], bool], bool]] = {
        "time": (_is_time, "time" in found),
        "agent": (lambda cell: bool(EMAIL.fullmatch(bare_word(cell)) or known(cell)), agents),
        "agent_id": (lambda cell: GUID.fullmatch(bare_word(cell)) is not None and known(cell), agents),
        "status": (lambda cell: cell.strip() in _ANSWERS and status_of(cell) is not None, "status" in found),
    }
    for meaning, (is_one, there) in kinds.items():
        fit = [] if there else [one for one, cells in free.items() if sum(map(is_one, cells)) >= len(cells) * _SHARE]
        if meaning.startswith("agent"):
            fit = [one for one in fit if whose(one) is not Whose.SOMEBODY_ELSE]
        if len(fit) == 1 and not (meaning == "agent_id" and "agent" in found):
            found[meaning] = fit[0]
            del free[fit[0]]
    return found


def _is_time(cell: str) -> bool:
    if len(cell.strip()) < 10:  # a bare number may be anything
        return False
    try:
        instant(cell, None)
    except NoTime as error:
        return error.needs_zone
    return True
