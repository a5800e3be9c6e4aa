"""Many requests at once: pages, lists, and a small pool of threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from wfm.catalogue import PlatformOperation
from wfm.genesys.client import GenesysClient, Query, Reply
from wfm.genesys.errors import BadAnswer, GenesysError
from wfm.genesys.pacing import RequestLane

T = TypeVar("T")

PARALLEL = 8
BULK_PATIENCE_S = 90.0
"""Seconds of patience of a bulk read: it may have to wait for the next limit window once, but not longer."""
PAGE_SIZE = 100


class ReadCounts(NamedTuple):
    """Requests of reads by how they ended, each attempt for itself."""

    worked: int
    failed: int


class Bulk:
    """Sends reads for one Reader and counts them. Thread-safe."""

    def __init__(self, client: GenesysClient) -> None:
        self.client = client
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self.requests = 0
        self._counts = ReadCounts(0, 0)

    def send(
        self,
        operation: PlatformOperation,
        lane: RequestLane,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: object = None,
    ) -> Reply:
        """One read. Raises GenesysError."""
        try:
            reply = self.client.send(operation, path=path, query=query, body=body, lane=lane, patience_s=BULK_PATIENCE_S)
        except BaseException as error:
            with self._lock:
                self.requests += 1
            if isinstance(error, GenesysError):
                # Every attempt, except a token request that ended the call.
                token_url = self.client.auth.token_url
                self._count(exchange.status for exchange in error.exchanges if exchange.url != token_url)
            raise
        with self._lock:
            self.requests += max(1, len(reply.raw))
        self._count(exchange.status for exchange in reply.raw)
        return reply

    def _count(self, statuses: Iterable[int | None]) -> None:
        """Count reads. One that was refused, broke or got no answer counts as failed."""
        served = [status is not None and status < 400 for status in statuses]
        with self._lock:
            before = self._counts
            self._counts = ReadCounts(before.worked + sum(served), before.failed + len(served) - sum(served))

    def take_counts(self) -> ReadCounts:
        """Return the counts of reads since the last call."""
        with self._lock:
            counts, self._counts = self._counts, ReadCounts(0, 0)
        return counts

    def gather(self, jobs: Sequence[Callable[[], T]]) -> list[T]:
        """Run the jobs, at most eight at a time, and return their results in order. Raises the first error once all have ended.

        A job must not call this method: it would wait for threads that wait for it.
        """
        if len(jobs) <= 1:
            return [job() for job in jobs]
        futures = [self._threads().submit(job) for job in jobs]
        for future in wait(futures, return_when=FIRST_EXCEPTION).not_done:
            future.cancel()
        wait(futures)
        failed = next((error for future in futures if not future.cancelled() and (error := future.exception())), None)
        if failed is not None:
            raise failed
        return [future.result() for future in futures]

    def close(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="genesys-read")
            return self._pool

    def pages(self, operation: PlatformOperation, lane: RequestLane, query: Mapping[str, str | int]) -> list[dict[str, Any]]:
        """Return every entity of a listing with pageNumber and pageCount: the first page, then the rest at once."""

        def page(number: int) -> dict[str, Any]:
            whole = {**query, "pageSize": PAGE_SIZE, "pageNumber": number}
            return members(self.send(operation, lane, query=whole))

        first = page(1)
        rest = self.gather([partial(page, number) for number in range(2, page_count(first) + 1)])
        return [entity for one in (first, *rest) for entity in entities(one)]


@contextmanager
def reading(read: str) -> Iterator[None]:
    """Note on an error of the block which read it broke."""
    try:
        yield
    except GenesysError as error:
        error.at(read)
        raise


def page_count(page: Mapping[str, Any]) -> int:
    """Return how many pages a listing says it has."""
    count, total = page.get("pageCount"), page.get("total")
    if isinstance(count, int) and not isinstance(count, bool):
        return max(1, count)
    if isinstance(total, int) and not isinstance(total, bool):
        return max(1, -(-total // PAGE_SIZE))
    return 1


def members(reply: Reply) -> dict[str, Any]:
    """Return the answer as a JSON object. Raises BadAnswer."""
    if not isinstance(reply.json, dict):
        raise bad_answer(reply, "it is not a JSON object")
    return reply.json


def entities(page: Mapping[str, Any] | Sequence[Any] | None) -> list[dict[str, Any]]:
    """Return the entities of a listing that are objects with an id; [] where there are none."""
    rows: Any = page.get("entities") if isinstance(page, Mapping) else page
    return [row for row in rows or () if isinstance(row, dict)] if isinstance(rows, list) else []


def bad_answer(reply: Reply, why: str) -> BadAnswer:
    call = f"{reply.raw[-1].method} {reply.raw[-1].url.path}" if reply.raw else "the read"
    return BadAnswer(call, status=reply.status, message=why, correlation_id=reply.correlation_id)


def chunks(items: Iterable[T], most: int) -> Iterator[tuple[T, ...]]:
    """Split items into tuples of at most this size."""
    remaining = iter(items)
    while chunk := tuple(islice(remaining, most)):
        yield chunk
