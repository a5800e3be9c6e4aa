"""The request itself is at fault: a value, its size, its verb, its form."""

from __future__ import annotations

from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words, pattern
from wfm.domain.diagnoses import Kind, Provenance

_BAD = frozenset({400, 422})


def fields(case: Case) -> tuple[str, ...]:
    """The fields that the answer names, in the order found."""
    found: dict[str, None] = {}
    for layer in case.reading.layers:
        if layer.level == case.reading.level:
            found.update(dict.fromkeys(detail.field for detail in layer.details if detail.field))
            found.update(dict.fromkeys(value for key, value in layer.params if key == "field" and value))
    return tuple(found)


def _validation_words(case: Case, names: tuple[str, ...]) -> Words:
    named = fields(case)
    where = f" ({', '.join(named[:4])})" if named else ""
    said = case.reading.deciding.message.rstrip(".")
    tail = f": {said}." if 0 < len(said) <= 160 else "."
    return Words(
        cause=f"A value of the request{where} is not accepted{tail}",
        confirm="Compare the request with what the message asks for.",
        fix="Correct the value and send the request again.",
        who="Supervisor",
    )


VALIDATION = Rule(
    key="value-not-accepted",
    kind=Kind.VALIDATION,
    title="A value is not accepted",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
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
            r"\b(?:is|are|was) not (?:a )?valid",
            r"(?<!token )(?<!credentials )(?<!key )\b(?:is|are|was) invalid\b",
            r"\binvalid (?:value|input|param\w*|date|id|uuid|format|request (?:data|body|parameters?)|query)",
            r"\b(?:cannot|can'?t|may not) be (?:null|blank|empty)",
            r"\bvalidation (?:errors?|failed|failure)",
            r"\ballowable values",
            r"\bdid not pass validation",
            r"\bincorrect values?\b",
            r"\bexceeds \d+ characters",
            r"\bmaximum (?:number|amount|count) of\b",
            r"\bmissing (?:required |mandatory )?(?:parameter|field|property|argument|header)\b",
            r"\bshould not be (?:null|empty|blank)",
            r"\b(?:was|were) not (?:provided|supplied|given)\b",
        ),
        statuses=frozenset({422}),
        within=_BAD,
    ),
    said=_validation_words,
    words=Words(
        cause="A value of the request is not accepted.",
        confirm="Compare the request with what the message asks for.",
        fix="Correct the value and send the request again.",
        who="Supervisor",
    ),
    page=Page(
        means="The request was understood, and one of its values is missing, of the wrong form, or out of its bounds.",
        confirm="The message, or the details, name the field.",
        fix="Correct the value. Dates are ISO 8601 in UTC, ids are UUIDs.",
        who_can="Whoever wrote the request: the supervisor for values, the action's owner for its template.",
        provenance="Published: invalid.value, invalid.date, constraint.validation and others are declared on most calls.",
        retry="No.",
    ),
    example=Example(
        status=400,
        body=(
            '{"message":"Value [banana] is not valid for field type [date]. Allowable values are: ISO-8601",'
            '"code":"invalid.value","status":400}'
        ),
    ),
)

TOO_LARGE = Rule(
    key="too-large",
    kind=Kind.PAYLOAD_TOO_LARGE,
    title="The request or its answer is too large",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
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
    words=Words(
        cause="The request, or the answer it asks for, is larger than allowed.",
        confirm="The message names the limit in bytes, or says that the response is meant.",
        fix="Send fewer agents at once, or ask for smaller pages.",
        who="Supervisor",
    ),
    page=Page(
        means="Either the request body or the answer would be over the size limit. The code says which of the two.",
        confirm="request.entity.too.large is the request, response.entity.too.large the answer.",
        fix="Fewer agents a request; smaller pages or fewer expands for the answer.",
        who_can="Whoever wrote the request.",
        provenance="Published: both codes are declared on practically every call.",
        retry="No: the same request stays too large.",
    ),
    example=Example(
        status=413,
        body=(
            '{"message":"The request is over the size limit. Maximum bytes: 3145728","code":"request.entity.too.large",'
            '"status":413}'
        ),
    ),
)

METHOD = Rule(
    key="method-not-allowed",
    kind=Kind.METHOD_NOT_ALLOWED,
    title="The path does not take this verb",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(r"^method\.not\.(?:allowed|supported)$"),
        sentences=pattern(r"\bmethod (?:is )?not (?:allowed|supported)", r"\brequest method '\w+' not supported"),
        statuses=frozenset({405}),
        within=frozenset({405, 501}),
    ),
    words=Words(
        cause="The path exists, but does not take this verb or this operation.",
        confirm="The Allow header lists the verbs that it takes.",
        fix="Correct the verb of the request or of the Data Action.",
        who="Action owner",
    ),
    page=Page(
        means="The path is there and the verb (or the operation on this kind of thing) is not: PATCH where PUT is meant, say.",
        confirm="The Allow header of the answer lists what is taken; the catalogue too.",
        fix="Correct the verb in the Data Action's configuration.",
        who_can="The owner of the Data Action.",
        provenance="Published: declared for execute as the code method not allowed, with spaces.",
        retry="No.",
    ),
    example=Example(
        status=405,
        body='{"message":"The request method is not allowed for this resource","code":"method not allowed","status":405}',
    ),
)

BAD_REQUEST = Rule(
    key="bad-request",
    kind=Kind.BAD_REQUEST_OTHER,
    title="The request can't be used",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        weak_codes=pattern(
            r"\bbad\.request$",
            r"^unsupported\.media\.type$",
            r"^invalid\.request$",
            r"^too\.many\.results$",
            r"^(?:\w+\.)?(?:client|sender)$",
        ),
        statuses=frozenset({400, 406, 411, 414, 415, 416, 417, 418, 421, 426, 494}),
        within=frozenset({400, 406, 415}),
    ),
    words=Words(
        cause="The request is not understood, or does not fit the state of what it touches.",
        confirm="Compare the request with the contract of the call, its Content-Type included.",
        fix="Correct the request. The message or the details may name the part.",
        who="Action owner",
    ),
    page=Page(
        means="The request could not be used and the answer names no field: malformed JSON, a wrong media type, a wrong state.",
        confirm="Send the same body with a tool that checks JSON; compare it with the contract of the call.",
        fix="Correct the request, or the template that makes it.",
        who_can="Whoever wrote the request; behind a Data Action, its owner.",
        provenance="Published: bad.request is declared on practically every call.",
        retry="No.",
    ),
    example=Example(
        status=400,
        body=(
            '{"message":"The request could not be understood by the server due to malformed syntax.","code":"bad.request",'
            '"status":400}'
        ),
    ),
)

REDIRECTED = Rule(
    key="redirected",
    kind=Kind.BAD_REQUEST_OTHER,
    title="The answer is a redirect",
    provenance=Provenance.OBSERVED,
    signs=Signs(statuses=frozenset(range(300, 400))),
    words=Words(
        cause="The server sends the call elsewhere instead of answering it.",
        confirm="The Location header says where: a sign-in page, or another host.",
        fix="Call the API host of the organization's region directly.",
        who="Action owner",
    ),
    page=Page(
        means="A redirect came instead of an answer. The API does not redirect: the host, the scheme or the region is wrong.",
        confirm="Look at the Location header.",
        fix="Correct the host in the settings or in the Data Action.",
        who_can="Whoever set the address.",
        provenance="Observed.",
        retry="No.",
    ),
    example=Example(status=302, headers={"Location": "https://login.example.com/"}, body=""),
)

RULES = (REDIRECTED, TOO_LARGE, METHOD, VALIDATION, BAD_REQUEST)
