"""Heartbeats of workers."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from wfm.ledger.bulk_rows import put_rows
from wfm.ledger.records import WorkerSeen, same_named
from wfm.ledger.schema import workers
from wfm.ledger.tenants import Repository


class Workers(Repository):
    """Who works for a tenant, and when that was last said."""

    def heartbeat(self, worker_id: str, tenant_key: str, *, state: str, pid: int, host: str, now: datetime) -> None:
        """Keep that a worker lives, and in which state."""

        def work(connection: sa.Connection) -> None:
            row = {
                "worker_id": worker_id,
                "tenant_id": self._tenants.number(connection, tenant_key),
                "state": state,
                "pid": pid,
                "host": host,
                "seen_at": now,
            }
            put_rows(connection, workers, [row], keys=["worker_id"], replaced=["tenant_id", "state", "pid", "host", "seen_at"])

        self._db.write(work)

    def all(self, tenant_key: str) -> list[WorkerSeen]:
        """Workers of this tenant by their last heartbeat, the newest first."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            asked = sa.select(workers).where(workers.c.tenant_id == tenant).order_by(workers.c.seen_at.desc())
            rows = connection.execute(asked).all()
        return [WorkerSeen(**same_named(WorkerSeen, row), tenant_key=tenant_key) for row in rows]

    def forget(self, worker_id: str) -> None:
        """Remove a worker that has ended."""
        self._db.write(lambda connection: connection.execute(sa.delete(workers).where(workers.c.worker_id == worker_id)))
