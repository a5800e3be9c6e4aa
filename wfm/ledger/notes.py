"""The small things: the story of an operation, preferences, drafts, heartbeats."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from wfm.domain.errors import NotFound, Refused
from wfm.ledger.bulk import put_rows
from wfm.ledger.ids import decode
from wfm.ledger.records import Event, SavedView, WorkerSeen
from wfm.ledger.schema import drafts, events, operations, preferences, saved_views, tenants, workers
from wfm.ledger.store import Store

MOST_VIEWS = 100


class Notes(Store):
    """Everything that is neither an operation nor a run."""

    def events(self, operation_id: str) -> list[Event]:
        """An operation's story, oldest first."""
        asked = sa.select(events).where(events.c.operation_id == decode(operation_id)).order_by(events.c.id)
        with self._db.read() as connection:
            rows = connection.execute(asked).all()
        return [Event(operation_id=operation_id, at=row.at, actor=row.actor, kind=row.kind, text=row.text) for row in rows]

    def add_event(self, operation_id: str, *, at: datetime, actor: str, kind: str, text: str) -> None:
        """Adds a line to an operation's story; kind "comment" for what a person says. Raises NotFound."""
        number = decode(operation_id)

        def work(connection: sa.Connection) -> None:
            if number is None or connection.scalar(sa.select(operations.c.id).where(operations.c.id == number)) is None:
                raise NotFound(f"There is no operation {operation_id!r}.")
            self._event(connection, number, at, actor, kind, text)

        self._db.write(work)

    def organization_at(self, host: str) -> str | None:
        """The id of the organization whose history is held for that API host; None where none is. The newest of several."""
        begins = f"{host}|"
        asked = sa.select(tenants.c.key).where(tenants.c.key.startswith(begins, autoescape=True)).order_by(tenants.c.id.desc())
        with self._db.read() as connection:
            found = [key.removeprefix(begins) for key in connection.scalars(asked)]
        return next((one for one in found if one), None)

    def preference(self, tenant_key: str, key: str) -> str | None:
        """A remembered value of this tenant, None when there is none."""
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            asked = sa.select(preferences.c.value).where(preferences.c.tenant_id == tenant, preferences.c.key == key)
            return connection.scalar(asked)

    def set_preference(self, tenant_key: str, key: str, value: str) -> None:
        """Remembers a value for this tenant."""

        def work(connection: sa.Connection) -> None:
            row = {"tenant_id": self._tenant(connection, tenant_key), "key": key, "value": value}
            put_rows(connection, preferences, [row], keys=["tenant_id", "key"], replaced=["value"])

        self._db.write(work)

    def draft(self, subject: str, tenant_key: str) -> str | None:
        """A person's half-filled plan as JSON, None when there is none."""
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            return connection.scalar(sa.select(drafts.c.plan).where(drafts.c.tenant_id == tenant, drafts.c.subject == subject))

    def save_draft(self, subject: str, tenant_key: str, plan: str) -> None:
        """Keeps a person's half-filled plan, in place of the one before."""

        def work(connection: sa.Connection) -> None:
            row = {"tenant_id": self._tenant(connection, tenant_key), "subject": subject, "plan": plan}
            put_rows(connection, drafts, [row], keys=["tenant_id", "subject"], replaced=["plan"])

        self._db.write(work)

    def views(self, subject: str, tenant_key: str) -> list[SavedView]:
        """A person's saved views of the history, by name."""
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            mine = (saved_views.c.tenant_id == tenant, saved_views.c.subject == subject)
            rows = connection.execute(sa.select(saved_views).where(*mine).order_by(saved_views.c.name)).all()
        return [SavedView(name=row.name, query=row.query, is_default=row.is_default, changed_at=row.changed_at) for row in rows]

    def save_view(
        self, subject: str, tenant_key: str, name: str, query: Mapping[str, str], *, is_default: bool, now: datetime
    ) -> None:
        """Keeps a view under its name, in place of one of that name. A new default takes the place of the one before.

        Raises Refused beyond 100 views: nobody finds anything in a longer list.
        """

        def work(connection: sa.Connection) -> None:
            tenant = self._tenant(connection, tenant_key)
            self._db.lock(connection, "views", tenant, subject)
            mine = (saved_views.c.tenant_id == tenant, saved_views.c.subject == subject)
            others = sa.select(sa.func.count()).where(*mine, saved_views.c.name != name)
            if (connection.scalar(others) or 0) >= MOST_VIEWS:
                raise Refused("policy", f"You have {MOST_VIEWS} saved views, which is as many as are kept. Delete one first.")
            if is_default:
                connection.execute(sa.update(saved_views).where(*mine).values(is_default=False))
            row = {
                "tenant_id": tenant,
                "subject": subject,
                "name": name,
                "query": dict(query),
                "is_default": is_default,
                "changed_at": now,
            }
            keys = ["tenant_id", "subject", "name"]
            put_rows(connection, saved_views, [row], keys=keys, replaced=["query", "is_default", "changed_at"])

        self._db.write(work)

    def delete_view(self, subject: str, tenant_key: str, name: str) -> None:
        """Forgets a view. Raises NotFound."""

        def work(connection: sa.Connection) -> None:
            tenant = self._tenant(connection, tenant_key)
            at = (saved_views.c.tenant_id == tenant, saved_views.c.subject == subject, saved_views.c.name == name)
            if connection.execute(sa.delete(saved_views).where(*at)).rowcount == 0:
                raise NotFound(f"You have no saved view “{name}”.")

        self._db.write(work)

    def heartbeat(self, worker_id: str, tenant_key: str, *, state: str, pid: int, host: str, now: datetime) -> None:
        """A worker says that it lives, and in which state."""

        def work(connection: sa.Connection) -> None:
            row = {
                "worker_id": worker_id,
                "tenant_id": self._tenant(connection, tenant_key),
                "state": state,
                "pid": pid,
                "host": host,
                "seen_at": now,
            }
            said = ["tenant_id", "state", "pid", "host", "seen_at"]
            put_rows(connection, workers, [row], keys=["worker_id"], replaced=said)

        self._db.write(work)

    def workers(self, tenant_key: str) -> list[WorkerSeen]:
        """Workers of this tenant by their last heartbeat, the newest first."""
        with self._db.read() as connection:
            tenant = self._known_tenant(connection, tenant_key)
            asked = sa.select(workers).where(workers.c.tenant_id == tenant).order_by(workers.c.seen_at.desc())
            rows = connection.execute(asked).all()
        return [
            WorkerSeen(
                worker_id=row.worker_id, tenant_key=tenant_key, state=row.state, pid=row.pid, host=row.host, seen_at=row.seen_at
            )
            for row in rows
        ]

    def forget_worker(self, worker_id: str) -> None:
        """Removes a worker that has ended."""
        self._db.write(lambda connection: connection.execute(sa.delete(workers).where(workers.c.worker_id == worker_id)))
