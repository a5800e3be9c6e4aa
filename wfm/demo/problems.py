"""Errors as answers, in two dialects: the published ErrorBody (SDK model ErrorBody) and, on the brief's paths, its two keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

Json = dict[str, Any]


class Problem(Exception):
    """An answer that is an error. `field` is the member of the body or query that can't be used."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str = "",
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        super().__init__(message)

    def body(self, brief: bool, correlation_id: str) -> Json:
        """Return the body in the dialect of the path."""
        if brief:
            return {"code": _BRIEF_CODES.get(self.status, self.code), "message": self.message} | (
                {"field": self.field} if self.field else {}
            )
        details = [{"errorCode": self.code, "fieldName": self.field}] if self.field else []
        return error_body(self.status, self.code, self.message, correlation_id, details=details) | self.extra


_BRIEF_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "payload_too_large",
    429: "too_many_requests",
}


def error_body(
    status: int,
    code: str,
    message: str,
    correlation_id: str,
    *,
    details: list[Json] | None = None,
    errors: list[Json] | None = None,
) -> Json:
    """Return the published error form: SDK model ErrorBody. `contextId` equals the header ININ-Correlation-Id."""
    return {
        "message": message,
        "code": code,
        "status": status,
        "messageParams": {},
        "contextId": correlation_id,
        "details": details or [],
        "errors": errors or [],
    }


def bad_field(field: str, given: object, accepted: str) -> Problem:
    """400 for one member of a body or query; `given` None says that it is missing."""
    if given is None:
        return Problem(400, "invalid.value", f"Field '{field}' is missing. Accepted: {accepted}.", field=field)
    shown = given if isinstance(given, str) else orjson.dumps(given, default=str).decode()
    return Problem(400, "invalid.value", f"Field '{field}': {shown[:80]!r} is not valid. Accepted: {accepted}.", field=field)


def missing_permissions(permissions: Sequence[str], every: bool) -> Problem:
    """403 of a caller who holds the permissions in no division (published codes and messages)."""
    names = f"[{', '.join(permissions)}]"
    if every or len(permissions) == 1:
        text = f"Unable to perform the requested action. You are missing the following permission(s): {names}"
        return Problem(403, "missing.permissions", text)
    text = f"Unable to perform the requested action. You must have at least one of the following permissions assigned: {names}"
    return Problem(403, "missing.any.permissions", text)


def missing_in_division(permissions: Sequence[str], *division_ids: str) -> Problem:
    """403 of a caller who holds the permissions, but not in that division (published codes and messages)."""
    if len(permissions) == 1:
        text = f"You are missing the following permission '{permissions[0]}' in the provided division(s)."
        return Problem(403, "missing.division.permission", f"Unable to perform the requested action. {text}")
    text = (
        "Unable to perform the requested action. You must have at least one of the following permissions assigned: "
        f"[{', '.join(permissions)}] in at least one of the following division(s): [{', '.join(division_ids)}]"
    )
    return Problem(403, "missing.any.division.permissions", text)


def not_found() -> Problem:
    """404 of the published paths."""
    return Problem(404, "not.found", "The requested resource was not found.")


def resource_not_found() -> Problem:
    """404 of the brief's paths, without detail, as in the brief."""
    return Problem(404, "not_found", "Resource not found")
