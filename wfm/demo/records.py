"""What is kept about agents beside states and plans, by kind and id: unavailable times, explanations, time off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from wfm.demo.world import stable_id

Row = dict[str, Any]


class Records:
    """Rows by kind and id. `append` writes a record that must survive before it counts."""

    def __init__(self, seed: int, append: Callable[[Row], None]) -> None:
        self._seed = seed
        self._append = append
        self._rows: dict[str, dict[str, Row]] = {}
        self._made = 0

    def new_id(self, kind: str) -> str:
        """Return an id that the same tenant gives in the same order."""
        self._made += 1
        return stable_id(self._seed, "record", kind, self._made)

    def put(self, kind: str, record_id: str, row: Row) -> None:
        """Add or replace a row."""
        self._append({"t": "record", "kind": kind, "id": record_id, "row": row})
        self._rows.setdefault(kind, {})[record_id] = row

    def remove(self, kind: str, record_id: str) -> None:
        self._append({"t": "record", "kind": kind, "id": record_id, "row": None})
        self._rows.get(kind, {}).pop(record_id, None)

    def get(self, kind: str, record_id: str) -> Row | None:
        return self._rows.get(kind, {}).get(record_id)

    def rows(self, kind: str) -> dict[str, Row]:
        return self._rows.get(kind, {})

    def reset(self) -> None:
        self._append({"t": "record", "kind": "", "id": "", "row": None})
        self._rows.clear()

    def replay(self, record: Row) -> None:
        """Apply a record read from the state file."""
        self._made += 1
        if not record["kind"]:
            self._rows.clear()
        elif record["row"] is None:
            self._rows.get(record["kind"], {}).pop(record["id"], None)
        else:
            self._rows.setdefault(record["kind"], {})[record["id"]] = record["row"]

    def records(self) -> Iterator[Row]:
        """Return everything that a compacted state file keeps."""
        for kind, rows in self._rows.items():
            for record_id, row in rows.items():
                yield {"t": "record", "kind": kind, "id": record_id, "row": row}
