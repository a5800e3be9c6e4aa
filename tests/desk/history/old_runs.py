"""What the tests of imports, retention and exports share: desks on one database, lines to import, runs as they were."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.support.inside import inside
from wfm.desk import Desk, ImportFormat, ImportReport
from wfm.domain.operations import Exchange, Run, RunFilter
from wfm.domain.people import Actor, Role
from wfm.domain.tenant import Tenant
from wfm.ledger import Ledger
from wfm.settings import Settings

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ADMIN = Actor(subject="a", name="Ada", role=Role.ADMIN)
SUPERVISOR = Actor(subject="v", name="Vi", role=Role.SUPERVISOR)
FORBIDDEN = '{"code": "forbidden", "message": "Insufficient permissions for resource access"}'
DAYS = 30


def tenant(organization: str = "org-1") -> Tenant:
    return Tenant(
        api_url="https://api.example.com",
        login_url="https://login.example.com",
        organization_id=organization,
        organization_name="Org",
        is_demo=False,
    )


class House:
    """Desks that share a database and a clock. `desk` is the first; others are closed with the house."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.now = NOW
        self._desks: list[Desk] = []
        self.desk = self.another()

    @property
    def ledger(self) -> Ledger:
        """The ledger of the first desk."""
        return inside(self.desk).ledger

    def another(self, *, organization: str = "org-1", folder: Path | None = None, days: int = DAYS) -> Desk:
        settings = Settings(data_dir=folder or self.folder, retention_days=days, _env_file=None)
        desk = Desk(settings, tenant(organization), Ledger(self.url), None, lambda: self.now)
        self._desks.append(desk)
        return desk

    def leave(self, desk: Desk) -> None:
        """Closes one of several desks: a server has only so many connections."""
        self._desks.remove(desk)
        desk.close()

    def close(self) -> None:
        for desk in self._desks:
            desk.close()


def record(n: int, *, days: float = 1, **more: object) -> dict[str, object]:
    at = NOW - timedelta(days=days, seconds=n)
    return {"timestamp": at.isoformat(), "userId": f"agent-{n}", "status": 200, **more}


def failed(n: int, *, days: float = 1, **more: object) -> dict[str, object]:
    return record(n, days=days, **{"status": 403, "response": FORBIDDEN, **more})


def as_lines(records: Iterable[dict[str, object]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


def bring(
    desk: Desk, data: bytes | str | Iterable[dict[str, object]], fmt: ImportFormat = ImportFormat.JSON_LINES, **more: Any
) -> ImportReport:
    if isinstance(data, str):
        data = data.encode()
    if not isinstance(data, bytes):
        data = as_lines(data)
    return desk.imports.add(io.BytesIO(data), fmt, ADMIN, **more)


def came(report: ImportReport) -> tuple[int, int, int]:
    return report.added, report.known, report.unreadable


def everything(desk: Desk) -> dict[str, tuple[Run, tuple[Exchange, ...]]]:
    """Every run of the tenant with its attempts, by id."""
    ids = [run.id for batch in inside(desk).ledger.runs.batches(desk.tenant.key, RunFilter()) for run in batch]
    return {run_id: inside(desk).ledger.runs.get(desk.tenant.key, run_id) for run_id in ids}


def archived(folder: Path) -> list[str]:
    """The runs in all archives of a folder, oldest first; a run that stands in two stands twice."""
    found: list[str] = []
    for path in folder.rglob("*.parquet"):
        found += pq.read_table(path, columns=["run"]).column("run").to_pylist()
    return sorted(found)
