"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice

from wfm.domain.imported_runs import Unreadable
from wfm.files.imports.cell_values import status_of, text_of_value
from wfm.files.imports.column_inference import cells_of, mapping_by_cells, status_by_values
from wfm.files.imports.column_mapping import HEAD_ROWS, flat, mapping_for
from wfm.files.imports.records import ImportContext, Read, run_from
from wfm.payloads.encodings import MAX_LINE_BYTES, as_utf8, lines_of, text_of

_Line = tuple[int, Mapping[str, object] | str]
"""Number, and the object or a sentence instead of it."""


def read_json_lines(chunks: Iterable[bytes], context: ImportContext) -> Iterator[Read]:
    """The runs of the lines. Without a mapping, each line's own names decide, and the cells of the first lines.

    Raises BadInput for a packed file.
    """
    lines = _lines(chunks, context)
    first = list(islice(lines, HEAD_ROWS))
    inferred = (
        None
        if context.mapping is not None
        else _InferredMapping([one for _, one in first if not isinstance(one, str)], context)
    )
    for number, record in chain(first, lines):
        if isinstance(record, str):
            yield Unreadable(line=number, why=record)
            continue
        members, objects = flat(record)
        mapping = context.mapping if inferred is None else inferred.mapping(members, objects)
        yield run_from(number, members, mapping or {}, context)
    if not first:
        context.note("The file is empty.")


def _lines(chunks: Iterable[bytes], context: ImportContext) -> Iterator[_Line]:
    something = False
    for number, line in lines_of(as_utf8(chunks, context.notes)):
        text = "" if line is None else text_of(number, line, context.notes).strip()
        if line is None:
            yield number, f"The line is longer than {MAX_LINE_BYTES:,} bytes."
        elif text:
            record = _object(text)
            if isinstance(record, str) and not something and text.startswith("["):
                record += " A file that is one JSON array can be pasted, or written with one object a line."
            yield number, record
        something = something or line is None or bool(text)


class _InferredMapping:
    """What the cells of the first records say beyond the names of their members."""

    def __init__(self, records: Sequence[Mapping[str, object]], context: ImportContext) -> None:
        flats = [flat(one) for one in records]
        objects = frozenset(name for _, whole in flats for name in whole)
        cells = cells_of([members for members, _ in flats], objects)
        self._named = mapping_for(cells)
        self._found = mapping_by_cells(cells, self._named, context.known, context.note)

    def mapping(self, members: Mapping[str, object], objects: frozenset[str]) -> Mapping[str, str]:
        """{meaning: name} of one record."""
        own = mapping_for(members, objects)
        for meaning, column in self._named.items():
            if meaning not in self._found and own.get(meaning) == column:
                del own[meaning]
        for meaning, column in self._found.items():
            if self._named.get(meaning) != column and column in members and column not in own.values():
                own[meaning] = column
        if "status" not in own or status_of(members.get(own["status"])) is not None:
            return own
        return status_by_values({name: [text_of_value(one)] for name, one in members.items() if name not in objects}, own)


def columns_of_records(start: bytes, context: ImportContext | None = None) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """The names of the first object and of the objects in it, and what each means: {meaning: name}."""
    context = context or ImportContext(now=datetime.max.replace(tzinfo=UTC))
    first = list(islice(_lines([start], context), HEAD_ROWS))
    if not first or isinstance(first[0][1], str):
        return (), {}
    members, objects = flat(first[0][1])
    return tuple(members), _InferredMapping([one for _, one in first if not isinstance(one, str)], context).mapping(
        members, objects
    )


def _object(text: str) -> dict[str, object] | str:
    """The object of a line, or a sentence why there is none."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return "The line is no JSON."
    return record if isinstance(record, dict) else "The line is JSON, but no object with names."
