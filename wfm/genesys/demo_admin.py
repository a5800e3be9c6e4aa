"""The demo tenant's own switches, over its HTTP: `/_demo/…` on loopback, no token.

A tenant is the demo tenant only if its host is loopback and `GET /_demo/info` answers as the demo tenant does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from wfm.domain.errors import BadInput, NotFound
from wfm.genesys.errors import BadAnswer, ConnectionProblem
from wfm.genesys.regions import Endpoint

TIMEOUT_S = 10.0
PROBE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoClient:
    """One of the demo tenant's OAuth clients. Its secret is the demo's own; it is kept out of every repr."""

    id: str
    name: str
    secret: SecretStr
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoInfo:
    """What the demo tenant says of itself. `scenarios` are (name, what it is for); `rate_limit` is a minute."""

    organization_id: str
    organization_name: str
    clients: tuple[DemoClient, ...]
    scenario: str
    scenarios: tuple[tuple[str, str], ...]
    agents: int
    rate_limit: int


def probe_demo(endpoint: Endpoint) -> DemoInfo | None:
    """The demo tenant at this address; None where the host is not loopback or nothing of the kind answers."""
    if not endpoint.is_loopback:
        return None
    try:
        response = httpx.get(f"{endpoint.api_url}/_demo/info", timeout=PROBE_TIMEOUT_S)
        answer = response.json() if response.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, ValueError):
        return None
    return _info(answer) if isinstance(answer, Mapping) and answer.get("demo") is True else None


class DemoAdmin:
    """Reads and switches the demo tenant. Raises ConnectionProblem when it does not answer."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._http = httpx.Client(base_url=endpoint.api_url, timeout=TIMEOUT_S)
        self._host = endpoint.host

    def close(self) -> None:
        self._http.close()

    def info(self) -> DemoInfo:
        return _info(self._ask("GET", "/_demo/info"))

    def switch_scenario(self, name: str) -> None:
        """Another scenario from now on; what agents were written stays. Raises BadInput for an unknown one."""
        known = [scenario for scenario, _ in self.info().scenarios]
        if name not in known:
            raise BadInput("scenario", name, ", ".join(known))
        self._ask("POST", "/_demo/scenario", {"name": name})

    def add_scopes(self, client: str, scopes: Sequence[str]) -> None:
        """Adds scopes to a client, by name; its next token carries them. Raises NotFound."""
        self._ask("PATCH", f"/_demo/clients/{client}", {"add": list(scopes)})

    def remove_scopes(self, client: str, scopes: Sequence[str]) -> None:
        """Takes scopes from a client, by name; its next token lacks them. Raises NotFound."""
        self._ask("PATCH", f"/_demo/clients/{client}", {"remove": list(scopes)})

    def reset(self) -> None:
        """Agents, counts, clients and scenario as at first."""
        self._ask("POST", "/_demo/reset", {})

    def _ask(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        call = f"{method} {path}"
        try:
            response = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise ConnectionProblem(
                call, message=f"The demo tenant at {self._host} does not answer ({type(error).__name__})."
            ) from None
        if response.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(f"The demo tenant knows nothing at {path}.")
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.status_code >= httpx.codes.BAD_REQUEST or not isinstance(answer, Mapping):
            said = answer.get("message", "") if isinstance(answer, Mapping) else ""
            raise BadAnswer(
                call, status=response.status_code, message=f"The demo tenant refused: {said or response.status_code}"
            )
        return answer


def _info(answer: Mapping[str, Any]) -> DemoInfo:
    return DemoInfo(
        organization_id=str(answer["organization"]["id"]),
        organization_name=str(answer["organization"]["name"]),
        clients=tuple(
            DemoClient(
                id=str(client["id"]),
                name=str(client["name"]),
                secret=SecretStr(str(client["secret"])),
                scopes=tuple(map(str, client["scopes"])),
            )
            for client in answer["clients"]
        ),
        scenario=str(answer["scenario"]),
        scenarios=tuple((str(scenario["name"]), str(scenario["text"])) for scenario in answer["scenarios"]),
        agents=int(answer["agents"]),
        rate_limit=int(answer["rate_limit"]),
    )
