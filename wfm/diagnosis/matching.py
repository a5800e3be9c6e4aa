"""The verdict: which rule fits, and the Diagnosis made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from wfm.diagnosis import sides
from wfm.diagnosis.rules import RULES, UNREAD, Case, Rule, servers
from wfm.diagnosis.rules.base import EXECUTE
from wfm.diagnosis.rules.elsewhere import ANOTHER_SERVICE
from wfm.diagnosis.rules.request import fields
from wfm.domain.diagnoses import NO_FAILURES, Confidence, Diagnosis, Evidence
from wfm.payloads.error_envelopes import ErrorEnvelope
from wfm.payloads.limits import clean
from wfm.payloads.parsed_response import Form, ParsedResponse
from wfm.payloads.response_reader import read

NOTHING_KNOWN = Evidence()

# The rules by their matchers, in their order: most have none of a sort.
_SPECIAL = tuple((rule.matchers.special, rule) for rule in RULES if rule.matchers.special is not None)
_HINTS = tuple((rule.matchers.hint, rule) for rule in RULES if rule.matchers.hint is not None)
_CODED = tuple(rule for rule in RULES if rule.matchers.codes is not None or rule.matchers.codes_within is not None)
_WEAKLY_CODED = tuple(rule for rule in RULES if rule.matchers.weak_codes is not None)
_BY_STATUS = {status: rule for rule in reversed(RULES) for status in rule.matchers.statuses}


def diagnose(
    status: int | None,
    headers: Mapping[str, str],
    body: bytes | str | None,
    evidence: Evidence = NOTHING_KNOWN,
) -> Diagnosis:
    """What an answer means. Any bytes are taken: never raises, work bounded by 256 KB and 200 levels.

    `evidence` is what is known around the answer (the call, the scopes held); it makes the diagnosis better than the
    text alone allows. The strings of the result are bounded, free of secrets, and can be stored and encoded.
    """
    return verdict(read(status, headers, body), evidence)


def verdict(response: ParsedResponse, evidence: Evidence) -> Diagnosis:
    """The diagnosis of a reading."""
    case = Case(response=response, evidence=of_the_failing_call(response, evidence))
    rule, confidence = match_rule(case)
    names = rule.names(case) if rule.names else ()
    elsewhere = sides.sentences(case, rule)
    page = ANOTHER_SERVICE if elsewhere is not None and rule.kind in sides.REFUSED else rule
    sentences = elsewhere or rule.sentences(case)
    return Diagnosis(
        kind=rule.kind_of(case),
        status=response.status if response.status is not None else case.status,
        code=_code(response, rule),
        message=clean(response.deciding.message or response.outer_text or response.text or evidence.fault, 1_000),
        missing=tuple(clean(name, 200) for name in names),
        divisions=response.names.divisions,
        correlation_id=clean(response.correlation_id, 200) if response.correlation_id else None,
        retryable=rule.may_retry(case),
        entity=_entity(case),
        chain=_chain(response),
        rule=page.key,
        confidence=confidence,
        provenance=page.source.provenance,
        cause=sentences.cause,
        confirm=sentences.confirm,
        fix=sentences.fix,
        who=sides.who(case, sentences.who),
    )


def of_the_failing_call(response: ParsedResponse, evidence: Evidence) -> Evidence:
    """The evidence for the request that failed: behind a Data Action the one that its web service refused.

    An action calls with the credentials of its integration: what is known of the caller says nothing about them.
    """
    inside = response.level > 0 and evidence.call is not None and EXECUTE.search(evidence.call)
    if not (evidence.behind and inside):
        return evidence
    return Evidence(call=evidence.behind, via=evidence.via, behind=evidence.behind, fault=evidence.fault)


def _code(response: ParsedResponse, rule: Rule) -> str | None:
    """The code of the error that decides. Of a torn answer that no code explains, the one left is not it."""
    code = response.deciding.code
    return clean(code, 200) if code and rule is not UNREAD[0] else None


def match_rule(case: Case) -> tuple[Rule, Confidence]:
    """The first rule that fits, strongest matchers first, and how sure that makes it."""
    for special, rule in _SPECIAL:
        if special(case):
            return rule, Confidence.LIKELY if rule.key.startswith("brief") else Confidence.CERTAIN
    found = _by_code(case) or _by_sentence(case, case.text) or _by_hint(case)
    if found is not None:
        return found
    found = _by_weak_code(case)
    deciding = case.response.deciding
    if found is None and case.response.form is Form.TRUNCATED and (deciding.truncated or not deciding.code):
        return UNREAD[0], Confidence.GUESS  # of what is lost nothing is known: its bare status is not believed
    found = found or _by_status(case.status)
    if found is not None:
        return found
    outer = _by_outer(case)
    if outer is not None:
        return outer
    for rule in UNREAD:
        if rule.matchers.special is not None and rule.matchers.special(case):
            return rule, Confidence.LIKELY if rule.key in NO_FAILURES else Confidence.GUESS
    raise AssertionError("the last rule takes everything")


def _by_code(case: Case) -> tuple[Rule, Confidence] | None:
    for words in (case.response.words, case.response.header_words):
        for rule in _CODED if words else ():
            matchers = rule.matchers
            anywhere = matchers.codes is not None and matchers.codes.search(words)
            inside = (
                matchers.codes_within is not None and matchers.applies_to_status(case) and matchers.codes_within.search(words)
            )
            if anywhere or inside:
                return rule, Confidence.CERTAIN
    return None


def _by_sentence(case: Case, text: str) -> tuple[Rule, Confidence] | None:
    # What a web server's page says of permissions is about its files, not about the platform's roles.
    asked = servers.RULES if case.response.form is Form.PAGE else RULES
    for rule in asked if text else ():
        matchers = rule.matchers
        if matchers.sentences is not None and matchers.applies_to_status(case) and matchers.sentences.search(text):
            return rule, Confidence.LIKELY
    return None


def _by_hint(case: Case) -> tuple[Rule, Confidence] | None:
    return next(((rule, Confidence.LIKELY) for hint, rule in _HINTS if hint(case)), None)


def _by_weak_code(case: Case) -> tuple[Rule, Confidence] | None:
    for words in (case.response.words, case.response.header_words):
        for rule in _WEAKLY_CODED if words else ():
            matchers = rule.matchers
            if matchers.weak_codes is not None and matchers.applies_to_status(case) and matchers.weak_codes.search(words):
                return rule, Confidence.LIKELY
    return None


def _by_status(status: int | None) -> tuple[Rule, Confidence] | None:
    if status in _BY_STATUS:
        return _BY_STATUS[status], Confidence.GUESS
    if status is None or status < 300:
        return None
    return _BY_STATUS[500 if status >= 500 else 400], Confidence.GUESS


def _by_outer(case: Case) -> tuple[Rule, Confidence] | None:
    """What the bodies around a silent inner one say."""
    envelopes = [envelope for envelope in case.response.envelopes if envelope.level < case.response.level]
    for envelope in envelopes:
        around = Case(response=replace(case.response, envelopes=(envelope,)), evidence=case.evidence)
        found = _by_code(around) or _by_sentence(around, around.text) or _by_weak_code(around)
        if found is not None:
            return found[0], Confidence.GUESS
    return _by_status(case.response.status)


def _entity(case: Case) -> str | None:
    """The thing that the answer names: "schedule 62f7…"."""
    here = [envelope for envelope in case.response.envelopes if envelope.level == case.response.level]
    for envelope in here:
        if envelope.entity_id or envelope.entity_name:
            return clean(f"{envelope.entity_name} {envelope.entity_id}".strip(), 200)
        for detail in envelope.details:
            if detail.entity_id or detail.entity_name:
                return clean(f"{detail.entity_name or detail.field} {detail.entity_id}".strip(), 200)
    named = fields(case)
    return clean(named[0], 200) if named else None


def _chain(response: ParsedResponse) -> tuple[str, ...]:
    lines = dict.fromkeys(_line(envelope) for envelope in response.envelopes if envelope.says_something)
    return tuple(lines)[:12]


def _line(envelope: ErrorEnvelope) -> str:
    head = " ".join(part for part in (str(envelope.status or ""), envelope.code or "") if part)
    message = envelope.message.partition("{")[0].strip() if "{" in envelope.message else envelope.message
    return clean(f"{envelope.place}: {head}{' · ' if head and message else ''}{message}", 240)
