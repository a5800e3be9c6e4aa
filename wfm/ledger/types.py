"""Column types of the ledger."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_HALVES = re.compile("[\ud800-\udfff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A 64-bit key. On SQLite only a column declared INTEGER is the row's own key."""


def to_micros(value: datetime) -> int:
    """Microseconds since 1970, exactly. Raises ValueError for an instant without zone."""
    if value.tzinfo is None:
        raise ValueError("instants are aware: this one has no time zone")
    return (value - _EPOCH) // timedelta(microseconds=1)


def from_micros(value: int) -> datetime:
    """The aware UTC instant of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant, kept as microseconds since 1970: exact, 8 bytes, the same order on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class SafeText(TypeDecorator[str]):
    """Text that may come from anywhere: what neither database can keep is left out (`storable`)."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None or (value.isascii() and "\0" not in value) else storable(value)


def storable(text: str) -> str:
    """The text without zero bytes, which PostgreSQL refuses, and with U+FFFD for halves of characters, which JSON can hold
    ("\\ud83d") and no encoding.
    """
    return _HALVES.sub("\ufffd", text.replace("\0", ""))


class _Json(TypeDecorator[Any]):
    """A value as JSON text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(json.dumps(value, ensure_ascii=False))

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:
        return None if value is None else json.loads(value)


class Names(_Json):
    """A short tuple of names, kept as a JSON array."""

    cache_ok = True

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(json.loads(value))


class Pairs(_Json):
    """Names with values, such as headers, kept as a JSON object."""

    cache_ok = True
