"""schemathesis as judge of the published platform: calls made from the schemas of the operations, wanted ones and wrong ones.

No call may break the tenant, and every answer must have a declared status and the SDK's model, or be an ErrorBody.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.published_calls import Calls, served
from tests.demo.published import UNKNOWN_USER
from tests.support.demo_tenant import DemoHandle
from tests.support.openapi_cut import openapi_cut
from tests.support.sdk_operations import sdk_operations

pytestmark = pytest.mark.slow
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 12
KEYS = served()
CASES = [(key, GenerationMode.POSITIVE) for key in KEYS] + [
    (key, GenerationMode.NEGATIVE)
    for key in KEYS
    if (known := sdk_operations()[key]).query_params or known.body_type is not None
]


@pytest.fixture(scope="module")
def cut(calls: Calls) -> Any:
    """The document as schemathesis has it. Path parameters are ids that exist, one that does not, and no id at all."""
    values = {name: [value, UNKNOWN_USER, "no id"] for name, value in calls.parameters.items()}
    values["id"] = [*values["userId"], "*"]
    bodies = {key: body for key in KEYS if (body := calls.body(key)) is not None}
    return schemathesis.openapi.from_dict(openapi_cut(KEYS, values, bodies))


@pytest.mark.parametrize(("key", "mode"), CASES, ids=[f"{mode.value} {key}" for key, mode in CASES])
def test_every_answer_has_a_declared_status_and_form(demo: DemoHandle, cut: Any, key: str, mode: GenerationMode) -> None:
    verb, path = key.split(" ", 1)
    operation = cut[path][verb]
    headers = {"Authorization": f"Bearer {demo.token('desk')}"}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def judge(case: Any) -> None:
        case.call_and_validate(base_url=demo.url, headers=headers, checks=CHECKS)

    judge()
