"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from wfm.domain.imports.columns import flat, mapping_for
from wfm.domain.imports.lines import LONGEST_LINE, as_utf8, lines_of, text_of
from wfm.domain.imports.runs import Read, Reading, Unreadable, run_from


def read_json_lines(chunks: Iterable[bytes], reading: Reading) -> Iterator[Read]:
    """The runs of the lines. Without a mapping, each line's own names decide. Raises BadInput for a packed file."""
    something = False
    for number, line in lines_of(as_utf8(chunks, reading.notes)):
        if line is None:
            something = True
            yield Unreadable(line=number, why=f"The line is longer than {LONGEST_LINE:,} bytes.")
            continue
        text = text_of(number, line, reading.notes).strip()
        if not text:
            continue
        record = _object(text)
        if isinstance(record, str):
            if not something and text.startswith("["):
                record += " A file that is one JSON array can be pasted, or written with one object a line."
            something = True
            yield Unreadable(line=number, why=record)
            continue
        something = True
        members, objects = flat(record)
        mapping = reading.mapping if reading.mapping is not None else mapping_for(members, objects)
        yield run_from(number, members, mapping, reading)
    if not something:
        reading.note("The file is empty.")


def columns_of_records(start: bytes) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """The names of the first object and of the objects in it, and what each means: {meaning: name}."""
    notes: list[str] = []
    for number, line in lines_of(as_utf8([start], notes)):
        text = text_of(number, line or b"", notes).strip()
        if text:
            record = _object(text)
            if isinstance(record, str):
                break
            members, objects = flat(record)
            return tuple(members), mapping_for(members, objects)
    return (), {}


def _object(text: str) -> dict[str, object] | str:
    """The object of a line, or a sentence why there is none."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return "The line is no JSON."
    return record if isinstance(record, dict) else "The line is JSON, but no object with names."
