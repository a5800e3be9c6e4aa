"""How far something came, by the words that answers have for it, and values in which nothing speaks of a failure at all."""

from __future__ import annotations

from collections.abc import Mapping

RUNNING = frozenset(
    {"processing", "pending", "running", "queued", "in progress", "inprogress", "in_progress", "in-progress", "started"}
    | {"accepted", "submitted", "created", "waiting", "initiated", "ongoing", "notready", "not ready", "requested"}
)
THERE = "there"
"""The state of a thing that was read, of a token that was given, of a notification that tells of a change."""

DONE = frozenset(
    {"success", "succeeded", "successful", "complete", "completed", "done", "ok", "fulfilled", "finished", "ready", THERE}
)
FAILED = frozenset({"error", "failed", "failure", "canceled", "cancelled", "aborted", "timedout", "rejected"})

_PAGES = frozenset({"pagesize", "pagecount", "pagenumber", "total", "cursor", "nexturi"})


def is_thing(members: Mapping[str, object]) -> bool:
    """Whether an object, its names as `key_of` has them, is what an answer that went well carries: a thing of the platform, a
    page of them, a token, a notification."""
    page = isinstance(members.get("entities"), list) and bool(_PAGES & set(members))
    return "selfuri" in members or page or {"accesstoken", "tokentype"} <= set(members) or is_notification(members)


def are_things(value: object) -> bool:
    """Whether a JSON value in which nothing tells of a failure is what a read or a started upload gives: one with an id or an
    address to go on with, or a list of those, be it empty."""
    if isinstance(value, list):
        return all(isinstance(item, dict) and are_things(item) for item in value[:50])
    return isinstance(value, dict) and len(value) > 1 and any(value.get(name) for name in ("id", "uploadKey", "downloadUrl"))


def is_notification(members: Mapping[str, object]) -> bool:
    return "topicname" in members and isinstance(members.get("eventbody"), dict)
