"""Paste anything, read what it means: an e-mail, a log line, an Architect error, a raw HTTP answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from wfm import catalogue
from wfm.diagnosis.families import contradiction
from wfm.diagnosis.lanes import REFUSALS, four_lanes
from wfm.diagnosis.matching import verdict
from wfm.diagnosis.rule_docs import page_for
from wfm.diagnosis.rules import Case
from wfm.domain.diagnoses import Diagnosis, Evidence, Explanation, Kind, UnknownName
from wfm.payloads import paste
from wfm.payloads.correlation import UUID
from wfm.payloads.encodings import decode
from wfm.payloads.limits import clean, excerpt
from wfm.payloads.names import names_in
from wfm.payloads.parsed_response import ParsedResponse
from wfm.payloads.response_reader import read

MAX_PATHS, MAX_NAMES = 8, 12

_PATHS = re.compile(
    r"(?:\b(GET|HEAD|POST|PUT|PATCH|DELETE)\b[^\n/]{0,80}?)?(?:https?://[^\s/\"']{1,200})?(/api/v\d/[\w\-/{}.%$~]{2,300})"
)
_TOKEN_URL = re.compile(r"https?://[^\s/\"']{3,200}/oauth/token\b")
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}|\$\{(?:input\.)?(\w+)\}")
_ID = re.compile(rf"{UUID}|(?<=/)\d{{2,}}(?=/|$)")
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


ALSO = "Also in this text"
"""The field that names a further failure in the same text."""


def explain(text: str | bytes, evidence: Evidence | None = None, status: int | None = None) -> Explanation:
    """What a pasted text means: its fields, the diagnosis, the page of its rule, and names that no catalogue holds.

    Never raises; bounded as `diagnose` is. A status line and headers above a body are taken as such, also in what
    `curl -v` prints; `status` counts where the text has none. Of several payloads the first is explained, and the
    others are named in `others` and among the fields.
    """
    whole, _ = decode(text)
    found = _answers(text, evidence or Evidence(), status)
    response, case, diagnosis = _first(found)
    others = _others(diagnosis, [one[2] for one in found])
    return Explanation(
        form=response.form.value,
        fields=(*_fields(response, diagnosis, case.call), *((ALSO, _in_one_line(other)) for other in others)),
        call=clean(case.call, 300) if case.call else None,
        diagnosis=diagnosis,
        page=page_for(diagnosis.rule),
        unknown=_unknown(excerpt(whole)),
        others=others,
        lanes=four_lanes(diagnosis, case.evidence, case.call) if diagnosis.kind in REFUSALS else {},
    )


def diagnose_pasted(text: str | bytes, evidence: Evidence) -> Diagnosis:
    """The diagnosis of the first failure in a pasted text. Never raises."""
    return _first(_answers(text, evidence, None))[2]


_Answer = tuple[ParsedResponse, Case, Diagnosis]


def _answers(text: str | bytes, evidence: Evidence, status: int | None) -> list[_Answer]:
    whole, cut = decode(text)
    parts = paste.take_apart(whole)
    return [_diagnosed(part, evidence, status, cut=cut and len(parts) == 1) for part in parts]


def _first(found: Sequence[_Answer]) -> _Answer:
    return next((one for one in found if one[2].kind is not Kind.UNPARSEABLE), found[0])


def _diagnosed(part: paste.Pasted, evidence: Evidence, status: int | None, *, cut: bool) -> _Answer:
    """One answer, read and judged, with the call that the text around it names where the caller knows none."""
    response = read(part.status if part.status is not None else status, part.headers, part.body, cut=cut)
    if evidence.call is None:
        evidence = replace(evidence, call=_first_call(part.around))
    return response, Case(response=response, evidence=evidence), verdict(response, evidence)


def _others(diagnosis: Diagnosis, found: Sequence[Diagnosis]) -> tuple[Diagnosis, ...]:
    """The other failures in the text, each cause once."""
    once: dict[tuple[object, ...], Diagnosis] = {
        (one.kind, one.code, one.missing): one for one in found if one.kind is not Kind.UNPARSEABLE
    }
    once.pop((diagnosis.kind, diagnosis.code, diagnosis.missing), None)
    return tuple(once.values())


def _in_one_line(diagnosis: Diagnosis) -> str:
    head = " ".join(part for part in (str(diagnosis.status or ""), diagnosis.code or "") if part)
    return f"{diagnosis.kind.words}{f' ({head})' if head else ''}: {diagnosis.summary()}"


def _first_call(text: str) -> str | None:
    """The first call that a text names with its verb, templates in any spelling; else a path of the brief without one."""
    named = [(verb, path.rstrip("./")) for verb, path in _PATHS.findall(_normal(excerpt(text)))]
    calls = [f"{verb} {path}" for verb, path in named if verb]
    if not calls and (token := _TOKEN_URL.search(text)):
        return f"POST {token.group()}"
    return next(iter(calls), None) or next((path for _, path in named if path.startswith("/api/v2/wfm/")), None)


def _normal(text: str) -> str:
    return _PLACEHOLDER.sub(lambda found: "{" + (found.group(1) or found.group(2)) + "}", text)


def _fields(response: ParsedResponse, diagnosis: Diagnosis, call: str | None) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = [("Read as", response.form.value)]

    def add(name: str, value: object) -> None:
        if value:
            pairs.append((name, clean(str(value), 1_000)))

    add("Call", call)
    add("HTTP status", diagnosis.status)
    add("Code", diagnosis.code)
    add("Message", diagnosis.message)
    add("Correlation id", diagnosis.correlation_id)
    add("Class of the Data Action error", response.category)
    add("Missing", ", ".join(diagnosis.missing))
    add("Divisions", ", ".join(diagnosis.divisions))
    add("About", diagnosis.entity)
    for detail in response.deciding.details[:10]:
        add("Detail", " · ".join(part for part in (detail.code, detail.field, detail.entity_name, detail.entity_id) if part))
    for name, value in response.deciding.params[:10]:
        add(f"Parameter {name}", value)
    for name in _RATE_HEADERS:
        add(name, response.headers.get(name))
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
    permissions, scopes = names_in(text)
    given = list(dict.fromkeys((*permissions, *scopes)))
    found = [_unknown_path(verb, path) for path, verb in list(verbs.items())[:MAX_PATHS]]
    found += [_unknown_name(name, as_scope=name in scopes and name.count(":") < 2) for name in given[:MAX_NAMES]]
    found += [_unknown_resource(name) for name in dict.fromkeys(_RESOURCE.findall(text))]
    return tuple(unknown for unknown in found if unknown is not None)


def _unknown_resource(given: str) -> UnknownName:
    nearest = "genesyscloud_integration_action"
    sentence = f"{given} is no resource of the Genesys Cloud Terraform provider; nearest: {nearest}."
    return UnknownName(what="resource type", given=given, nearest=nearest, sentence=sentence)


def _unknown_path(verb: str, path: str) -> UnknownName | None:
    given = clean(_ID.sub("{id}", path), 200)
    template = catalogue.published_path(path)
    if template is None:
        nearest = _nearest(verb, path)
        tail = f"; nearest: {nearest}" if nearest else ""
        return UnknownName(
            what="path", given=given, nearest=nearest, sentence=f"{given} is not in Genesys's published API{tail}."
        )
    verbs = sorted(catalogue.published_paths()[template])
    if not verb or verb in verbs:
        return None
    return UnknownName(
        what="call",
        given=f"{verb} {given}",
        nearest=f"{verbs[0]} {template}",
        sentence=f"{given} is in Genesys's published API, but not with {verb}: it takes {' and '.join(verbs)}.",
    )


def _nearest(verb: str, path: str) -> str:
    """What does the same job for the brief's paths, else the published call whose path resembles it most."""
    for ending, key in _SAME_JOB:
        if path.startswith("/api/v2/wfm/") and ending in path:
            return key
    template = catalogue.nearest_path(path, verb)
    verbs = catalogue.published_paths().get(template, frozenset())
    return f"{verb if verb in verbs else min(verbs)} {template}" if verbs else ""


def _unknown_name(name: str, *, as_scope: bool) -> UnknownName | None:
    if name in catalogue.published_scopes() or name in catalogue.published_permissions() or "*" in name:
        return None
    what = "scope" if as_scope or name in catalogue.BRIEF_SCOPES else "permission"
    pool = catalogue.published_scopes() if as_scope else catalogue.published_permissions()
    nearest = _SCOPE_OF.get(name) or catalogue.nearest_name(name, pool)
    if name in catalogue.BRIEF_SCOPES:
        says = "is neither a scope nor a permission of Genesys's published API; some tenants use it as a scope"
    else:
        says = f"is not a {what} that Genesys's published API names"
    tail = f"; nearest: {nearest}" if nearest else ""
    return UnknownName(what=what, given=clean(name, 200), nearest=nearest, sentence=f"{clean(name, 200)} {says}{tail}.")
