"""Health: whether the tenant answers, a worker is alive, and requests go at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from wfm.desk.dependencies import DeskPart
from wfm.desk.values import ALIVE_S, Health, HeldUp
from wfm.domain.errors import DeskError
from wfm.domain.workers import PASSED_START, WorkerState
from wfm.genesys.errors import GenesysError
from wfm.ledger.records import WorkerSeen


class HealthCheck(DeskPart):
    """Checks of tenant, token, rate limit and workers."""

    def worker_alive(self) -> bool:
        """Return whether a worker of this tenant that has passed its start is alive. Raises StoreFault."""
        return bool(_alive(self._ledger.workers.all(self._tenant.key), self._clock()))

    def held_up(self) -> HeldUp | None:
        """Return what a read would wait for now; None when it goes at once, or when that is not known."""
        now = self._clock()
        try:
            usage = self._connections.get().client.pacer.usage()
        except DeskError:
            return None
        until = usage.soonest(1, now)
        return HeldUp(limit_per_minute=usage.limit_per_minute, until=until) if until > now else None

    def check(self) -> Health:
        """Check tenant, token, limit and worker. Never raises: what is wrong is a sentence in `problems`."""
        now = self._clock()
        problems: list[str] = []
        token_until = None
        limit, used, blocked_until, reachable = 0, 0, None, True
        try:
            connection = self._connections.get()
            usage = connection.client.pacer.usage()
            limit, used, blocked_until = usage.limit_per_minute, usage.used, usage.blocked_until
            token_until = connection.reader.token().expires_at
        except GenesysError as error:
            reachable = error.status is not None
            problems.append(str(error))
            if self._tenant.is_demo and not reachable:
                problems.append(
                    "The demo tenant runs with the desk: if it stopped, end the desk and start it again. Nothing is lost."
                )
        except DeskError as error:
            problems.append(str(error))
        if blocked_until is not None and blocked_until > now:
            problems.append(f"The tenant asked to wait until {blocked_until:%H:%M:%S} UTC: its rate limit is used up.")
        try:
            workers = self._ledger.workers.all(self._tenant.key)
        except DeskError as error:
            workers = []
            problems.append(str(error))
        alive = _alive(workers, now)
        if not alive:
            starting = any(seen.state == WorkerState.STARTING and _lately(seen, now) for seen in workers)
            help_ = "One is starting." if starting else "Start one with “python -m wfm worker”."
            problems.append(f"No worker is alive: windows neither start nor end. {help_}")
        return Health(
            tenant=self._tenant,
            reachable=reachable,
            token_until=token_until,
            limit_per_minute=limit,
            used=used,
            blocked_until=blocked_until,
            worker_alive=bool(alive),
            worker_seen_at=max((seen.seen_at for seen in workers), default=None),
            workers=len(alive),
            problems=tuple(problems),
        )


def _alive(workers: Sequence[WorkerSeen], now: datetime) -> list[WorkerSeen]:
    return [seen for seen in workers if seen.state in PASSED_START and _lately(seen, now)]


def _lately(seen: WorkerSeen, now: datetime) -> bool:
    return (now - seen.seen_at).total_seconds() < ALIVE_S
