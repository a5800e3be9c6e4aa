"""The predicate and the header that steers it."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.genesys.conftest import NOW
from wfm.genesys import errors
from wfm.genesys.errors import GenesysError, class_for
from wfm.genesys.retry import Hook, Policy, is_worth_again, retry_after_seconds


def kinds(root: type[GenesysError] = GenesysError) -> list[type[GenesysError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_verdict_and_stands_in_the_tree(kind: type[GenesysError]) -> None:
    assert is_worth_again(kind("GET /x")) == issubclass(
        kind, errors.RateLimited | errors.ServerFault | errors.ConnectionProblem
    )
    assert kind.__name__ in (errors.__doc__ or "")
    assert "{" not in str(kind("GET /x", status=500, code="x.y", message="Said.", correlation_id="c"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451])
def test_refusals_are_never_retried(status: int) -> None:
    for reads in (True, False):
        assert not is_worth_again(class_for(status, reads=reads)("GET /x"))


def test_a_server_fault_may_pass_for_reads_and_is_unknown_for_most_writes() -> None:
    for status in (500, 502, 503, 504, 599):
        assert is_worth_again(class_for(status, reads=True)("GET /x"))
    assert {s for s in range(500, 600) if class_for(s, reads=False) is not errors.OutcomeUnknown} == {501, 503, 505}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), ("7", 7), (" 2.5 ", 2.5), ("-3", 0), ("soon", None), ("", None), ("nan", None), ("inf", None), (None, None)],
)
def test_retry_after_in_seconds(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, lambda: NOW) == seconds


def test_retry_after_as_a_date() -> None:
    assert retry_after_seconds(format_datetime(NOW + timedelta(seconds=40), usegmt=True), lambda: NOW) == 40
    assert retry_after_seconds(format_datetime(NOW - timedelta(seconds=40), usegmt=True), lambda: NOW) == 0
    assert retry_after_seconds("Mon, 99 Foo 2026 00:00:00 GMT", lambda: NOW) is None


@given(st.text(max_size=40))
def test_no_header_breaks_it(value: str) -> None:
    seconds = retry_after_seconds(value, lambda: NOW)
    assert seconds is None or seconds >= 0


def test_the_hook_counts_faults_and_honours_retry_after() -> None:
    hook = Hook(Policy(patience_s=60, attempts=3))
    assert hook(errors.ServerFault("GET /api/x")) is True
    assert hook(errors.RateLimited("GET /api/x")) == 0.0
    assert hook(errors.ServerFault("GET /api/x", retry_after=4.0)) == 4.0
    assert hook(errors.ServerFault("GET /api/x")) is False
    assert hook(ValueError("no")) is False
