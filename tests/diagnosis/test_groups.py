"""One cause, one group: what counts in a fingerprint, and what does not."""

from __future__ import annotations

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfm.diagnosis import diagnose

BULK = "PUT /api/v2/users/presences/bulk"
UPDATE = "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/weeks/{weekId}/schedules/{scheduleId}/update"
DIVISION, OTHER = "81bd940d-5331-4905-b01a-c8795595e972", "cf6f4db3-5497-4bda-913b-7c4fd711cad0"


def group(body: str, call: str | None = BULK, status: int = 403, **headers: str) -> str:
    return diagnose(status, {name.replace("_", "-"): value for name, value in headers.items()}, body).fingerprint(call)


def refused(*names: str, code: str = "missing.permissions", **more: object) -> str:
    said = f"You are missing the following permission(s): [{', '.join(names)}]"
    return json.dumps({"message": said, "code": code, "status": 403, **more})


@given(st.uuids(), st.datetimes(), st.integers(1, 60))
def test_ids_times_and_correlation_ids_don_t_count(identity: uuid.UUID, when: object, seconds: int) -> None:
    body = refused("a:b:c", contextId=str(identity), entityId=str(identity), timestamp=str(when))
    assert group(body, ININ_Correlation_Id=str(identity), Date=str(when)) == group(refused("a:b:c"))
    limit = {
        "code": "too.many.requests.retry.after",
        "message": f"Retry the request in [{seconds}] seconds",
        "contextId": str(when),
    }
    assert group(json.dumps(limit), status=429) == group(
        json.dumps({**limit, "message": "Retry the request in [9] seconds"}), status=429
    )
    absent = {"code": "wfm.entity.not.found", "message": f"Schedule {identity} was not found"}
    assert group(json.dumps(absent), status=404) == group(
        json.dumps({**absent, "message": f"Schedule {OTHER} was not found"}), status=404
    )


@pytest.mark.parametrize(
    "call",
    [
        f"POST /api/v2/workforcemanagement/businessunits/{OTHER}/weeks/{{weekId}}/schedules/{DIVISION}/update",
        f"POST https://api.mypurecloud.com/api/v2/workforcemanagement/businessunits/{OTHER}/weeks/7/schedules/{OTHER}/update?x=1",
        "POST /api/v2/workforcemanagement/businessunits/{a}/weeks/{b}/schedules/{c}/update/",
        "POST /api/v2/workforcemanagement/businessunits/${input.bu}/weeks/{{week}}/schedules/12/update",
    ],
)
def test_a_concrete_path_is_the_operation_it_belongs_to(call: str) -> None:
    call = call.replace("{{week}}", "{week}")
    assert group(refused("a:b:c"), call) == group(refused("a:b:c"), UPDATE)


def test_the_order_and_the_spelling_don_t_count() -> None:
    assert group(refused("a:b:c", "d:e:f")) == group(refused("d:e:f", "a:b:c"))
    assert group(refused("a:b:c", code="MISSING_PERMISSIONS")) == group(refused("a:b:c"))


def test_what_makes_another_group() -> None:
    groups = [
        group(refused("a:b:c")),
        group(refused("a:b:d")),
        group(refused("a:b:c", "a:b:d")),
        group(refused("a:b:c"), UPDATE),
        group(refused("a:b:c"), BULK.replace("PUT", "GET")),
        group(refused("a:b:c"), None),
        group(refused("a:b:c", code="missing.any.permissions")),
        group(refused(f"a:b:c:{DIVISION}")),
        group(refused(f"a:b:c:{OTHER}")),
        group(refused("a:b:c"), status=404, call="GET /api/v2/users/me"),
        group('{"code":"app.not.authorized.for.scope","message":"App not authorized to use scope [users]"}'),
        group('{"code":"app.not.authorized.for.scope","message":"App not authorized to use scope [presence]"}'),
        group("", status=429),
        group("", status=503),
    ]
    assert len(set(groups)) == len(groups)
