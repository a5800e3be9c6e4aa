"""Runs that the desk did not make, brought into the history: previewed, diagnosed on the way in, added once."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import BinaryIO

from wfm.desk.core import DeskCore
from wfm.diagnosis import diagnose
from wfm.domain.diagnoses import Evidence
from wfm.domain.errors import BadInput
from wfm.domain.imports import (
    LARGEST_DOCUMENT,
    MEANINGS,
    ImportedRun,
    Read,
    Unreadable,
    mapping_for,
    read_csv,
    read_flow_data,
    read_json_lines,
    read_payloads,
)
from wfm.domain.operations import Exchange, ItemState, Outcome, Phase
from wfm.domain.people import Actor, Capability
from wfm.domain.redaction import redact_text
from wfm.ledger.records import DirectRun, Settlement

BATCH = 200
CHUNK = 64 * 1024
SHOWN_PROBLEMS = 200
SHOWN_ROWS = 20
_STATES = {"applied": ItemState.APPLIED, "failed": ItemState.FAILED, "skipped": ItemState.SKIPPED}


class ImportFormat(StrEnum):
    """The value is the word of the command line and of the screen."""

    JSON_LINES = "jsonl"
    CSV = "csv"
    FLOW = "flow"
    PAYLOADS = "payloads"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """The beginning of a file: its columns, what each most likely means, and the first runs read that way."""

    columns: tuple[str, ...]
    mapping: Mapping[str, str]
    rows: tuple[ImportedRun, ...]
    problems: tuple[Unreadable, ...]


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What came of an import. `problems` are the first 200 of the `unreadable` lines; `known` were there already."""

    read: int = 0
    added: int = 0
    known: int = 0
    unreadable: int = 0
    problems: list[Unreadable] = field(default_factory=list)


class ImportDesk(DeskCore):
    """Imports into this tenant's history."""

    def import_preview(self, source: BinaryIO, fmt: ImportFormat, mapping: Mapping[str, str] | None = None) -> ImportPreview:
        """What an import would make of the first lines. Changes nothing. Raises BadInput for a mapping of unknown names."""
        _refuse_strange(mapping)
        start = source.read(1_000_000)
        found = list(islice(self._read([start], fmt, mapping, whole=start), SHOWN_ROWS * 2))
        columns = _columns(start, fmt)
        return ImportPreview(
            columns=columns,
            mapping=dict(mapping or mapping_for(columns)),
            rows=tuple(one for one in found if isinstance(one, ImportedRun))[:SHOWN_ROWS],
            problems=tuple(one for one in found if isinstance(one, Unreadable)),
        )

    def import_runs(
        self,
        source: BinaryIO,
        fmt: ImportFormat,
        actor: Actor,
        *,
        mapping: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> ImportReport:
        """Adds the runs of a file, in constant memory for JSON Lines and CSV of any size; for admins.

        `progress` is told how many bytes were read. A flow execution file or pasted text above 32 MB is refused with the
        limit named. Raises NotAllowed, BadInput, StoreFault; what was added before a fault stays, and importing again
        adds only the rest.
        """
        self.allow(actor, Capability.ADMINISTER)
        _refuse_strange(mapping)
        report = ImportReport()
        batch: list[tuple[str, DirectRun]] = []
        for one in self._read(_chunks(source, progress), fmt, mapping):
            if isinstance(one, Unreadable):
                report.unreadable += 1
                if len(report.problems) < SHOWN_PROBLEMS:
                    report.problems.append(one)
                continue
            report.read += 1
            batch.append((one.digest, self._direct(one, fmt, actor)))
            if len(batch) == BATCH:
                self._add(batch, report)
                batch = []
        self._add(batch, report)
        return report

    def _add(self, batch: list[tuple[str, DirectRun]], report: ImportReport) -> None:
        added = self.ledger.record_imported(self.tenant.key, batch) if batch else 0
        report.added += added
        report.known += len(batch) - added

    def _read(
        self, chunks: Iterable[bytes], fmt: ImportFormat, mapping: Mapping[str, str] | None, *, whole: bytes | None = None
    ) -> Iterator[Read]:
        if fmt is ImportFormat.JSON_LINES:
            return read_json_lines(chunks, mapping)
        if fmt is ImportFormat.CSV:
            return read_csv(chunks, mapping)
        document = _whole(chunks) if whole is None else whole
        if fmt is ImportFormat.FLOW:
            return read_flow_data(document)
        return read_payloads(document.decode("utf-8", "replace"), self.clock())

    def _direct(self, run: ImportedRun, fmt: ImportFormat, actor: Actor) -> DirectRun:
        failed = run.outcome == "failed"
        response, request = redact_text(run.response), redact_text(run.request)
        evidence = Evidence(call=run.call, via=run.via)
        diagnosis = diagnose(run.status, {}, response or run.code, evidence) if failed else None
        exchange = Exchange(
            number=1,
            method="POST" if run.via == "data_action" else run.call.split(" ")[0][:10],
            url=run.call,
            request_body=request or None,
            status=run.status,
            response_headers={},
            response_body=response or None,
            correlation_id=run.correlation_id or None,
            fault="",
            started_at=run.time,
            duration_ms=run.duration_ms,
        )
        settlement = Settlement(
            run_id="",
            agent_id=run.agent_id,
            state=_STATES.get(run.outcome, ItemState.UNCONFIRMED),
            outcome=Outcome(run.outcome),
            finished_at=run.time,
            duration_ms=run.duration_ms,
            status=run.status,
            code=run.code or (diagnosis.code if diagnosis else None),
            correlation_id=run.correlation_id or (diagnosis.correlation_id if diagnosis else None),
            diagnosis=diagnosis,
            note=redact_text(run.note),
            exchanges=(exchange,) if request or response or run.status else (),
        )
        return DirectRun(
            tenant_key=self.tenant.key,
            agent_id=run.agent_id,
            agent_name=run.agent,
            route=run.route,
            action=run.action or None,
            via=run.via,
            call=run.call,
            phase=Phase(run.phase),
            settlement=settlement,
            started_at=run.time,
            created_by=actor.name,
            tags={"imported": fmt.value, "line": str(run.line)},
        )


def _chunks(source: BinaryIO, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    read = 0
    while chunk := source.read(CHUNK):
        read += len(chunk)
        yield chunk
        if progress is not None:
            progress(read)


def _whole(chunks: Iterable[bytes]) -> bytes:
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) > LARGEST_DOCUMENT:
            accepted = f"up to {LARGEST_DOCUMENT // 1_000_000} MB; JSON Lines and CSV may have any size"
            raise BadInput("file", "a larger document", accepted)
    return bytes(held)


def _columns(start: bytes, fmt: ImportFormat) -> tuple[str, ...]:

    first = start.decode("utf-8-sig", "replace").partition("\n")[0].strip("\r")
    if fmt is ImportFormat.CSV:
        delimiter = max(",;\t", key=first.count)
        return tuple(name.strip() for name in next(csv.reader([first], delimiter=delimiter), []))
    if fmt is ImportFormat.JSON_LINES:
        try:
            record = json.loads(first)
        except (ValueError, RecursionError):
            return ()
        return tuple(record) if isinstance(record, dict) else ()
    return ()


def _refuse_strange(mapping: Mapping[str, str] | None) -> None:
    strange = sorted(set(mapping or ()) - set(MEANINGS))
    if strange:
        raise BadInput("mapping", strange[0], f"one of {', '.join(MEANINGS)}")
