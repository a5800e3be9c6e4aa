"""The demo tenant's switches, over HTTP. Nothing here reaches a real tenant: every call goes to loopback.

A tenant is the demo tenant only if its host is loopback and `GET /_demo/info` answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from wfm.domain.errors import BadInput, NotFound
from wfm.genesys.cache import CachedValue
from wfm.genesys.errors import BadAnswer, ConnectionProblem, GenesysError, ServerFault, TimedOut, parse_body
from wfm.genesys.recorder import fault_of
from wfm.genesys.regions import Endpoint

TIMEOUT_S = 5.0
INFO_TTL_S = 1.0
"""For how long a description serves: a screen asks for it a dozen times. What this process changes shows at once."""


@dataclass(frozen=True, slots=True)
class DemoClient:
    """One of the demo tenant's OAuth clients. Even its secret appears in no repr."""

    name: str
    id: str
    secret: SecretStr
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoInfo:
    """The demo tenant's description of itself. `scenarios` are pairs of name and purpose."""

    organization_id: str
    organization_name: str
    clients: tuple[DemoClient, ...]
    scenario: str
    scenarios: tuple[tuple[str, str], ...]
    agents: int
    rate_limit: int


class DemoAdmin:
    """Scenario and scopes of a demo tenant. Raises GenesysError; BadInput for a word it refuses."""

    def __init__(self, endpoint: Endpoint) -> None:
        if not endpoint.is_loopback:
            raise BadInput("demo tenant", endpoint.host, "a loopback address")
        self._http = httpx.Client(base_url=endpoint.api_url, timeout=TIMEOUT_S, trust_env=False)
        self._info = CachedValue[DemoInfo](INFO_TTL_S, lambda: datetime.now(UTC))

    def close(self) -> None:
        self._http.close()

    def info(self) -> DemoInfo:
        """Return organization, clients and scenario, at most INFO_TTL_S old."""
        return self._info.get(self._read_info)[0]

    def _read_info(self) -> DemoInfo:
        demo = _info(self._call("GET", "/_demo/info"))
        if demo is None:
            raise BadAnswer("GET /_demo/info", message="it is not a demo tenant's")
        return demo

    def switch_scenario(self, name: str) -> None:
        """Switch to another scenario; agents stay as they are. Raises BadInput."""
        self._call("POST", "/_demo/scenario", {"name": name})

    def add_scopes(self, client: str, scopes: Sequence[str]) -> tuple[str, ...]:
        """Add scopes to a client; return all its scopes. The next token carries them. Raises NotFound, BadInput."""
        return self._change(client, {"add": list(scopes)})

    def remove_scopes(self, client: str, scopes: Sequence[str]) -> tuple[str, ...]:
        """Remove scopes from a client; return those left. Raises NotFound, BadInput."""
        return self._change(client, {"remove": list(scopes)})

    def reset(self) -> None:
        """Reset agents, counts, clients, tokens, faults and scenario."""
        self._call("POST", "/_demo/reset")

    # --- inside ------------------------------------------------------------------------------------------------------

    def _change(self, client: str, body: Mapping[str, object]) -> tuple[str, ...]:
        changed = self._object("PATCH", f"/_demo/clients/{quote(client, safe='')}", body)
        return _words(changed.get("scopes"))

    def _object(self, verb: str, path: str, body: object = None) -> Mapping[str, Any]:
        answer = self._call(verb, path, body)
        if not isinstance(answer, dict):
            raise BadAnswer(f"{verb} {path}", message="it is not a JSON object")
        return answer

    def _call(self, verb: str, path: str, body: object = None) -> Any:
        call, failed, timed_out, response = f"{verb} {path}", "", False, None
        try:
            response = self._http.request(verb, path, json=body) if body is not None else self._http.request(verb, path)
        except httpx.HTTPError as error:
            failed, timed_out = fault_of(error), isinstance(error, httpx.TimeoutException)
        finally:
            if verb != "GET":
                self._info.forget()
        if response is None:
            raise (TimedOut if timed_out else ConnectionProblem)(call, message=failed)
        if response.status_code < 300:
            try:
                return response.json() if response.content else None
            except (ValueError, RecursionError):
                return None
        code, message, correlation_id = parse_body(response.text)
        if response.status_code == 400:
            raise BadInput("demo tenant", str(body)[:80], message.rstrip(".") or "another value")
        if response.status_code == 404:
            raise NotFound(f"The demo tenant has no {path.removeprefix('/_demo/')}.")
        kind = ServerFault if response.status_code >= 500 else GenesysError
        raise kind(call, status=response.status_code, code=code, message=message, correlation_id=correlation_id)


def probe_demo(endpoint: Endpoint) -> DemoInfo | None:
    """Return the demo tenant's description, or None where the host is not loopback or no demo tenant answers."""
    if not endpoint.is_loopback:
        return None
    admin = DemoAdmin(endpoint)
    try:
        return admin.info()
    except (GenesysError, BadInput, NotFound):
        return None
    finally:
        admin.close()


def _info(body: object) -> DemoInfo | None:
    if not isinstance(body, dict) or body.get("demo") is not True:
        return None
    organization, clients = body.get("organization"), body.get("clients")
    if not isinstance(organization, dict) or not isinstance(clients, list) or not organization.get("id"):
        return None
    return DemoInfo(
        organization_id=str(organization["id"]),
        organization_name=str(organization.get("name") or ""),
        clients=tuple(
            DemoClient(str(c.get("name")), str(c.get("id")), SecretStr(str(c.get("secret"))), _words(c.get("scopes")))
            for c in clients
            if isinstance(c, dict)
        ),
        scenario=str(body.get("scenario") or ""),
        scenarios=tuple(
            (str(s.get("name")), str(s.get("text") or "")) for s in body.get("scenarios") or () if isinstance(s, dict)
        ),
        agents=_whole(body.get("agents")),
        rate_limit=_whole(body.get("rate_limit")),
    )


def _words(value: object) -> tuple[str, ...]:
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0
