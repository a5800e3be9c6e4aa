"""Health and exports over plain HTTP. Exports ask who is there as the screens do; nothing secret is in a URL.

/healthz  the process answers          /readyz  tenant, database and worker too
/export/runs.csv, .jsonl, .parquet   the whole filter, streamed; parameters as in the address of the Runs screen
/export/runs.csv?runs=a,b,c            the runs that were chosen
  …&export=TICKET                      any of these: the Runs screen that gave the ticket shows how far the file is
/export/run/{id}.json                  one run with its attempts
/export/failure/{fingerprint}.md       the hand-off card of a failure group
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wfm.domain.errors import BadInput, DeskError, NotFound, StoreFault
from wfm.domain.operations import RunFilter
from wfm.domain.people import Capability
from wfm.ui.components.run_query import read_strictly
from wfm.ui.components.unknown_filters import without_unknown
from wfm.ui.shell import context, jobs
from wfm.ui.shell.web.identity import actor_of, refusal

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


async def healthz(_: Request) -> Response:
    """The process answers. Says nothing of the tenant."""
    return JSONResponse({"status": "ok"})


def readyz(_: Request) -> Response:
    """Whether the desk can do its work: database, tenant and worker. Starlette runs what is not async in a thread."""
    try:
        health = context.desk().health.check()
    except DeskError as error:
        return JSONResponse({"status": "not ready", "problems": [type(error).__name__]}, status_code=503)
    ready = health.reachable and health.worker_alive
    # What exactly is wrong is for people who are signed in: the Now screen says it.
    body = {"status": "ready" if ready else "not ready", "tenant": health.reachable, "worker": health.worker_alive}
    return JSONResponse(body, status_code=200 if ready else 503)


def _answer(make: Callable[[Request], Response], request: Request) -> Response:
    """What `make` gives to people who may look; a refusal or an error as text to others."""
    try:
        return refusal(request, Capability.VIEW) or make(request)
    except NotFound as error:
        return PlainTextResponse(str(error), status_code=404)
    except BadInput as error:
        return PlainTextResponse(str(error), status_code=400)
    except StoreFault as error:
        return PlainTextResponse(str(error), status_code=503)
    except DeskError as error:
        return PlainTextResponse(str(error), status_code=502)


def _runs(request: Request) -> Response:
    """The runs of a filter as a file, streamed in constant memory."""
    fmt = request.path_params["format"]
    now = datetime.now(UTC)
    params = dict(request.query_params)
    ticket = params.pop("export", "")
    chosen = [one for one in params.get("runs", "").split(",") if one]
    if chosen:
        return _file(context.desk().runs.export_selected(chosen, fmt), fmt, now)
    if "runs" in params:
        raise BadInput("runs", "no run", "ids of runs with commas between, as the Runs screen links to them")
    given = [name for name, _ in request.query_params.multi_items()]
    query, problems = read_strictly(params, sorted({name for name in given if given.count(name) > 1}))
    query, unknown = without_unknown(context.desk(), query)
    problems += unknown
    if problems:
        # On screen a wrong filter is left out and said so; in a file nobody would see that, so it is refused.
        refused = "\n".join(problem.refused for problem in problems)
        return PlainTextResponse(f"No file was made. Fix this in the address first:\n{refused}", status_code=400)
    which = query.resolve(now)
    if not ticket:
        return _file(context.desk().runs.export(which, fmt), fmt, now)
    return _watched(which, fmt, now, jobs.export_key(actor_of(request), ticket))


def _watched(which: RunFilter, fmt: str, now: datetime, key: str) -> Response:
    """The same file, and the screen that asked for it sees how many runs of how many are in it."""
    total = context.desk().runs.page(which, limit=1).total
    job = jobs.begin(key, unit=fmt, total=total)

    def progress(read: int) -> None:
        job.done = read

    try:
        return _file(context.desk().runs.export(which, fmt, progress=progress), fmt, now, job)
    except DeskError as error:
        job.end(fault=error)
        raise


def _file(pieces: Iterator[bytes], fmt: str, now: datetime, job: jobs.Job | None = None) -> Response:
    headers = {
        "content-disposition": f'attachment; filename="runs-{now:%Y%m%d-%H%M%S}.{fmt}"',
        "cache-control": "no-store",
    }
    return _Download(_ending(pieces, job) if job else pieces, job, media_type=_TYPES[fmt], headers=headers)


def _ending(pieces: Iterator[bytes], job: jobs.Job) -> Iterator[bytes]:
    """The same pieces; the job ends with the last of them, or with the fault that broke them off."""
    try:
        yield from pieces
        job.end(result=True)
    except DeskError as error:
        job.end(fault=error)
        raise


class _Download(StreamingResponse):
    """A file in pieces. Whoever makes them is told at once when the reader goes away, and lets go of what it holds."""

    def __init__(
        self, pieces: Iterator[bytes], job: jobs.Job | None = None, *, media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(iterate_in_threadpool(pieces), media_type=media_type, headers=headers)
        self._pieces = pieces
        self._job = job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
            if self._job is not None:
                self._job.end()  # where it has not ended yet, the reader went away


def _run(request: Request) -> Response:
    """One run with its attempts as JSON."""
    run_id = request.path_params["run"]
    headers = {"content-disposition": f'attachment; filename="run-{_plain(run_id)}.json"', "cache-control": "no-store"}
    return Response(context.desk().runs.export_one(run_id), media_type="application/json", headers=headers)


def _failure(request: Request) -> Response:
    """The hand-off card of a failure group as Markdown."""
    fingerprint = request.path_params["fingerprint"]
    headers = {"content-disposition": f'attachment; filename="hand-off-{_plain(fingerprint)}.md"', "cache-control": "no-store"}
    return Response(context.desk().failures.hand_off(fingerprint), media_type="text/markdown; charset=utf-8", headers=headers)


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum() or letter in "-_")[:64]


ROUTES = (
    Route("/healthz", healthz, methods=["GET"]),
    Route("/readyz", readyz, methods=["GET"]),
    Route("/export/runs.{format:str}", partial(_answer, _runs), methods=["GET"]),
    Route("/export/run/{run:str}.json", partial(_answer, _run), methods=["GET"]),
    Route("/export/failure/{fingerprint:str}.md", partial(_answer, _failure), methods=["GET"]),
)
