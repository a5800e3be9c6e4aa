"""Small values that are remembered: preferences of a tenant, and drafts of plans, one a person and tenant."""

from __future__ import annotations

import sqlalchemy as sa

from wfm.ledger.bulk import put_rows
from wfm.ledger.schema import drafts, preferences
from wfm.ledger.tenants import Repository


class Preferences(Repository):
    """Values by key, of a tenant."""

    def get(self, tenant_key: str, key: str) -> str | None:
        """A remembered value of this tenant, None when there is none."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            asked = sa.select(preferences.c.value).where(preferences.c.tenant_id == tenant, preferences.c.key == key)
            return connection.scalar(asked)

    def set(self, tenant_key: str, key: str, value: str) -> None:
        def work(connection: sa.Connection) -> None:
            row = {"tenant_id": self._tenants.number(connection, tenant_key), "key": key, "value": value}
            put_rows(connection, preferences, [row], keys=["tenant_id", "key"], replaced=["value"])

        self._db.write(work)


class Drafts(Repository):
    """Half-filled plans as JSON, one a person (`subject`) and tenant."""

    def get(self, subject: str, tenant_key: str) -> str | None:
        """A person's half-filled plan, None when there is none."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            return connection.scalar(sa.select(drafts.c.plan).where(drafts.c.tenant_id == tenant, drafts.c.subject == subject))

    def save(self, subject: str, tenant_key: str, plan: str) -> None:
        """Keep a person's half-filled plan, in place of the one before."""

        def work(connection: sa.Connection) -> None:
            row = {"tenant_id": self._tenants.number(connection, tenant_key), "subject": subject, "plan": plan}
            put_rows(connection, drafts, [row], keys=["tenant_id", "subject"], replaced=["plan"])

        self._db.write(work)
