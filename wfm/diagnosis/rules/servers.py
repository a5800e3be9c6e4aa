"""Not the request but the other side: too many calls, no answer in time, not reachable, broken."""

from __future__ import annotations

from wfm.diagnosis.rules import unreachable
from wfm.diagnosis.rules.base import Case, Example, Page, Rule, Signs, Words, pattern
from wfm.diagnosis.rules.unreachable import BROKEN_STATUSES
from wfm.domain.diagnoses import Kind, Provenance
from wfm.payloads.parsed_response import Form

_PASSING = frozenset({408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524, 527, 529, 530, 598, 599})
_TIME = pattern(r"time")
_TRY_AGAIN = pattern(
    # not "delete one and try again" nor "try again with less": that is another request
    r"(?:\bwait\b[^.\n]{0,40}|(?<!\band )(?<!\bthen ))\btry (?:your request |it )?again\b(?! (?:with|using|once)\b)",
    r"\btoo busy",
    r"\bretry\b",
    r"\btemporar",
    r"\bat (?:this|the) (?:time|moment)\b",
    r"\bdeadlock",
)


def passes(case: Case) -> bool:
    """Whether waiting may help: by the status, or because the answer says so."""
    return case.status in _PASSING or bool(_TRY_AGAIN.search(case.text))


def _wait(case: Case) -> str:
    seconds = case.reading.headers.get("retry-after", "").strip()
    return f"Wait {seconds} s" if seconds.isascii() and seconds.isdigit() and len(seconds) < 6 else "Wait"


def _rate_words(case: Case, names: tuple[str, ...]) -> Words:
    allowed = case.reading.headers.get("inin-ratelimit-allowed", "")
    limit = f" ({allowed} in a window)" if allowed.isascii() and allowed.isdigit() else ""
    return Words(
        cause=f"Too many calls in a short time: the rate limit{limit} is used up.",
        confirm="The headers inin-ratelimit-count and inin-ratelimit-allowed show it. Other programs may share the client.",
        fix=f"{_wait(case)}, then send it again; the desk paces itself. For more, give the desk an OAuth client of its own.",
        who="Nobody: it passes",
    )


def _limit_of_calls(case: Case) -> bool:
    """Whether a limit is exceeded that passes: with 400 it is one on things, or on a value, and stays."""
    said = (case.reading.words, case.reading.header_words)
    return "limit.exceeded" in said and case.reading.firm_status in (None, 403, 429, 503)


RATE = Rule(
    key="rate-limit",
    kind=Kind.RATE_LIMITED,
    title="The rate limit is used up",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(
            r"\btoo\.many\.requests\b",
            r"^rate\.limit\w*(?:\.\w+)*$",
            r"\brate\.limit(?:ed|\.exceeded)",
            r"\bthrottl\w+",
            r"^request\.limit\.exceeded$",
            r"^slow\.down$",
            r"\brate\.?limited$",
            r"\brate\.?limit\.(?:\w+\.)*violation$",
            r"\bper\.(?:second|minute|hour|day)\.(?:\w+\.){0,4}(?:limit|quota)\b",
        ),
        hint=_limit_of_calls,
        codes_within=pattern(r"^(?:api|call|quota|usage)\.limit\.exceeded$", r"\b(?:quota|throughput)\.exceeded$"),
        sentences=pattern(
            r"\brate limit",
            r"\btoo many requests",
            r"\bthrottl",
            r"\bretry the request in\b",
            r"\b(?:requests?|calls?|updates?) per (?:second|minute|hour|day)",
            # of calls, not of things: "500 topics quota exceeded" does not pass
            r"(?:^|\b(?:api|requests?|calls?|rate|usage|daily|hourly|user) )quota (?:is |was |has been )?exceeded\b",
            r"\bquota exceeded for\b",
            r"\bexceeded (?:your|the) (?:api|request|rate|call)\b",
            r"\bslow down",
            r"\brequest limit (?:is )?(?:reached|exceeded)",
            r"\bquota will be (?:replenished|reset)",
            r"\bconcurren\w+ (?:rate )?limit",
        ),
        statuses=frozenset({429}),
        within=frozenset({400, 403, 429, 503}),
    ),
    retryable=True,
    said=_rate_words,
    words=Words(
        cause="Too many calls in a short time: the rate limit is used up.",
        confirm="The headers inin-ratelimit-count and inin-ratelimit-allowed show the use.",
        fix="Wait, then send it again; the desk paces itself.",
        who="Nobody: it passes",
    ),
    page=Page(
        means=(
            "More calls were made with this token, client or organization than allowed in the window. Data Actions have "
            "limits of their own. Nothing was changed by this call."
        ),
        confirm="inin-ratelimit-count against inin-ratelimit-allowed; Retry-After says how long to wait.",
        fix="Wait and try again. The desk does so and keeps its pace; another program on the same client eats into it.",
        who_can="Nobody has to. A higher limit is asked for by a support case.",
        provenance=(
            "Published: too.many.requests is declared on practically every call. Observed: the token server says it with 400."
        ),
        retry="Yes, after the time in Retry-After.",
    ),
    example=Example(
        status=429,
        headers={"Retry-After": "9"},
        body=(
            '{"message":"Rate limit exceeded the maximum. Retry the request in [9] seconds",'
            '"code":"too.many.requests.retry.after","status":429}'
        ),
    ),
)


def _no_answer(case: Case) -> bool:
    """Whether no answer came at all: the caller says why."""
    return bool(case.evidence.fault) and case.reading.status is None and case.reading.form is Form.EMPTY


def _no_answer_in_time(case: Case) -> bool:
    return _no_answer(case) and bool(_TIME.search(case.evidence.fault))


TIMEOUT = Rule(
    key="timed-out",
    kind=Kind.TIMEOUT,
    title="No answer in time",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        special=_no_answer_in_time,
        codes=pattern(
            r"\b(?:request|client|service|gateway|read|socket|connect(?:ion)?|api|upstream|execution|function)\.timed?\.?out\b",
            r"\b(?:authentication|authorization|integration|backend)\.timed?\.?out\b",
            r"^time(?:d)?\.?out(?:\.\w+)?$",
            # not a setting of that name, nor a session that ended
            r"^(?!invalid\b|max\b|min\b)(?:\w+\.){0,4}(?!regex\b|window\b|token\b|idle\b|session\b)\w+\.timed?\.?out$",
            r"^etimedout$",
        ),
        sentences=pattern(
            r"\btimed? ?out\b",
            r"\btimeout (?:error|exceeded|expired|occurred|waiting)",
            r"\bdeadline exceeded|\bexceeded (?:the|its) deadline|\be?timedout\b",
            r"\bdid not respond in time",
        ),
        statuses=frozenset({408, 504, 522, 524, 598, 599}),
        within=frozenset({404, 408, 499, 500, 502, 503, 504, 522, 524}),
    ),
    retryable=True,
    words=Words(
        cause="No answer came in time. A write may still have been done.",
        confirm="Read the state back before sending a write again.",
        fix="Wait, read back, and send again what was not done; the desk does it in that order.",
        who="Nobody: it passes",
    ),
    page=Page(
        means="The platform, or the service behind a Data Action, took longer than allowed. What became of a write is open.",
        confirm="Read the agent's state back.",
        fix="Send again only what was not done. If it repeats, send less, or raise the action's time-out (60 s at most).",
        who_can="Nobody has to; for a Data Action's time-out its owner.",
        provenance="Published: request.timeout and client.timeout are declared on practically every call.",
        retry="Yes, after reading back.",
    ),
    example=Example(status=504, body='{"message":"The request timed out.","code":"request.timeout","status":504}'),
)


UNAVAILABLE = Rule(
    key="not-reachable",
    kind=Kind.UPSTREAM_UNAVAILABLE,
    title="The service is not available just now",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        special=_no_answer,
        codes=pattern(r"\btoo\.busy$", r"\bcircuit\.open$"),
        codes_within=pattern(
            r"\b(?:service|server|temporarily)\.(?:is\.)?(?:unavailable|not\.available)",
            r"\bbad\.gateway",
            r"^external\.?service\b",
            r"^external\.server",
            r"\bconnection\.(?:refused|reset|error|failed)",
            r"\bhost\.unreachable",
            r"^econn(?:refused|reset)$",
            r"\bunexpected\.eof\b",
        ),
        sentences=pattern(
            r"\b(?:temporarily|currently) (?:unavailable|unable)",
            r"\bconnect(?:ion)? (?:was )?(?:refused|reset|aborted|closed)",
            r"\bno route to host",
            r"\bbad gateway",
            r"\bcircuit breaker",
            r"\bservice unavailable",
            r"\bfailed to connect",
            r"\bunexpected end of (?:file|stream|input) from\b",
            r"\bsocket hang up",
            r"\berr_(?:connection_\w+|empty_response|internet_disconnected|address_unreachable)",
            r"\bbroken pipe",
            r"\b(?:server|remote end|peer) (?:disconnected|closed (?:the )?connection)",
            r"\bempty reply from server",
            r"\bpremature (?:eof|end of (?:file|stream))",
            r"\bserver is (?:overloaded|down)",
            r"\beconn(?:refused|reset|aborted)\b|\beai_again\b|\behostunreach\b",
            r"\btemporary failure in name resolution",
            r"\bterminated the handshake|\bno healthy upstream",
        ),
        statuses=frozenset({424, 425, 502, 503, 520, 521, 523, 527, 529, 530}),
        within=BROKEN_STATUSES,
    ),
    retryable=True,
    words=Words(
        cause="The service, or one that it depends on, is not available just now.",
        confirm="Look at the status page of the region; try one read.",
        fix="Wait and send it again; the desk does so by itself.",
        who="Nobody: it passes",
    ),
    page=Page(
        means="The platform, or the service behind a Data Action, is overloaded, restarting, or not reachable.",
        confirm="A plain read fails too. The status page of the region may say more.",
        fix="Wait and try again. If only one Data Action fails, look at the address that it calls.",
        who_can="Nobody has to; the owner of the remote service if it lasts.",
        provenance="Published: service.unavailable is declared on practically every call.",
        retry="Yes, later.",
    ),
    example=Example(
        status=503,
        body='{"message":"The service is currently unavailable.","code":"service.unavailable","status":503}',
    ),
)

BROKEN = Rule(
    key="server-error",
    kind=Kind.SERVER_ERROR,
    title="The server made an error",
    provenance=Provenance.PUBLISHED,
    signs=Signs(
        codes=pattern(r"^wfm\.server\.error$"),
        weak_codes=pattern(
            r"\binternal\.(?:server\.|service\.|dependency\.)?error\b",
            r"^(?:\w+\.)?(?:server|receiver)(?:\.error)?$",
            r"\bexecution\.failed$",
        ),
        sentences=pattern(r"\bunexpected condition which prevented"),
        within=frozenset({400, 500}),
        statuses=frozenset({500, 501, *range(505, 520)}),
    ),
    retryable=passes,
    words=Words(
        cause="The server failed at this request and does not say why.",
        confirm="Try one agent again. Keep the correlation id.",
        fix="If it repeats, give the correlation id to Genesys support, or to the owner of the remote service.",
        who="Genesys support",
    ),
    page=Page(
        means="An error inside the platform or the remote service. The request may be right; some requests break a server.",
        confirm="Repeat it for one agent. If another agent works, compare the two requests.",
        fix="Report it with its correlation id.",
        who_can="Genesys support, or the owner of the remote service.",
        provenance="Published: internal.server.error is declared on practically every call.",
        retry="Rarely: only where the answer says so, or with 502 and 503.",
    ),
    example=Example(
        status=500,
        body=(
            '{"message":"The server encountered an unexpected condition which prevented it from fulfilling the request.",'
            '"code":"internal.server.error","status":500}'
        ),
    ),
)

NOT_NOW = Rule(
    key="not-at-this-time",
    kind=Kind.UPSTREAM_UNAVAILABLE,
    title="Not possible at this moment",
    provenance=Provenance.OBSERVED,
    signs=Signs(
        sentences=pattern(
            r"\bat (?:this|the) (?:time|moment)\b",
            r"\btry (?:your request |it )?(?:again )?(?:later|shortly|in a (?:few )?(?:moment|second|minute)s?)\b",
            r"\bnot (?:yet )?ready\b|\bnot ready yet\b",
        ),
        within=frozenset({400, 412, 428}),
    ),
    retryable=True,
    words=Words(
        cause="The service can't do this at this moment; the request itself may be right, whatever the HTTP status says.",
        confirm="Send one such request after a minute: it is answered.",
        fix="Wait a minute and send it again.",
        who="Nobody: it passes",
    ),
    page=Page(
        means=(
            "The sentence says that it is a matter of time, and the HTTP status (400 or 412) speaks of the request. The "
            "sentence is right: what the call touches is being created, moved or locked."
        ),
        confirm="The same request works some time later.",
        fix="Wait and try again. If it lasts, give the correlation id to Genesys support.",
        who_can="Nobody has to.",
        provenance="Observed: the provider of Terraform tries again after such an answer, and it passes.",
        retry="Yes, later.",
    ),
    example=Example(
        status=412,
        body=(
            '{"message":"Unable to process the request at this time.","code":"responses.precondition.failed","status":412,'
            '"contextId":"09d9b640-59d2-403a-aaa2-ab1181e215b0"}'
        ),
    ),
)

RULES = (RATE, *unreachable.RULES, TIMEOUT, UNAVAILABLE, NOT_NOW, BROKEN)
