"""A client that sends nothing: a function answers each call. Keeps what was sent."""

from __future__ import annotations

import json as jsonlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wfm.catalogue import PlatformOperation
from wfm.domain.operations import Exchange
from wfm.genesys.errors import GenesysError, class_for
from wfm.genesys.pacing import RequestLane


@dataclass(frozen=True)
class Sent:
    """One call as it was sent."""

    call: str
    path: Mapping[str, str]
    query: Mapping[str, str] | None
    body: Any
    lane: RequestLane


@dataclass(frozen=True)
class FakeReply:
    status: int
    json: Any
    exchanges: tuple[Exchange, ...]


def an_exchange(call: str, status: int | None, body: object = None, fault: str = "") -> Exchange:
    method, _, path = call.partition(" ")
    return Exchange(
        number=1,
        method=method,
        url=f"https://api.example{path}",
        request_body=None,
        status=status,
        response_headers={},
        response_body=jsonlib.dumps(body),
        correlation_id="c-1",
        fault=fault,
        started_at=datetime.now(UTC),
        duration_ms=3,
    )


def refused(call: str, status: int, code: str = "forbidden", message: str = "No") -> GenesysError:
    """The error that the client raises for such an answer to a write."""
    body = {"code": code, "message": message}
    kind = class_for(status, reads=False)
    return kind(
        call,
        status=status,
        code=code,
        message=message,
        exchanges=(an_exchange(call, status, body),),
        body=jsonlib.dumps(body),
    )


@dataclass
class _Auth:
    discarded: int = 0

    def discard(self) -> None:
        self.discarded += 1


@dataclass
class FakeSender:
    """`answer` gives the JSON of a 2xx, or raises."""

    answer: Callable[[Sent], Any]
    sent: list[Sent] = field(default_factory=list)
    auth: _Auth = field(default_factory=_Auth)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(
        self,
        operation: PlatformOperation,
        *,
        path: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        body: object = None,
        lane: RequestLane,
        retry: bool = True,
        cancel: threading.Event | None = None,
    ) -> FakeReply:
        one = Sent(operation.key, dict(path), query, body, lane)
        with self._lock:
            self.sent.append(one)
        answer = self.answer(one)
        return FakeReply(200, answer, (an_exchange(operation.key, 200, answer),))

    def calls(self) -> list[str]:
        return [one.call for one in self.sent]
