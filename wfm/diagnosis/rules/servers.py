"""Not the request but the other side: too many calls, no answer in time, not reachable, broken."""

from __future__ import annotations

from collections.abc import Mapping

from wfm.diagnosis.rules import unreachable
from wfm.diagnosis.rules.base import Case, pattern, said
from wfm.diagnosis.rules.record import PASSES, Example, Matchers, Rule, Variant, observed, platform_error, published
from wfm.diagnosis.rules.unreachable import BROKEN_STATUSES
from wfm.domain.diagnoses import Kind
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


def _rate_values(case: Case) -> Mapping[str, str]:
    allowed = case.response.headers.get("inin-ratelimit-allowed", "")
    seconds = case.response.headers.get("retry-after", "").strip()
    return {
        "limit": f" ({allowed} in a window)" if allowed.isascii() and allowed.isdigit() else "",
        "seconds": f" {seconds} s" if seconds.isascii() and seconds.isdigit() and len(seconds) < 6 else "",
    }


def _limit_of_calls(case: Case) -> bool:
    """Whether a limit is exceeded that passes: with 400 it is one on things, or on a value, and stays."""
    said = (case.response.words, case.response.header_words)
    return "limit.exceeded" in said and case.response.firm_status in (None, 403, 429, 503)


RATE = Rule(
    key="rate-limit",
    kind=Kind.RATE_LIMITED,
    title="The rate limit is used up",
    matchers=Matchers(
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
            r"\btoo[ _]many[ _]requests",
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
    cause="Too many calls in a short time: the rate limit{limit|} is used up.",
    more=(
        "Nothing was changed by this call. Data Actions have limits of their own; a higher limit is asked for by a "
        "support case."
    ),
    confirm="The headers inin-ratelimit-count and inin-ratelimit-allowed show it. Other programs may share the client.",
    fix="Wait{seconds|}, then send it again; the desk paces itself. For more, give the desk an OAuth client of its own.",
    who=PASSES,
    values=_rate_values,
    retry="Yes, after the time in Retry-After.",
    source=published("too.many.requests is declared on practically every call. Observed: the token server says it with 400."),
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
    return bool(case.evidence.fault) and case.response.status is None and case.response.form is Form.EMPTY


def _no_answer_in_time(case: Case) -> bool:
    return _no_answer(case) and bool(_TIME.search(case.evidence.fault))


_OF_FUNCTION = pattern(r"\btask timed out after \d")  # AWS Lambda

TIMEOUT = Rule(
    key="timed-out",
    kind=Kind.TIMEOUT,
    title="No answer in time",
    matchers=Matchers(
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
            r"\b(?:timed?|times|timing) ?out\b",
            r"\bhandshake timeout\b|\btimeout (?:error|exceeded|expired|occurred|waiting)",
            r"\bdeadline exceeded|\bexceeded (?:the|its) deadline|\be?timedout\b",
            r"\bdid not respond in time",
        ),
        statuses=frozenset({408, 504, 522, 524, 598, 599}),
        within=frozenset({404, 408, 499, 500, 502, 503, 504, 522, 524}),
    ),
    retryable=True,
    cause="No answer came in time. A write may still have been done.",
    more="If it repeats, send less, or have the Data Action's time-out raised (60 s at most).",
    confirm="Read the state back before you send a write again.",
    fix="Wait, read back, and send again what was not done; the desk does it in that order.",
    who=PASSES,
    variants=(
        Variant(
            when=lambda case: bool(_OF_FUNCTION.search(case.text)),
            cause="The function did not end within the time that it has. A write may still have been done.",
            confirm="The function's own log says how long it ran, and what it did last.",
            fix="Give the function more time in its settings, or find what it waits for: often a network that it can't reach.",
            who="Action owner",
        ),
    ),
    retry="Yes, after reading back.",
    source=published("request.timeout and client.timeout are declared on practically every call."),
    example=platform_error(504, "request.timeout", "The request timed out."),
)


_NO_PROXY = pattern(r"\bconnect to (?:the )?proxy\b", r"\bproxyconnect\b", r"\berr_proxy_connection_failed")

UNAVAILABLE = Rule(
    key="not-reachable",
    kind=Kind.UPSTREAM_UNAVAILABLE,
    title="The service is not available just now",
    matchers=Matchers(
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
            r"\bno route to host|\b(?:is|are|was|were) unreachable\b",
            r"\bbad gateway",
            r"\bcircuit breaker",
            r"\bservice unavailable",
            r"\bfailed to connect|\bcould not connect to the endpoint URL",
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
    variants=(
        Variant(
            when=lambda case: bool(_NO_PROXY.search(case.text)),
            cause="The proxy through which the program calls can't be reached: nothing was sent.",
            confirm="Call the address of the proxy from the same machine.",
            fix="Correct the address of the proxy in the settings of the program, or call without a proxy. Then try again.",
            who="Owner of the calling program",
        ),
    ),
    cause="The service, or one that it depends on, is not available just now.",
    more="If only one Data Action fails, the address that it calls may be wrong or down.",
    confirm="Check the status page of the region; try one read.",
    fix="Wait and send it again; the desk does so by itself.",
    who=PASSES,
    source=published("service.unavailable is declared on practically every call."),
    example=platform_error(503, "service.unavailable", "The service is currently unavailable."),
)

BROKEN = Rule(
    key="server-error",
    kind=Kind.SERVER_ERROR,
    title="The server made an error",
    matchers=Matchers(
        codes=pattern(r"^wfm\.server\.error$"),
        weak_codes=pattern(
            r"\binternal\.(?:server\.|service\.|dependency\.)?error\b",
            r"^(?:\w+\.)?(?:server|receiver)(?:\.error)?$",
            r"\bexecution\.failed$",
        ),
        sentences=pattern(r"\bunexpected condition which prevented", r"\bobject reference not set to an instance\b"),
        within=frozenset({400, 500}),
        statuses=frozenset({500, 501, *range(505, 520)}),
    ),
    retryable=passes,
    cause="The server failed at this request{said| and does not say why}.",
    values=said,
    more="The request may be right; some requests break a server.",
    confirm="Try one agent again, then another, and compare the two requests. Keep the correlation id.",
    fix="If it repeats, give the correlation id to Genesys support, or to the owner of the remote service.",
    who="Genesys support",
    retry="Rarely: only where the answer says so, or with 502 and 503.",
    source=published("internal.server.error is declared on practically every call."),
    example=platform_error(
        500,
        "internal.server.error",
        "The server encountered an unexpected condition which prevented it from fulfilling the request.",
    ),
)

NOT_NOW = Rule(
    key="not-at-this-time",
    kind=Kind.UPSTREAM_UNAVAILABLE,
    title="Not possible at this moment",
    matchers=Matchers(
        sentences=pattern(
            r"\bat (?:this|the) (?:time|moment)\b",
            r"\btry (?:your request |it )?(?:again )?(?:later|shortly|in a (?:few )?(?:moment|second|minute)s?)\b",
            r"\bnot (?:yet )?ready\b|\bnot ready yet\b",
        ),
        within=frozenset({400, 412, 428}),
    ),
    retryable=True,
    cause="The service can't do this at this moment; the request itself may be right, whatever the HTTP status says.",
    more="What the call touches is being created, moved or locked. If it lasts, give the correlation id to Genesys support.",
    confirm="Send one such request after a minute: it is answered.",
    fix="Wait a minute and send it again.",
    who=PASSES,
    source=observed("the Terraform provider tries again after such an answer, and it passes."),
    example=platform_error(
        412,
        "responses.precondition.failed",
        "Unable to process the request at this time.",
        contextId="09d9b640-59d2-403a-aaa2-ab1181e215b0",
    ),
)

RULES = (RATE, *unreachable.RULES, TIMEOUT, UNAVAILABLE, NOT_NOW, BROKEN)
