"""The other side can't be reached at all: its certificate is not trusted, or its address does not exist."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wfm.diagnosis.rules.base import PLATFORM_HOST, Case, pattern
from wfm.diagnosis.rules.record import REMOTE_OWNER, Example, Matchers, Rule, Variant, observed
from wfm.domain.diagnoses import Kind

BROKEN_STATUSES = frozenset({424, 500, 502, 503, 504, 520, 521, 523, 527, 529, 530})
_CERTIFICATE = pattern(
    r"\bPKIX\b",
    r"\bcertificat\w*\b[^.\n]{0,60}\b(?:expired|invalid|trust|path|valid|verif|fail|unknown|revoked)",
    r"\b(?:ssl|tls)\b[^.\n]{0,30}\b(?:handshake(?! timeout)|error|failure)",
    r"\bhandshake_failure|\[SSL: [A-Z_]{6,}",
    r"\bself.signed certificate",
    r"\bunable[ _]to[ _]verify\b",  # Node
    r"\berr_(?:tls_)?(?:cert|ssl)_\w+",  # a browser's console
    r"\bcertificate problem\b|\blocal issuer certificate",
    r"\bunable to find valid certification path",
    r"\bhostname\b[^.\n]{0,60}\bcertificate",
    r"\bcertificate subject name\b|\bsubject alternative (?:\w+ )?names?\b|\bcertificate ?name ?mismatch",
    r"\bcurl: \((?:51|58|60|77|83|91)\)",
)


_NO_COMMON_TLS = pattern(
    r"\bhandshake[_ ]failure\b|\bprotocol[_ ]version\b|\bunsupported protocol\b|\bno cipher",
    r"\bcreate SSL/TLS secure channel",
)


def _certificate(case: Case) -> bool:
    at_fault = case.status is None or case.status >= 500 or case.status < 300 or bool(case.response.category)
    return case.response.category == "ACTION.CERTIFICATE" or (at_fault and bool(_CERTIFICATE.search(case.text)))


_HOST = re.compile(
    r"\b(?:connected|connecting|connection) to (?:host )?([\w-]{1,60}\.[\w.-]{2,100})|host ?(?:name)?(?:['\"]?[=:])? ?['\"]([\w.-]{3,100})|https?://([\w.-]{3,100})"
    r"|(?:ENOTFOUND|resolve(?: host)?:?|UnknownHostException:?|lookup|resolved:)\s{1,2}['\"]?([\w-]{1,60}\.[\w.-]{2,100})",
    re.IGNORECASE,
)
_MANUAL = re.compile(  # where a program's message sends its reader
    r"^(?:docs?|help|support|learn|developer|wiki|bugs|go)\.|\bcurl\.(?:se|haxx\.se)$|^aka\.ms$|\b(?:github|stackoverflow"
    r"|readthedocs|mozilla|python|nodejs|openssl)\.\w+$",
    re.IGNORECASE,
)


def _host(case: Case) -> str:
    """The host that the text names, else ""."""
    named = (next(filter(None, found.groups())) for found in _HOST.finditer(f"{case.text}\n{case.response.text}"))
    return next((name.strip(".") for name in named if not _MANUAL.search(name)), "")


def _host_values(case: Case) -> Mapping[str, str]:
    host = _host(case)
    genesys = (
        " The API host of Genesys Cloud is api. and the domain of the region, as api.mypurecloud.ie or api.euw2.pure.cloud."
        if PLATFORM_HOST.search(host)
        else ""
    )
    return {"host": host, "name": f"{host} ", "genesys": genesys} if host else {}


def _not_behind_action(case: Case) -> bool:
    return not case.behind_action


CERTIFICATE = Rule(
    key="certificate-not-trusted",
    kind=Kind.UPSTREAM_UNAVAILABLE,
    title="The remote certificate is not trusted",
    matchers=Matchers(special=_certificate, statuses=frozenset({495, 496, 525, 526})),
    cause="The service behind the Data Action shows a certificate that is not trusted, or the connection can't be secured.",
    more="It may be expired, self-signed, incomplete in its chain, or made for another host name.",
    confirm="Open the service's address with a tool that shows its certificate chain and dates.",
    fix="Have the service send a valid, complete certificate chain of a public authority.",
    who=REMOTE_OWNER,
    values=_host_values,
    variants=(
        Variant(
            when=lambda case: bool(_NO_COMMON_TLS.search(case.text)),
            cause="The two sides find no version or cipher of TLS that both take. The certificate is not in question yet.",
            confirm="Check which versions of TLS the host takes, and which the caller offers.",
            fix="Let both sides use TLS 1.2 or newer: on the caller's side with a current runtime.",
        ),
        Variant(
            when=lambda case: "wrong version number" in case.text,
            cause="What answers at this address does not speak TLS: the port is wrong, or a proxy wants plain HTTP.",
            confirm="Open the same address and port without TLS: it answers.",
            fix="Correct the port, or give the address of the proxy with http:// in front.",
            who="Owner of the calling program",
        ),
        Variant(
            when=_not_behind_action,
            cause="The program does not trust the certificate of {host|the host}, or the connection can't be secured.",
            confirm="Check who issued the certificate: often it is a proxy of one's own network that opens the connection.",
            fix="Let the program trust the authority that issued it: that of the network's proxy, or a current list.",
            who="Owner of the calling program",
        ),
    ),
    retry="No: it fails until the certificate is changed.",
    source=observed("the help centre names certificate errors as a family of their own."),
    example=Example(
        status=500,
        body=(
            '{"message":"REST call for action execute failed. Message: PKIX path building failed: unable to find valid '
            'certification path to requested target","code":"internal.server.error","status":500}'
        ),
        via="data_action",
    ),
)

ADDRESS_UNKNOWN = Rule(
    key="address-unknown",
    kind=Kind.UPSTREAM_UNAVAILABLE,
    title="The address that is called does not exist",
    matchers=Matchers(
        codes_within=pattern(r"\bunknown\.?host", r"^enotfound$"),
        sentences=pattern(
            r"\bunknown ?host|\binaccessible host\b",
            r"\bname or service not known",
            r"\b(?:could not|couldn'?t|cannot|unable to|failed to) resolve (?:the )?(?:host|'(?![^\n]{0,300}\btemporary\b))",
            r"\bgetaddrinfo\b",
            r"\bnodename nor servname",
            r"\bno such host\b|name_not_resolved\b|\bnxdomain\b",
            r"\bremote name could not be resolved",
        ),
        within=BROKEN_STATUSES,
    ),
    cause="The host name that the Data Action calls is not known to the network.",
    more="It may be misspelt, or known only inside a company.",
    confirm="Compare the host name in the action's request URL with the service's real one.",
    fix="Correct the host name in the Data Action, or have it published.",
    who="Action owner",
    values=_host_values,
    variants=(
        Variant(
            when=_not_behind_action,
            cause="The host name {name|}that the program calls is not known to the network.",
            confirm="Look the host name up from the same machine and from another network.",
            fix="Correct the host name in the settings of the program that calls.{genesys|}",
            who="Owner of the calling program",
        ),
    ),
    retry="No, unless the name server itself was at fault.",
    source=observed("the messages are those of common HTTP clients behind Data Actions."),
    example=Example(
        status=500,
        body=(
            '{"message":"REST call for action execute failed. Message: api.example.invalid: Name or service not known",'
            '"code":"internal.server.error","status":500,"details":[{"errorCode":"ACTION.REMOTE_ENDPOINT"}]}'
        ),
        via="data_action",
    ),
)

RULES = (CERTIFICATE, ADDRESS_UNKNOWN)
