"""The official SDK as judge of the published platform: every operation of the catalogue that is served, one by one.

The call is the SDK's own; its model must hold all that was answered; and a caller without rights gets its ApiException.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.published_calls import Calls, served
from tests.support.demo_tenant import DemoHandle
from tests.support.official_sdk import ApiException, sdk
from tests.support.sdk_operations import SdkOperation, misfits, sdk_operations
from wfm import catalogue
from wfm.demo.roles import ROLES

pytestmark = pytest.mark.xdist_group("published sdk")  # one tenant, asked in this order

# Two end the token, or the plan that the others ask for.
LAST = ("DELETE /api/v2/tokens/me",)
KEYS = [key for key in served() if key not in LAST] + [key for key in served() if key in LAST]
GENERIC = {401: {"bad.credentials"}, 403: {"missing.permissions", "missing.any.permissions"}}


class Client:
    """The SDK's own client, which also keeps the body of the last answer as it came."""

    def __init__(self, demo: DemoHandle, token: str) -> None:
        self.raw: Any = None
        self.client = sdk.api_client.ApiClient(host=demo.url)
        self.client.access_token = token
        read = self.client.deserialize

        def keep(response: Any, kind: Any) -> Any:
            text = kind == "str"
            self.raw = response.data if text else json.loads(response.data)
            return read(response, kind)

        self.client.deserialize = keep

    def call(self, operation: SdkOperation, calls: Calls) -> Any:
        method = getattr(getattr(sdk, operation.api)(self.client), operation.method)
        given: dict[str, Any] = {own: calls.parameter(operation.key, wire) for wire, own in operation.path_params}
        given |= calls.query(operation.key)
        body = calls.body(operation.key)
        if body is not None:
            given["body"] = body
        return method(**given)


def test_the_sdk_knows_every_one_of_them() -> None:
    assert not [key for key in KEYS if key not in sdk_operations()]
    assert len(KEYS) > 50


@pytest.mark.parametrize("key", KEYS)
def test_the_answer_is_the_sdks_model_with_nothing_lost(demo: DemoHandle, calls: Calls, key: str) -> None:
    operation = sdk_operations()[key]
    client = Client(demo, demo.token("desk"))
    if key in NEED_A_USER:
        client = Client(demo, demo.post(f"/_demo/users/{calls.agent['id']}/token")["access_token"])
    answered = client.call(operation, calls)
    if operation.answer is None or operation.verb == "HEAD":
        assert answered is None
        return
    assert answered is not None
    assert client.raw
    assert list(misfits(client.raw, operation.answer)) == []


NEED_A_USER = ("GET /api/v2/users/me", "PATCH /api/v2/workforcemanagement/unavailabletimes")


@pytest.fixture(scope="module")
def nobody(demo: DemoHandle, calls: Calls) -> str:
    """A token of a client whose roles are taken away. Asked for after all that works with them."""
    demo.patch("/_demo/clients/architect-flow", {"withdraw": list(ROLES)})
    return demo.token("architect-flow")


@pytest.mark.parametrize("key", [key for key in KEYS if not key.startswith("HEAD")])
def test_a_caller_without_rights_gets_an_api_exception(demo: DemoHandle, calls: Calls, nobody: str, key: str) -> None:
    operation = sdk_operations()[key]
    known = catalogue.operation(key)
    with pytest.raises(ApiException) as refused:
        Client(demo, nobody if known.permissions else "nonsense").call(operation, calls)
    body = json.loads(refused.value.body)
    assert refused.value.status == (403 if known.permissions else 401)
    assert body["code"] in GENERIC[refused.value.status]
    assert (body["status"], body["contextId"]) == (refused.value.status, refused.value.headers["ININ-Correlation-Id"])
    assert list(misfits(body, "ErrorBody")) == []
    assert all(name in body["message"] for name in known.permissions)
