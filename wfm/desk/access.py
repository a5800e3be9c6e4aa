"""The rights of the current OAuth client's token."""

from __future__ import annotations

from wfm.desk.dependencies import DeskPart
from wfm.desk.values import AccessReport
from wfm.domain.operations import Phase
from wfm.domain.plans import RouteName
from wfm.preview.access import checks_for
from wfm.routes import by_name


class Access(DeskPart):
    """Access of the current client, as its token and the ledger show it."""

    def report(self, *, fresh: bool = False) -> AccessReport:
        """Check every call of every route in the four lanes, and count reads and writes of the ledger. Raises GenesysError."""
        with self._connections.reads_counted() as connection:
            facts = connection.reader.token(fresh=fresh)
        reads_ok, writes_ok, writes_failed = self._ledger.client_usage.counts(self._tenant.key, connection.id)
        checks = {}
        for name in RouteName:
            route = by_name(name)
            calls = dict.fromkeys((*route.calls(Phase.APPLY), *route.calls(Phase.RESTORE)))
            checks[name.value] = checks_for(facts, tuple(calls))
        return AccessReport(
            token=facts,
            checks=checks,
            reads_ok=reads_ok,
            writes_ok=writes_ok,
            writes_failed=writes_failed,
            asymmetry=_asymmetry(facts.client_name, reads_ok, writes_ok, writes_failed),
            as_of=self._clock(),
        )


def _asymmetry(client: str, reads_ok: int, writes_ok: int, writes_failed: int) -> str:
    if reads_ok and writes_failed and not writes_ok:
        return (
            f"{client} has {reads_ok} reads that worked and {writes_failed} writes that failed, none that worked: "
            "expect a missing right to write, not an expired token."
        )
    return ""
