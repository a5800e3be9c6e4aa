"""The parts of a Desk over the methods of a FakeDesk, which has none."""

from __future__ import annotations

from typing import Any

PARTS = {
    "clients": {"all": "clients", "current": "current_client", "use": "use_client"},
    "agents": {
        "directory": "directory",
        "groups": "groups",
        "search": "search_agents",
        "resolve": "resolve",
        "in_file": "agent_list",
        "in_text": "pasted_list",
    },
    "plans": {
        "preview": "preview",
        "confirmation_needed": "confirmation_needed",
        "apply": "apply",
        "save_draft": "save_draft",
        "draft": "draft",
    },
    "windows": {
        "newest": "operations",
        "ended": "ended",
        "get": "operation",
        "titles": "operation_titles",
        "items": "items",
        "blocked": "blocked",
        "events": "events",
        "open_or_due": "open_or_due",
        "cancel": "cancel",
        "end": "end_now",
        "restore": "restore_now",
        "undo": "undo",
        "extend": "extend",
        "retry_failed": "retry_failed",
        "settle": "settle",
        "comment": "comment",
    },
    "runs": {
        "page": "runs",
        "get": "run",
        "over_time": "runs_over_time",
        "first_at": "first_run_at",
        "totals": "totals",
        "export": "export_runs",
        "export_selected": "export_selected",
        "export_one": "export_run",
    },
    "failures": {
        "explain": "explain",
        "groups": "failures",
        "get": "failure",
        "detail": "failure_detail",
        "brief": "failure_brief",
        "series": "failure_series",
        "waiting_agents": "waiting_agents",
        "causes_over_time": "causes_over_time",
        "hand_off": "hand_off",
        "mark": "mark_group",
        "amend": "amend_group",
    },
    "proofs": {"probe": "probe_group", "probe_fixed": "probe_fixed"},
    "access": {"report": "access"},
    "actions": {"all": "actions", "get": "action", "test": "test_action", "execute": "execute_action"},
    "health": {"check": "health", "held_up": "held_up", "worker_alive": "worker_alive"},
    "saved_views": {"all": "views", "default": "default_view", "save": "save_view", "delete": "delete_view"},
    "imports": {"preview": "import_preview", "add": "import_runs"},
    "retention": {
        "dry_run": "retention_dry_run",
        "run": "retain",
        "nightly": "nightly",
        "last_run": "retention_state",
        "archive_folder": "archive_folder",
    },
}


class _Part:
    def __init__(self, fake: Any, names: dict[str, str]) -> None:
        self._fake, self._names = fake, names

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fake, self._names[name])


class FakeParts:
    """What screens are given: `desk.windows.get` is the fake's `operation`."""

    def __init__(self, fake: Any) -> None:
        self._fake = fake

    def __getattr__(self, name: str) -> Any:
        return _Part(self._fake, PARTS[name]) if name in PARTS else getattr(self._fake, name)


def parts(fake: Any) -> Any:
    """A Desk, as far as the screens can tell."""
    return FakeParts(fake)
