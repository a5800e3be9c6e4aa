"""The request itself is at fault: a value, its size, its verb, its form."""

from __future__ import annotations

from collections.abc import Mapping

from wfm.diagnosis.rules.base import PROSE, Case, pattern, said
from wfm.diagnosis.rules.record import Example, Matchers, Rule, observed, platform_error, published
from wfm.domain.diagnoses import Kind

_BAD = frozenset({400, 422})


def fields(case: Case) -> tuple[str, ...]:
    """The fields that the answer names, in the order found."""
    found: dict[str, None] = {}
    for layer in case.response.envelopes:
        if layer.level == case.response.level:
            found.update(dict.fromkeys(detail.field for detail in layer.details if detail.field))
            found.update(dict.fromkeys(value for key, value in layer.params if key == "field" and value))
            if layer.place.startswith("errors") and layer.path and "/" not in layer.path:
                found[layer.path] = None
    return tuple(found)


_OF_TERRAFORM = pattern(r"\bAPI Error: \d{3} - ")


def _said_in_body(case: Case) -> Mapping[str, str]:
    told = case.response.deciding.place not in PROSE or _OF_TERRAFORM.search(case.text)
    return said(case, _OF_TERRAFORM) if told else {}


def _validation_values(case: Case) -> Mapping[str, str]:
    named = fields(case)
    return {"where": f" ({', '.join(named[:4])})" if named else "", **said(case, VALIDATION.matchers.sentences)}


VALIDATION = Rule(
    key="value-not-accepted",
    kind=Kind.VALIDATION,
    title="A value is not accepted",
    matchers=Matchers(
        codes_within=pattern(
            r"\binvalid\b(?!\.(?:request|grant|scope|(?:\w+\.)?token|session|api\.key|signature|auth\w*|credentials)$)",
            r"\bvalidat\w+",
            r"\bconstraint\b",
            r"\bmalformed\b",
            r"\brequired\b",
            r"\bmissing\b",
            r"\bnot\.valid\b",
            r"\bnot\.specified\b",
            r"\bcannot\.be\.(?:blank|null|empty)",
            r"\b(?:too\.(?:long|short|small|high|low))\b",
            r"\blength\.exceeded",
            r"\bout\.of\.bounds",
            r"\bnotnull\b",
            r"\bunparseable\b",
            r"\bvalue\.\w+",
            r"\bunprocessable\b",
            r"\buser\.input\b",
            r"^max\.[a-z.]{1,60}$",
            r"\btoo\.many\.[a-z.]{1,40}\.requested$",
            r"\bno\.[a-z.]{1,60}\.(?:specified|given|provided)\b",
        ),
        sentences=pattern(
            r"\b(?:is|are) (?:a )?required\b",
            r"\bmust (?:be|not|have|contain|match|specify)",
            r"\b(?:is|are|was) not (?:a )?valid(?! JSON)",
            r"(?<!token )(?<!credentials )(?<!key )\b(?:is|are|was) invalid\b",
            r"\binvalid (?:\w{1,20} ){1,2}(?:id|uuid|format|specified)s?\b",
            r"\binvalid (?:value|input|param\w*|date|id|uuid|format|request (?:data|body|parameters?)|query)",
            r"\b(?:cannot|can'?t|may not) be (?:null|blank|empty)",
            r"\bvalidation (?:errors?|failed|failure)",
            r"\ballowable values",
            r"\bdid not pass validation",
            r"\bincorrect values?\b|\b(?:page|sync) token (?:\w+ ){1,4}expired\b",
            r"\bexceeds \d+ characters",
            r"\bmaximum (?:number|amount|count) of\b",
            r"\bmissing (?:required |mandatory )?(?:parameter|field|property|argument|header)\b",
            r"\bwas not found in the options file\b",  # Archy
            r"\bshould not be (?:null|empty|blank)",
            r"\b(?:was|were) not (?:provided|supplied|given)\b",
        ),
        statuses=frozenset({422}),
        within=_BAD,
    ),
    cause="A value of the request{where|} is not accepted{said|}.",
    more="Dates are ISO 8601 in UTC, ids are UUIDs.",
    confirm="Compare the request with what the message asks for.",
    fix="Correct the value and send the request again.",
    who="Supervisor",
    values=_validation_values,
    source=published("invalid.value, invalid.date, constraint.validation and others are declared on most calls."),
    example=platform_error(
        400, "invalid.value", ("Value [banana] is not valid for field type [date]. Allowable values are: ISO-8601")
    ),
)

TOO_LARGE = Rule(
    key="too-large",
    kind=Kind.PAYLOAD_TOO_LARGE,
    title="The request or its answer is too large",
    matchers=Matchers(
        codes=pattern(r"\bresponse\.size\.(?:exceeded|reached)$"),
        codes_within=pattern(
            r"\b(?:request|response)\.(?:entity\.)?too\.large$",
            r"\b(?:payload|entity|body|content)\.too\.large$",
            r"\bbody\.size\.limit",
        ),
        sentences=pattern(
            r"\bover the size limit",
            r"\b(?:payload|entity|body) (?:is )?too large",
            r"\bmaximum bytes",
            r"\bexceeds the (?:maximum |allowed )?(?:payload |body )?size",
            r"\bexceeded (?:maximum )?(?:allowed )?(?:payload|response) size",
        ),
        statuses=frozenset({413, 414, 431}),
        within=frozenset({400, 413, 414, 431}),
    ),
    cause="The request, or the answer it asks for, is larger than allowed.",
    confirm="The message names the limit in bytes, or says that the response is meant.",
    fix="Send fewer agents at once, or ask for smaller pages.",
    who="Supervisor",
    retry="No: the same request stays too large.",
    source=published("request.entity.too.large and response.entity.too.large are declared on practically every call."),
    example=platform_error(413, "request.entity.too.large", "The request is over the size limit. Maximum bytes: 3145728"),
)

METHOD = Rule(
    key="method-not-allowed",
    kind=Kind.METHOD_NOT_ALLOWED,
    title="The path does not take this verb",
    matchers=Matchers(
        codes=pattern(r"^method\.not\.(?:allowed|supported)$"),
        sentences=pattern(r"\bmethod (?:is )?not (?:allowed|supported)", r"\brequest method '\w+' not supported"),
        statuses=frozenset({405}),
        within=frozenset({405, 501}),
    ),
    cause="The path exists, but does not take this verb or this operation.",
    confirm="The Allow header lists the verbs that it takes.",
    fix="Correct the verb of the request or of the Data Action.",
    who="Action owner",
    source=published("declared for execute as the code method not allowed, with spaces."),
    example=platform_error(405, "method not allowed", "The request method is not allowed for this resource"),
)

BAD_REQUEST = Rule(
    key="bad-request",
    kind=Kind.BAD_REQUEST_OTHER,
    title="The request can't be used",
    matchers=Matchers(
        weak_codes=pattern(
            r"\bbad\.request$",
            r"^unsupported\.media\.type$",
            r"^invalid\.request$",
            r"^too\.many\.results$",
            r"^unknown\.operation$",
            r"^(?:\w+\.)?(?:client|sender)$",
        ),
        statuses=frozenset({400, 406, 411, 414, 415, 416, 417, 418, 421, 426, 494}),
        within=frozenset({400, 406, 415}),
    ),
    cause="The request is not understood, or does not fit the state of what it touches{said|}.",
    more="Malformed JSON, a wrong media type or a wrong state are usual reasons.",
    confirm="Compare the request with the contract of the call, its Content-Type included.",
    fix="Correct the request. The message or the details may name the part.",
    who="Action owner",
    values=_said_in_body,
    source=published("bad.request is declared on practically every call."),
    example=platform_error(400, "bad.request", "The request could not be understood by the server due to malformed syntax."),
)

REDIRECTED = Rule(
    key="redirected",
    kind=Kind.BAD_REQUEST_OTHER,
    title="The answer is a redirect",
    matchers=Matchers(statuses=frozenset(range(300, 400))),
    cause="The server sends the call elsewhere instead of answering it.",
    more="The API does not redirect: the host, the scheme or the region is wrong.",
    confirm="The Location header says where: a sign-in page, or another host.",
    fix="Call the API host of the organization's region directly.",
    who="Action owner",
    source=observed(),
    example=Example(status=302, headers={"Location": "https://login.example.com/"}, body=""),
)

RULES = (REDIRECTED, TOO_LARGE, METHOD, VALIDATION, BAD_REQUEST)
