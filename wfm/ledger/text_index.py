"""The index of words behind the text search: FTS5 on SQLite, tsvector with GIN on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from wfm.ledger.search_words import document, postgres_document, sqlite_document


def index_runs(connection: sa.Connection, texts: Mapping[int, Iterable[str | None]]) -> None:
    """Makes runs findable by these texts, instead of those they were findable by."""
    if connection.dialect.name == "sqlite":
        rows = [{"run": number, "words": sqlite_document(document(parts))} for number, parts in texts.items()]
        connection.execute(sa.text("INSERT OR REPLACE INTO run_search (rowid, words) VALUES (:run, :words)"), rows)
        return
    rows = [{"run_id": number, "words": postgres_document(document(parts))} for number, parts in texts.items()]
    connection.execute(_PUTTING, rows)


_VECTORS = sa.table("run_search", sa.column("run_id", sa.BigInteger), sa.column("words", postgresql.TSVECTOR))
_INSERT = postgresql.insert(_VECTORS)
_PUTTING = _INSERT.on_conflict_do_update(index_elements=["run_id"], set_={"words": _INSERT.excluded.words})
