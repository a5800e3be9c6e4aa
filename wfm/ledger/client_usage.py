"""How many reads and writes worked with an OAuth client: the evidence of what its roles allow."""

from __future__ import annotations

import sqlalchemy as sa

from wfm.domain.operations import Outcome
from wfm.ledger.bulk_rows import put_rows
from wfm.ledger.counters import by_outcome
from wfm.ledger.schema import read_counts
from wfm.ledger.tenants import Repository


class ClientUsage(Repository):
    """Reads and writes by client."""

    def counts(self, tenant_key: str, client_id: str) -> tuple[int, int, int]:
        """How many reads and writes have worked with a client, and how many writes failed."""
        with self._db.read() as connection:
            tenant = self._tenants.known(connection, tenant_key)
            if tenant is None:
                return 0, 0, 0
            asked = sa.select(read_counts.c.ok).where(read_counts.c.tenant_id == tenant, read_counts.c.client_id == client_id)
            reads = connection.scalar(asked) or 0
            writes = by_outcome(connection, tenant, "client", [client_id], None, None)
        return reads, writes[Outcome.APPLIED], writes[Outcome.FAILED]

    def add_reads(self, tenant_key: str, client_id: str, ok: int, failed: int = 0) -> None:
        def work(connection: sa.Connection) -> None:
            row = {
                "tenant_id": self._tenants.number(connection, tenant_key),
                "client_id": client_id,
                "ok": ok,
                "failed": failed,
            }
            put_rows(connection, read_counts, [row], keys=["tenant_id", "client_id"], added=["ok", "failed"])

        if ok or failed:
            self._db.write(work)
