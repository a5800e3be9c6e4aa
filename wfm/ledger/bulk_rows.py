"""Many rows in one go: inserted, changed or deleted by their keys, or put where they may be there already.

SQLite is handed row after row in one call. PostgreSQL is sent all rows as one JSON document that it takes apart itself: its
driver would send each for itself, which takes longer than writing them. Statements are built once; building one takes longer
than a chunk of rows.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Rows = Sequence[Mapping[str, Any]]


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Inserts rows that all have the same columns."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(_inserting(table), list(rows))
    else:
        _sent(connection, _inserting_all(table, tuple(rows[0])), table, rows)


def add_missing(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert the rows whose keys are not there yet."""
    if rows:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        connection.execute(insert(table).on_conflict_do_nothing(), list(rows))


def change_rows(connection: sa.Connection, table: sa.Table, rows: Rows, *, keys: Sequence[str]) -> None:
    """Sets the other columns of the rows that have these keys. All rows have the same columns, keys among them."""
    if not rows:
        return
    columns = tuple(rows[0])
    if connection.dialect.name == "sqlite":
        changing = _changing(table, columns, tuple(keys))
        connection.execute(changing, [{f"new_{name}": value for name, value in row.items()} for row in rows])
    else:
        _sent(connection, _changing_all(table, columns, tuple(keys)), table, rows)


def put_rows(
    connection: sa.Connection,
    table: sa.Table,
    rows: Rows,
    *,
    keys: Sequence[str],
    added: Sequence[str] = (),
    replaced: Sequence[str] = (),
) -> None:
    """Inserts rows of different keys; where they are there already, adds to the `added` columns, replaces the `replaced`."""
    if not rows:
        return
    changes = (tuple(keys), tuple(added), tuple(replaced))
    if connection.dialect.name == "sqlite":
        connection.execute(_putting(table, *changes), list(rows))
    else:
        _sent(connection, _putting_all(table, tuple(rows[0]), *changes), table, rows)


def delete_rows(connection: sa.Connection, table: sa.Table, keys: Rows, also: sa.ColumnElement[bool]) -> None:
    """Deletes the rows of these keys that meet a condition too."""
    if not keys:
        return
    columns = tuple(keys[0])
    if connection.dialect.name == "sqlite":
        same = [table.c[name] == sa.bindparam(f"old_{name}") for name in columns]
        given = [{f"old_{name}": value for name, value in row.items()} for row in keys]
        connection.execute(sa.delete(table).where(*same, also), given)
    else:
        old = _rows_of(table, columns)
        same = [table.c[name] == old.c[name] for name in columns]
        _sent(connection, sa.delete(table).where(*same, also), table, keys)


# --- SQLite: row after row -------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _inserting(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


@functools.lru_cache(maxsize=64)
def _changing(table: sa.Table, columns: tuple[str, ...], keys: tuple[str, ...]) -> sa.Update:
    same = [table.c[name] == sa.bindparam(f"new_{name}") for name in keys]
    return sa.update(table).where(*same).values({name: sa.bindparam(f"new_{name}") for name in columns if name not in keys})


@functools.lru_cache(maxsize=64)
def _putting(table: sa.Table, keys: tuple[str, ...], added: tuple[str, ...], replaced: tuple[str, ...]) -> sa.Insert:
    insert = sqlite.insert(table)
    return insert.on_conflict_do_update(index_elements=keys, set_=_kept(table, insert.excluded, added, replaced))


def _kept(table: sa.Table, excluded: Any, added: tuple[str, ...], replaced: tuple[str, ...]) -> dict[str, Any]:
    return {name: table.c[name] + excluded[name] for name in added} | {name: excluded[name] for name in replaced}


# --- PostgreSQL: all rows as one document ----------------------------------------------------------------------------


def _sent(connection: sa.Connection, statement: sa.Executable, table: sa.Table, rows: Rows) -> None:
    kept = _processors(table, connection.dialect)
    found = [{name: kept[name](value) if name in kept else value for name, value in row.items()} for row in rows]
    connection.execute(statement, {"rows": json.dumps(found)})


@functools.lru_cache(maxsize=64)
def _processors(table: sa.Table, dialect: sa.Dialect) -> dict[str, Any]:
    """How the values of a column are stored, where otherwise than they are given."""
    found = {column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.c}
    return {name: processor for name, processor in found.items() if processor is not None}


def _rows_of(table: sa.Table, columns: tuple[str, ...]) -> sa.TableValuedAlias:
    document = sa.cast(sa.bindparam("rows", type_=sa.Text), postgresql.JSON)
    named = [sa.column(name, _stored(table.c[name].type)) for name in columns]
    return sa.func.json_to_recordset(document).table_valued(*named).render_derived(name="new", with_types=True)


def _stored(given: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """The type behind one of ours: the document holds what is stored already."""
    return given.impl_instance if isinstance(given, sa.types.TypeDecorator) else given


@functools.lru_cache(maxsize=64)
def _inserting_all(table: sa.Table, columns: tuple[str, ...]) -> postgresql.Insert:
    return postgresql.insert(table).from_select(columns, sa.select(*_rows_of(table, columns).c))


@functools.lru_cache(maxsize=64)
def _changing_all(table: sa.Table, columns: tuple[str, ...], keys: tuple[str, ...]) -> sa.Update:
    new = _rows_of(table, columns)
    same = [table.c[name] == new.c[name] for name in keys]
    return sa.update(table).where(*same).values({name: new.c[name] for name in columns if name not in keys})


@functools.lru_cache(maxsize=64)
def _putting_all(
    table: sa.Table, columns: tuple[str, ...], keys: tuple[str, ...], added: tuple[str, ...], replaced: tuple[str, ...]
) -> sa.Insert:
    insert = _inserting_all(table, columns)
    return insert.on_conflict_do_update(index_elements=keys, set_=_kept(table, insert.excluded, added, replaced))
