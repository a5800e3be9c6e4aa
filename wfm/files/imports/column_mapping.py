"""The meaning of each column of a file by its name, or the names around a nested member; `column_inference` asks the cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from wfm.files.column_headers import Whose, column_key, is_head, whose

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
        *("action", "actionname", "dataaction", "dataactionname", "integrationaction", "aktion", "accion", "acao", "azione"),
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
_ENDS_WITH_ID = re.compile(r"(?:user|agent|member|employee)s?[._ -]?(?:id|guid|uuid)$", re.IGNORECASE)
_ID = re.compile(r"^id|(?:id|guid)$")
_MAIL = re.compile(r"mail|correo|courriel|メール|邮箱|郵箱|이메일|почта")
_MAX_DEPTH, _MAX_MEMBERS = 6, 200
HEAD_ROWS = 20
"""Rows of a table among which the head is looked for, and by which a column is judged that its head says nothing of."""


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


def may_be_status(column: str) -> bool:
    """Whether a column's name is one of an HTTP status: `httpStatus`, `error.status`."""
    begins, ends = _INSIDE["status"]
    return column_key(column) in MEANINGS["status"] or _inside([column], set(begins.split()), set(ends.split())) is not None


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
    columns = [one for one in columns if column_key(one) not in _NO_PERSON]
    heads = [one for one in columns if is_head(one)]
    # “targetUserId”, “detail.user.id”: not every word is known, but the last ones say whose id it is. One of them is taken.
    ids = [one for one in columns if one not in heads and whose(one) is Whose.AGENT and _ENDS_WITH_ID.search(one)]
    for column in [*sorted(heads, key=whose, reverse=True), *(ids if len(ids) == 1 else ())]:
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
