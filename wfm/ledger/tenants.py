"""Tenants by number: what every other table keeps in place of the tenant's key."""

from __future__ import annotations

import sqlalchemy as sa

from wfm.ledger.bulk_rows import add_missing
from wfm.ledger.database import Database
from wfm.ledger.schema import tenants
from wfm.ledger.sqlite import WRITES


class Tenants:
    """The tenants that something is stored for. Numbers that are committed are remembered."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._numbers: dict[str, int] = {}

    def known(self, connection: sa.Connection, key: str) -> int | None:
        """The number of a tenant; None where nothing was stored for it. For reads."""
        number = self._numbers.get(key)
        if number is None:
            number = connection.scalar(sa.select(tenants.c.id).where(tenants.c.key == key))
            if number is not None and not connection.get_execution_options().get(WRITES):
                self._numbers[key] = number
        return number

    def number(self, connection: sa.Connection, key: str) -> int:
        """The number of a tenant, which is made where it is missing. For writes."""
        number = self.known(connection, key)
        if number is None:
            add_missing(connection, tenants, [{"key": key}])
            number = self.known(connection, key)
        assert number is not None
        return number

    def organization_at(self, host: str) -> str | None:
        """The id of the organization whose history is held for that API host; None where none is. The newest of several."""
        begins = f"{host}|"
        asked = sa.select(tenants.c.key).where(tenants.c.key.startswith(begins, autoescape=True)).order_by(tenants.c.id.desc())
        with self._db.read() as connection:
            ids = [key.removeprefix(begins) for key in connection.scalars(asked)]
        return next((one for one in ids if one), None)


class Repository:
    """One subject of the ledger, over its database. Tenants are named by their key."""

    def __init__(self, db: Database, tenants: Tenants) -> None:
        self._db, self._tenants = db, tenants
