"""Imports: runs that other programs made are previewed, diagnosed and added to the history once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from io import BytesIO
from itertools import islice
from typing import BinaryIO

from wfm import catalogue
from wfm.desk.dependencies import DeskPart
from wfm.diagnosis import diagnose
from wfm.domain.diagnoses import Diagnosis, Evidence, Kind, nameless
from wfm.domain.errors import BadInput, DeskError, Refused
from wfm.domain.imported_runs import ImportedRun, Unreadable
from wfm.domain.operations import Exchange, ItemState, Outcome, Phase
from wfm.domain.people import Actor, Capability
from wfm.domain.redaction import redact_body, redact_json, redact_text
from wfm.files.imports import (
    MAX_DOCUMENT_BYTES,
    MEANINGS,
    ImportContext,
    Read,
    columns_of_records,
    columns_of_table,
    read_csv,
    read_flow_data,
    read_json_lines,
    read_parquet,
    read_payloads,
)
from wfm.ledger.records import DirectRun, Settlement
from wfm.payloads.encodings import as_utf8
from wfm.preview.selection import Index

BATCH = 200
CHUNK = 64 * 1024
MAX_PREVIEWED = 1_000_000
"""Bytes of JSON Lines or CSV that a preview reads."""
MAX_REMEMBERED = 1_000
"""Diagnoses of one file that are kept to be used again."""
MAX_SHOWN_PROBLEMS = 200
MAX_SHOWN_ROWS = 20
_STATES = {"applied": ItemState.APPLIED, "failed": ItemState.FAILED, "skipped": ItemState.SKIPPED}


class ImportFormat(StrEnum):
    """A format of imported files. The value is its name in addresses and in the ledger."""

    JSON_LINES = "jsonl"
    CSV = "csv"
    FLOW = "flow"
    PAYLOADS = "payloads"
    PARQUET = "parquet"
    """An archive of the retention, or an export: runs come back under the ids they had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """The beginning of a file: its columns, what each most likely means, and the first runs read that way.

    `notes` are sentences about the file as a whole. `zone_needed`: its times name no zone and none was declared.
    """

    columns: tuple[str, ...]
    mapping: Mapping[str, str]
    rows: tuple[ImportedRun, ...]
    problems: tuple[Unreadable, ...]
    notes: tuple[str, ...] = ()
    zone_needed: bool = False


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """The result of an import. `problems` are the first 200 of the `unreadable` lines; `known` were there already.

    `notes` are sentences about the file as a whole: what had to be assumed to read it.
    """

    read: int = 0
    added: int = 0
    known: int = 0
    unreadable: int = 0
    problems: list[Unreadable] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Imports(DeskPart):
    """Imports into this tenant's history."""

    def preview(
        self, source: BinaryIO, fmt: ImportFormat, mapping: Mapping[str, str] | None = None, *, zone: str = ""
    ) -> ImportPreview:
        """Return what an import makes of the first lines. Changes nothing.

        `zone` is the IANA zone of times that name none. Raises BadInput for a mapping of unknown names, an unknown zone, a
        packed file, or a document above 32 MB where it must be held whole.
        """
        _refuse_strange(mapping)
        context = ImportContext(now=self._clock(), mapping=mapping, zone=zone, known=self._known_agent())
        start = b""
        if fmt in (ImportFormat.JSON_LINES, ImportFormat.CSV):
            start = _beginning(source, context)
            source = BytesIO(start)
        first_rows = list(islice(self._read(source, fmt, context, None), MAX_SHOWN_ROWS * 2))
        columns, recognised = _columns(start, fmt, ImportContext(now=self._clock(), known=context.known))
        return ImportPreview(
            columns=columns,
            mapping=dict(mapping or recognised),
            rows=tuple(row for row in first_rows if isinstance(row, ImportedRun))[:MAX_SHOWN_ROWS],
            problems=tuple(row for row in first_rows if isinstance(row, Unreadable)),
            notes=tuple(context.notes),
            zone_needed=context.zone_missing,
        )

    def add(
        self,
        source: BinaryIO,
        fmt: ImportFormat,
        actor: Actor,
        *,
        mapping: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
        zone: str = "",
        name: str = "",
    ) -> ImportReport:
        """Add the runs of a file, in constant memory for JSON Lines, CSV and Parquet of any size; for admins.

        `progress` is told how many bytes were read. `zone` is the IANA zone of times that name none: without it such lines
        are unreadable. `name` is the file's, kept with each run. A flow execution file or pasted text above 32 MB is refused
        with the limit named. Raises NotAllowed, BadInput, StoreFault, and Refused (busy) while the same file is imported by
        another thread or process; what was added before a fault stays, and importing again adds only the rest.
        """
        actor.require(Capability.ADMINISTER)
        _refuse_strange(mapping)
        mark = _mark(source)
        # A stream that can't be rewound has no mark: each of its runs is still added once.
        locks = self._ledger.locks
        lock = locks.exclusive(self._tenant.key, f"import-{mark}", passing=True) if mark else nullcontext(True)
        with lock as ours:
            if not ours:
                raise Refused(
                    "busy", "This file is being imported already. Its runs are added once; look under Runs in a moment."
                )
            report = ImportReport()
            context = ImportContext(now=self._clock(), mapping=mapping, zone=zone, known=self._known_agent())
            context.notes = report.notes
            batch: list[tuple[str, DirectRun]] = []
            known_causes: dict[bytes, Diagnosis] = {}
            for row in self._read(source, fmt, context, progress):
                if isinstance(row, Unreadable):
                    report.unreadable += 1
                    if len(report.problems) < MAX_SHOWN_PROBLEMS:
                        report.problems.append(row)
                    continue
                report.read += 1
                batch.append((row.digest, self._direct(row, fmt, actor, name, known_causes)))
                if len(batch) == BATCH:
                    self._add(batch, report)
                    batch = []
            self._add(batch, report)
            return report

    def _known_agent(self) -> Callable[[str], str]:
        """Return a function from a cell to the id of the agent it names, or "". It reads the directory when first called."""

        @cache
        def index() -> Index | None:
            try:
                return Index(self._connections.get().reader.directory())
            except DeskError:
                return None  # while the tenant does not answer, a cell names no one

        def known(cell: str) -> str:
            people = index()
            named = [] if people is None else people.agents_named(cell)
            return named[0].id if named else ""

        return known

    def _add(self, batch: list[tuple[str, DirectRun]], report: ImportReport) -> None:
        added = self._ledger.imports.record(self._tenant.key, batch) if batch else 0
        report.added += added
        report.known += len(batch) - added

    def _read(
        self, source: BinaryIO, fmt: ImportFormat, context: ImportContext, progress: Callable[[int], None] | None
    ) -> Iterator[Read]:
        if fmt is ImportFormat.PARQUET:
            return read_parquet(source, context, progress)
        chunks = _chunks(source, progress)
        if fmt is ImportFormat.JSON_LINES:
            return read_json_lines(chunks, context)
        if fmt is ImportFormat.CSV:
            return read_csv(chunks, context)
        document = _whole(chunks)
        if fmt is ImportFormat.FLOW:
            return read_flow_data(document, context)
        return read_payloads(b"".join(as_utf8([document], context.notes)).decode("utf-8", "replace"), context)

    def _direct(
        self, run: ImportedRun, fmt: ImportFormat, actor: Actor, name: str, known_causes: dict[bytes, Diagnosis]
    ) -> DirectRun:
        failed = run.outcome == "failed"
        call = redact_text(run.call)
        exchanges = tuple(map(_redacted, run.exchanges)) or _exchange_of(run, call)
        diagnosis = _diagnosis(run, exchanges, call, known_causes) if failed else None
        settlement = Settlement(
            run_id=run.run,
            agent_id=run.agent_id,
            state=_STATES.get(run.outcome, ItemState.UNCONFIRMED),
            outcome=Outcome(run.outcome),
            finished_at=run.time,
            duration_ms=run.duration_ms,
            status=run.status,
            code=redact_text(run.code) or (diagnosis.code if diagnosis else None),
            correlation_id=run.correlation_id or (diagnosis.correlation_id if diagnosis else None),
            diagnosis=diagnosis,
            note=redact_text(run.note),
            exchanges=exchanges,
        )
        return DirectRun(
            tenant_key=self._tenant.key,
            agent_id=redact_text(run.agent_id),
            agent_name=redact_text(run.agent),
            route=run.route,
            action=redact_text(run.action) or None,
            via=run.via,
            call=_template(call),
            phase=Phase(run.phase),
            settlement=settlement,
            started_at=run.time,
            created_by=actor.name,
            tags={"imported": fmt.value, "line": str(run.line)} | ({"file": redact_text(name)[:200]} if name else {}),
            operation_id=run.operation_id,
        )


def _template(call: str) -> str:
    """Return the operation that was called, without ids: runs of one cause have it in common."""
    verb, _, path = call.partition(" ")
    if "/" not in path:
        return call
    known = catalogue.match(verb, path)
    if known is not None:
        return known.key
    published = catalogue.published_path(path)
    return f"{verb} {published}" if published else nameless(call)


def _exchange_of(run: ImportedRun, call: str) -> tuple[Exchange, ...]:
    """Return what is known of the request, redacted and cut as that of an own run."""
    request, response = redact_body(run.request), redact_body(run.response)
    if not (request or response or run.status):
        return ()
    return (
        Exchange(
            number=1,
            method="POST" if run.via == "data_action" else call.split(" ")[0][:10],
            url=call.removeprefix("POST ") if run.via == "data_action" else call.partition(" ")[2] or call,
            request_body=request or None,
            status=run.status,
            response_headers={},
            response_body=response or None,
            correlation_id=run.correlation_id or None,
            fault="",
            started_at=run.time,
            duration_ms=run.duration_ms or 0,
        ),
    )


def _redacted(exchange: Exchange) -> Exchange:
    headers = redact_json(dict(exchange.response_headers))
    return replace(
        exchange,
        url=redact_text(exchange.url),
        request_body=redact_body(exchange.request_body),
        response_body=redact_body(exchange.response_body),
        response_headers=headers if isinstance(headers, dict) else {},
        fault=redact_text(exchange.fault),
    )


def _diagnosis(run: ImportedRun, exchanges: tuple[Exchange, ...], call: str, known_causes: dict[bytes, Diagnosis]) -> Diagnosis:
    """Diagnose the payload, and keep kind, cause and names where the desk that made the run knew them.

    Files repeat one answer thousands of times: what it means is remembered for as long as the file is read.
    """
    last = next((exchange for exchange in reversed(exchanges) if exchange.status is None or exchange.status >= 400), None)
    body = (last.response_body if last is not None else None) or run.code
    headers = last.response_headers if last is not None else {}
    answer = "\x1f".join((str(run.status), *map(str, sorted(headers.items())), body, call, run.via))
    key = hashlib.sha256(answer.encode("utf-8", "replace")).digest()
    if key not in known_causes:
        if len(known_causes) >= MAX_REMEMBERED:
            known_causes.clear()
        known_causes[key] = diagnose(run.status, headers, body, Evidence(call=call, via=run.via))
    diagnosis = known_causes[key]
    if run.kind not in set(Kind):
        return diagnosis
    return replace(
        diagnosis,
        kind=Kind(run.kind),
        code=run.code or diagnosis.code,
        cause=redact_text(run.cause) or diagnosis.cause,
        missing=tuple(map(redact_text, run.missing)),
        retryable=diagnosis.retryable if run.retryable is None else run.retryable,
    )


def _beginning(source: BinaryIO, context: ImportContext) -> bytes:
    """Return the first megabyte, up to its last whole line where more follows."""
    start = source.read(MAX_PREVIEWED)
    more = len(start) == MAX_PREVIEWED and bool(source.read(1))
    start = b"".join(as_utf8([start], context.notes))
    cut = start.rfind(b"\n") if more else -1
    return start[: cut + 1] if cut > 0 else start


def _mark(source: BinaryIO) -> str | None:
    """Return a mark that is the same for the same bytes; None for a stream that can be read only once."""
    if not source.seekable():
        return None
    begun, digest = source.tell(), hashlib.sha256()
    with suppress(OSError):  # a file that breaks off is read up to there
        while chunk := source.read(CHUNK):
            digest.update(chunk)
    source.seek(begun)
    return digest.hexdigest()[:32]


def _chunks(source: BinaryIO, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    total = 0
    while chunk := source.read(CHUNK):
        total += len(chunk)
        yield chunk
        if progress is not None:
            progress(total)


def _whole(chunks: Iterable[bytes]) -> bytes:
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) > MAX_DOCUMENT_BYTES:
            accepted = f"up to {MAX_DOCUMENT_BYTES // 1_000_000} MB; JSON Lines and CSV may have any size"
            raise BadInput("file", "a larger document", accepted)
    return bytes(held)


def _columns(start: bytes, fmt: ImportFormat, context: ImportContext) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Return the names of the columns, and what each most likely means."""
    if fmt is ImportFormat.CSV:
        return columns_of_table(start, context)
    return columns_of_records(start, context) if fmt is ImportFormat.JSON_LINES else ((), {})


def _refuse_strange(mapping: Mapping[str, str] | None) -> None:
    strange = sorted(set(mapping or ()) - set(MEANINGS))
    if strange:
        raise BadInput("mapping", strange[0], f"one of {', '.join(MEANINGS)}")
