"""Paste anything, read what it means: an e-mail, a log line, an Architect error, a raw HTTP answer."""

from __future__ import annotations

import difflib
import re

from wfm import catalogue
from wfm.catalogue import PlatformOperation
from wfm.diagnosis.bounds import clean, decode, excerpt
from wfm.diagnosis.families import contradiction
from wfm.diagnosis.judging import verdict
from wfm.diagnosis.layers import as_status
from wfm.diagnosis.names import find_names
from wfm.diagnosis.pages import page_for
from wfm.diagnosis.reading import Reading, read
from wfm.diagnosis.rules import Case
from wfm.domain.diagnoses import Diagnosis, Evidence, Explanation, Provenance, UnknownName

MAX_PATHS, MAX_NAMES = 8, 12

_ANSWER = re.compile(r"^\s*(?:[<>*] ?)?HTTP/\d(?:\.\d)? ([1-5]\d\d)[^\n]{0,200}\n")
_CURL_MARK = re.compile(r"^[<>*] ?", re.MULTILINE)
_PATHS = re.compile(
    r"(?:\b(GET|HEAD|POST|PUT|PATCH|DELETE)\b[^\n/]{0,80}?)?(?:https?://[^\s/\"']{1,200})?(/api/v\d/[\w\-/{}.%$~]{2,300})"
)
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}|\$\{(?:input\.)?(\w+)\}")
_RESOURCE = re.compile(r"\bgenesyscloud_data_?action\b")
_RATE_HEADERS = ("inin-ratelimit-allowed", "inin-ratelimit-count", "inin-ratelimit-reset", "retry-after")
_SAME_JOB = (
    ("/availability", "PATCH /api/v2/users/{userId}/presences/purecloud"),
    ("/adherence", "POST /api/v2/workforcemanagement/agents/{agentId}/adherence/explanations"),
    ("/schedule", "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/agentschedules/search"),
)
_SCOPE_OF = {
    "wfm:schedule:read": "permission wfm:schedule:view or wfm:publishedSchedule:view, scope workforce-management:readonly",
    "wfm:schedule:write": "permission wfm:schedule:edit, scope workforce-management",
    "wfm:schedule:update": "permission wfm:schedule:edit, scope workforce-management",
}


def explain(text: str, evidence: Evidence | None = None) -> Explanation:
    """What a pasted text means: its fields, the diagnosis, the page of its rule, and names that no catalogue holds.

    Never raises; bounded as `diagnose` is. A status line and headers above a body are taken as such.
    """
    whole, _ = decode(text)
    status, headers, body = _split_answer(whole)
    reading = read(status, headers, body)
    evidence = evidence or Evidence()
    if evidence.call is None:
        named = _first_call(whole)
        evidence = Evidence(call=named, via=evidence.via) if evidence == Evidence() else evidence
    case = Case(reading=reading, evidence=evidence)
    diagnosis = verdict(reading, evidence)
    return Explanation(
        form=reading.form.value,
        fields=_fields(reading, diagnosis, case.call),
        call=clean(case.call, 300) if case.call else None,
        diagnosis=diagnosis,
        page=page_for(diagnosis.rule),
        unknown=_unknown(excerpt(whole)),
    )


def _split_answer(text: str) -> tuple[int | None, dict[str, str], str]:
    """A raw HTTP answer (also as curl -v prints it) in its three parts; anything else is all body."""
    start = _ANSWER.match(text)
    if start is None:
        return None, {}, text
    head, _, body = re.sub(r"\r\n?", "\n", text).partition("\n\n")
    lines = [_CURL_MARK.sub("", line) for line in head.splitlines()[1:101]]
    headers = {name.strip(): value.strip() for name, mark, value in (line.partition(":") for line in lines) if mark}
    return as_status(start.group(1)), headers, body


def _first_call(text: str) -> str | None:
    """The first call that a text names with its verb, templates in any spelling."""
    for verb, path in _PATHS.findall(_normal(excerpt(text))):
        if verb:
            return f"{verb} {path.rstrip('.')}"
    return None


def _normal(text: str) -> str:
    return _PLACEHOLDER.sub(lambda found: "{" + (found.group(1) or found.group(2)) + "}", text)


def _fields(reading: Reading, diagnosis: Diagnosis, call: str | None) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = [("Read as", reading.form.value)]

    def add(name: str, value: object) -> None:
        if value:
            pairs.append((name, clean(str(value), 1_000)))

    add("Call", call)
    add("HTTP status", diagnosis.status)
    add("Code", diagnosis.code)
    add("Message", diagnosis.message)
    add("Correlation id", diagnosis.correlation_id)
    add("Class of the Data Action error", reading.category)
    add("Missing", ", ".join(diagnosis.missing))
    add("Divisions", ", ".join(diagnosis.divisions))
    add("About", diagnosis.entity)
    for detail in reading.deciding.details[:10]:
        add("Detail", " · ".join(part for part in (detail.code, detail.field, detail.entity_name, detail.entity_id) if part))
    for name, value in reading.deciding.params[:10]:
        add(f"Parameter {name}", value)
    for name in _RATE_HEADERS:
        add(name, reading.headers.get(name))
    add("Note", contradiction(diagnosis))
    if len(diagnosis.chain) > 1:
        for number, line in enumerate(diagnosis.chain, 1):
            add(f"Error {number}", line)
    return tuple(pairs)


def _unknown(text: str) -> tuple[UnknownName, ...]:
    """Names that no catalogue holds, each once; comparing costs time, so only the first few of each sort are looked at."""
    text = _normal(text)
    verbs: dict[str, str] = {}
    for verb, path in _PATHS.findall(text):
        path = path.rstrip("./")
        verbs[path] = verbs.get(path) or verb
    names = find_names(text, (), None)
    given = list(dict.fromkeys((*names.permissions, *names.scopes)))
    found = [_unknown_path(verb, path) for path, verb in list(verbs.items())[:MAX_PATHS]]
    found += [_unknown_name(name, as_scope=name in names.scopes and name.count(":") < 2) for name in given[:MAX_NAMES]]
    found += [_unknown_resource(name) for name in dict.fromkeys(_RESOURCE.findall(text))]
    return tuple(unknown for unknown in found if unknown is not None)


def _unknown_resource(given: str) -> UnknownName:
    nearest = "genesyscloud_integration_action"
    sentence = f"{given} is no resource of the Genesys Cloud Terraform provider; nearest: {nearest}."
    return UnknownName(what="resource type", given=given, nearest=nearest, sentence=sentence)


def _unknown_path(verb: str, path: str) -> UnknownName | None:
    given = clean(path, 200)
    verbs = (verb,) if verb else ("GET", "PATCH", "PUT", "POST", "DELETE")
    known = next((one for one in (catalogue.match(name, path) for name in verbs) if one is not None), None)
    if known is not None and known.provenance is Provenance.PUBLISHED:
        return None
    nearest = _nearest(verb, path)
    if known is not None or path.startswith("/api/v2/wfm/"):
        says = "is not in Genesys's published API"
    elif any(one.path == nearest.path and catalogue.match(one.verb, path) for one in catalogue.operations().values()):
        return None  # the path is known, the verb was not meant as its verb
    else:
        says = "is not among the calls that this desk knows"
    sentence = f"{given} {says}; nearest: {nearest.key}."
    return UnknownName(what="path", given=given, nearest=nearest.key, sentence=sentence)


def _nearest(verb: str, path: str) -> PlatformOperation:
    """What does the same job for the brief's paths, else the published call whose path resembles it most."""
    for ending, key in _SAME_JOB:
        if path.startswith("/api/v2/wfm/") and ending in path and key in catalogue.operations():
            return catalogue.operation(key)
    same_verb = [known for known in catalogue.operations().values() if known.verb == verb]
    return catalogue.nearest(path[:300], same_verb or None)


def _unknown_name(name: str, *, as_scope: bool) -> UnknownName | None:
    if name in catalogue.known_scopes() or name in catalogue.known_permissions():
        return None
    what = "scope" if as_scope or name in catalogue.BRIEF_SCOPES else "permission"
    pool = sorted(catalogue.known_scopes() if as_scope else catalogue.known_permissions())
    close = difflib.get_close_matches(name[:200], pool, n=1, cutoff=0.5)
    nearest = _SCOPE_OF.get(name) or (close[0] if close else "")
    if name in catalogue.BRIEF_SCOPES:
        says = "is neither a scope nor a permission of Genesys's published API; some tenants use it as a scope"
    else:
        says = f"is not among the {what}s that this desk knows"
    tail = f"; nearest: {nearest}" if nearest else ""
    return UnknownName(what=what, given=clean(name, 200), nearest=nearest, sentence=f"{clean(name, 200)} {says}{tail}.")
