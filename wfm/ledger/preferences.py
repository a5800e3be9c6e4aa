"""Small values that are remembered: preferences of a tenant, and drafts of plans, one a person and tenant."""

from __future__ import annotations

import sqlalchemy as sa

from wfm.ledger.bulk_rows import put_rows
from wfm.ledger.database import Database
from wfm.ledger.tenants import Repository, Tenants


class KeptTexts(Repository):
    """One text a tenant and key, the newest: a table of tenant, key and text."""

    def __init__(self, db: Database, tenants: Tenants, table: sa.Table, key: str, text: str) -> None:
        super().__init__(db, tenants)
        self._table, self._key, self._text = table, key, text

    def get(self, tenant_key: str, key: str) -> str | None:
        """The text that is kept, None when there is none."""
        columns = self._table.c
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            kept = sa.select(columns[self._text]).where(columns.tenant_id == tenant, columns[self._key] == key)
            return connection.scalar(kept)

    def set(self, tenant_key: str, key: str, text: str) -> None:
        """Keep a text, in place of the one before."""

        def work(connection: sa.Connection) -> None:
            row = {"tenant_id": self._tenants.number(connection, tenant_key), self._key: key, self._text: text}
            put_rows(connection, self._table, [row], keys=["tenant_id", self._key], replaced=[self._text])

        self._db.write(work)
