"""The HTTP status that a text names, as exceptions of many libraries, proxies and logs write it."""

from __future__ import annotations

import re
from http import HTTPStatus

MAX_TEXT = 8_000

_NUMBER = r"([1-5]\d\d)\b(?![.,:-]?\d)"
_NAMED = r"(?:status|statut|estado|état|stato|статус|ステータス|状态)"
_ANY_NUMBER = re.compile(r"[1-5]\d\d")
_VERBS = r"(?:GET|HEAD|POST|PUT|PATCH|DELETE)"
_STATED = re.compile(  # "status code: 403", "API Error: 403 - …", "PATCH /x returned 403", "403 Client Error"
    r"(?:^\s*\(?|\"code\"\s{0,3}:\s{0,3}|<title>(?:HTTP )?(?:Status |Error )?"
    rf"|\b(?:API|Auth)\s{{1,4}}Error:?\s{{0,4}}|\bHTTP(?:/\d(?:\.\d)?)?[ :=\",]{{1,6}}`?"
    rf"|{_NAMED}(?:[ _-]?code)?[\"*]{{0,2}}\s{{0,4}}[:=|]?[*]{{0,2}}\s{{0,4}}[\"'`(]?"
    rf"|\b(?:error|fehler(?:code)?|erreur|errore|erro|fout|ошибка|błąd)(?: code)?\s{{0,3}}:?\s{{1,3}}"
    rf"|\b{_VERBS} [\"']?(?:/|http)[^\s\"']{{1,300}}[\"']?"
    r"(?: HTTP/\d(?:\.\d)?[\"']?)?\s{1,2}(?:[-=]>|→|:|returned|answered|failed with)?\s?"
    r"|\b(?:respond|fail|return|repli|answer|reject)ed(?: with)?(?: an?)?(?: HTTP)?(?: status)?(?: code)?:? "
    r"|\b(?:HTTP |server )?(?:response|answer|result)(?: status)?(?: code)?[:=]? ?"  # java.net, got
    r"|\b(?:with|exit|unexpected)(?: an?)?(?: http)?(?: status)?(?: code)?[:=]? (?:of )?"  # ServiceNow, Go
    r"|\b\w{0,60}(?:Error|Exception)\b\W{1,4}"  # aiohttp, Spring
    r"|<Response \[|\]\[|\bfail(?:ed|ure)[:( ]{1,3}|\b(?:got|gets?|gives?|gave|returns?|answers?|throws?)(?: an?)?(?: HTTP)? "
    rf"){_NUMBER}"
    r"|\b([45]\d\d) (?:Client|Server) Error\b"  # requests
    rf"|\[([45]\d\d)\] during \[{_VERBS}\]"  # Feign
    rf"|{_NAMED}(?:[ -]?code)?[^\n\d]{{0,16}}[:=：] ?{_NUMBER}",  # "Código de estado: 403", "Code d'état HTTP : 403"
    re.IGNORECASE,
)
_PHRASE = (
    r"(?:Bad Request|Unauthorized|Payment Required|Forbidden|Not Found|Method Not Allowed|Not Acceptable|Request Time"
    r"|Conflict|Gone|Precondition|Payload|Request Entity|Unsupported|Unprocessable|Locked|Failed Dep|Too Many"
    r"|Internal Server|Not Implemented|Bad Gateway|Service (?:Temporarily )?Unavailable|Gateway Time)"
)
_WITH_PHRASE = re.compile(  # "403 Forbidden", "(403) Forbidden", "403 (Forbidden", "forbidden (403)"
    rf"\b([345]\d\d)\)?[ :-]{{1,3}}[(\"'`]?{_PHRASE}|\b{_PHRASE}\w*[ :]{{1,2}}\(?([345]\d\d)\b"
    r"|\b(40[0-9]|41[0235]|42[2349]|50[0-4]) (?:HTTP )?error\b",
    re.IGNORECASE,
)
_PHRASES = {
    spelt.casefold(): int(status)
    for status in HTTPStatus
    if status >= 400
    for spelt in (status.phrase, status.phrase.replace(" ", "").replace("-", ""))
}
_BARE = re.compile(  # "Forbidden", "403 Forbidden", "API Error: 403 - Forbidden", "Request failed with status code 403"
    r"\W*(?:(?:\w{1,30} )?Error\b\W{0,3}|Request failed\W{0,3})?"
    r"(?:with )?(?:HTTP )?(?:status )?(?:code )?(?:[1-5]\d\d)?\W{0,4}(?:"
    + "|".join(sorted((re.escape(phrase).replace("\\ ", "[ ._]") for phrase in _PHRASES), key=len, reverse=True))
    + r")?(?: error)?\W*",
    re.IGNORECASE,
)
_BY_NAME = (
    re.compile(  # "RestClient::Forbidden", "HttpClientErrorException$NotFound", "ApiError: Forbidden", "Status=Forbidden"
        r"(?:\b\w{0,60}(?:Error|Exception)(?:\$|: ?|::)|::|\bstatus(?: ?code)?(?: \w+)?(?:[:= ]{1,3}| (?:is|was) )[\"']?)("
        + "|".join(sorted(map(re.escape, _PHRASES), key=len, reverse=True))
        + r")\b(?! ?\w)",
        re.IGNORECASE,
    )
)
_GRPC = {
    **{"invalidargument": 400, "failedprecondition": 400, "outofrange": 400, "unauthenticated": 401, "permissiondenied": 403},
    **{"notfound": 404, "alreadyexists": 409, "aborted": 409, "resourceexhausted": 429, "internal": 500, "dataloss": 500},
    **{"unimplemented": 501, "unavailable": 503, "deadlineexceeded": 504},
}
"""The HTTP status that each code of gRPC stands for (published: google.rpc.Code)."""
_BY_GRPC = re.compile(
    r"(?:\brpc error: code = |\bStatusCode\.|\bgoogle\.api_core\.exceptions\.)(\w{5,20})"
    r"|\b(PERMISSION_DENIED|UNAUTHENTICATED|RESOURCE_EXHAUSTED|INVALID_ARGUMENT|FAILED_PRECONDITION|ALREADY_EXISTS"
    r"|DEADLINE_EXCEEDED|NOT_FOUND|UNAVAILABLE|UNIMPLEMENTED): "
)
_NAMES = {
    name: status.value
    for status in HTTPStatus
    if status >= 400 and "_" in status.name
    for name in (status.name, status.name.title().replace("_", ""))
}
_AS_A_NAME = re.compile(rf"\b({'|'.join(_NAMES)})\b")  # "TOO_MANY_REQUESTS", "BadGateway"
_OF_ERROR = r"(40[0-9]|41[0235]|42[2349]|50[0-4])"
_BESIDE = re.compile(  # in marks or beside words of any language: `404`, | 404 |, (403) at the end, ": 403 Prohibido"
    rf"(?:[`*|] ?|\((?!400|500)(?=\d{{3}}\)\W*(?:\n|$))|: ){_OF_ERROR}(?:[`*)]| ?\||(?= [A-ZÀ-Ž]))"
    rf"|https?://\S{{3,300}}: {_OF_ERROR}\W*(?:\n|$)"
)
_NEAR_A_WORD = re.compile(  # "Error Posting Webhook: 400", "status code - 400": a number that is a status, and no quantity
    r"\b(?:HTTP|status|code|error|err|fail(?:ed|ure|s)?|respon[ds]\w*|return\w*|answer\w*)\b[^\n\d.;]{0,30}?[ :=(\[\"'`-]"
    rf"({'|'.join(str(status.value) for status in HTTPStatus if status >= 400)})\b"
    r"(?![.,:-]?\d|\s?(?:%|ms|s|sec\w*|min\w*|hours?|days?|[kmg]?b|bytes|px|times|[a-z]{3,20}s)\b)",
    re.IGNORECASE,
)
_REMOTE = re.compile(r"\bStatus ?Code: ?([45]\d\d)\b|\bfailed with status code ([45]\d\d)\b", re.IGNORECASE)
_SUCCESS = re.compile(
    r"\bHTTP(?:/\d(?:\.\d)?)?[ :=]{1,4}(20[0-7])\b|<Response \[(20[0-7])\]>"
    r"|\bstatus(?:[ _-]?code)?\"?\s{0,2}[:=]?\s{0,2}(20[0-7])\b"
    r"|\b(20[0-7])[ :-]{1,3}(?:OK|Created|Accepted|No Content)\b",
    re.IGNORECASE,
)


def status_in(text: str) -> int | None:
    """The HTTP status that a text names, by number or by its phrase where an exception is called so; of successes none."""
    text = text[:MAX_TEXT]
    for pattern in (_STATED, _WITH_PHRASE) if _ANY_NUMBER.search(text) else ():
        for found in pattern.finditer(text):
            status = next(int(number) for number in found.groups() if number)
            if status >= 300:
                return status
    if named := _BY_NAME.search(text):
        return _PHRASES[named.group(1).casefold()]
    if (named := _BY_GRPC.search(text)) and (meant := of_phrase(named.group(1) or named.group(2))):
        return meant
    if beside := _BESIDE.search(text):
        return int(beside.group(1) or beside.group(2))
    if near := _NEAR_A_WORD.search(text):
        return int(near.group(1))
    return _NAMES[named.group(1)] if (named := _AS_A_NAME.search(text)) else None


def of_remote(text: str) -> int | None:
    """The status that a service behind a Data Action gave, where the sentence around it prints it, as the AWS SDK does."""
    found = _REMOTE.search(text[:MAX_TEXT])
    return int(found.group(1) or found.group(2)) if found else None


def of_phrase(text: str) -> int | None:
    """The status whose phrase or gRPC code a text is, nothing more: "Forbidden", "PERMISSION_DENIED"."""
    text = text.strip().casefold()
    return _PHRASES.get(text) or _GRPC.get(text.replace("_", ""))


def only_repeats(text: str) -> bool:
    """Whether a sentence or a code says a status and nothing more: "API Error: 403 - Forbidden", "NOT_FOUND"."""
    return len(text) < 100 and bool(_BARE.fullmatch(text))


def success_in(text: str) -> int | None:
    """The status of a success that a text names: "HTTP/1.1 204", "202 Accepted"."""
    found = _SUCCESS.search(text[:MAX_TEXT])
    return next(int(number) for number in found.groups() if number) if found else None
