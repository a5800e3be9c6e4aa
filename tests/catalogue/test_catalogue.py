"""The catalogue: keys, concrete paths back to their operation, the nearest published path, and what the brief is not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfm import catalogue
from wfm.catalogue import BRIEF_OPERATIONS, PlatformOperation, match, nearest, operation, operations
from wfm.domain.diagnoses import Provenance

USER = "11111111-aaaa-4bbb-8ccc-000000000001"
ALL = sorted(operations().values(), key=lambda known: known.key)


def concrete(known: PlatformOperation, value: str = USER) -> str:
    return known.fill(**dict.fromkeys(re.findall(r"\{(\w+)\}", known.path), value))


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.key)
def test_every_operation_is_found_by_key_template_and_concrete_path(known: PlatformOperation) -> None:
    assert operation(known.key) is known
    assert match(known.verb, known.path) == known
    assert match(known.verb.lower(), f"https://api.mypurecloud.com{concrete(known)}?expand=x") == known


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.key)
def test_every_operation_is_well_formed(known: PlatformOperation) -> None:
    assert known.verb in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    assert known.path.startswith("/api/v2/")
    assert known.path.count("{") == len(set(re.findall(r"\{\w+\}", known.path)))
    assert known.source
    assert bool(known.permissions) == (known.any_or_all in ("ANY", "ALL"))
    assert all(re.fullmatch(r"[\w-]+(:[\w-]+)*", scope) for scope in known.scopes)
    assert all(name.count(":") == 2 for name in known.permissions)


def test_the_operations_of_the_brief_are_marked_and_in_no_published_part() -> None:
    published = {known.path for known in ALL if known.provenance is Provenance.PUBLISHED}
    for known in BRIEF_OPERATIONS:
        assert known.provenance is Provenance.BRIEF
        assert known.path not in published
        assert known.scopes == (("wfm:schedule:read",) if known.verb == "GET" else ("wfm:schedule:update",))
    assert not any(path.startswith("/api/v2/wfm/") for path in published)
    assert not any(scope.startswith("wfm:") for scope in catalogue.known_scopes())
    assert "wfm:schedule:edit" in catalogue.known_permissions()
    assert "wfm:schedule:update" not in catalogue.known_permissions()


@pytest.mark.parametrize(
    ("verb", "path", "key"),
    [
        ("GET", "/api/v2/users/me", "GET /api/v2/users/me"),
        ("GET", f"/api/v2/users/{USER}", "GET /api/v2/users/{userId}"),
        ("PATCH", f"/api/v2/users/{USER}/presences/purecloud", "PATCH /api/v2/users/{userId}/presences/purecloud"),
        ("PATCH", f"/api/v2/users/{USER}/presences/abc", "PATCH /api/v2/users/{userId}/presences/{sourceId}"),
        ("PATCH", f"/api/v2/wfm/users/{USER}/availability/", "PATCH /api/v2/wfm/users/{userId}/availability"),
        ("patch", "/api/v2/wfm/users/{{userId}}/availability", "PATCH /api/v2/wfm/users/{userId}/availability"),
        ("PATCH", "/api/v2/wfm/users/${input.userId}/availability", "PATCH /api/v2/wfm/users/{userId}/availability"),
        (
            "PATCH",
            f"https://api.mypurecloud.com/api/v2/wfm/users/{USER}/schedule/adherence?x=1",
            "PATCH /api/v2/wfm/users/{userId}/schedule/adherence",
        ),
        ("POST", "/api/v2/integrations/actions/custom_-_1/execute", "POST /api/v2/integrations/actions/{actionId}/execute"),
    ],
)
def test_concrete_paths_find_the_most_literal_operation(verb: str, path: str, key: str) -> None:
    found = match(verb, path)
    assert found is not None
    assert found.key == key


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("DELETE", f"/api/v2/wfm/users/{USER}/availability"),
        ("GET", "/api/v2/wfm/users//availability"),
        ("GET", f"/api/v2/users/{USER}/presences/purecloud/x"),
        ("GET", "/api/v3/users"),
        ("GET", ""),
        ("", "/api/v2/users"),
    ],
)
def test_unknown_paths_match_nothing(verb: str, path: str) -> None:
    assert match(verb, path) is None


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/api/v2/workforcemanagement/agent/{agentId}/unavailabletimes", "agents/{agentId}/unavailabletimes"),
        ("/api/v2/integration/action/{id}/execute", "/integrations/actions/{actionId}/execute"),
        (f"/api/v2/user/{USER}/presence/purecloud", "/users/{userId}/presences/purecloud"),
    ],
)
def test_the_nearest_published_path_is_the_one_a_person_would_name(path: str, wanted: str) -> None:
    assert wanted in nearest(path).path


def test_the_nearest_is_always_published_also_for_the_paths_of_the_brief() -> None:
    for known in BRIEF_OPERATIONS:
        assert nearest(known.path).provenance is Provenance.PUBLISHED
    only = [operation("GET /api/v2/users")]
    assert nearest("/nothing/like/it", only) is only[0]


def test_filling_a_path_quotes_what_would_break_it_and_misses_nothing() -> None:
    known = operation("PATCH /api/v2/wfm/users/{userId}/availability")
    assert known.fill(userId="a/b?c#d e%") == "/api/v2/wfm/users/a%2Fb%3Fc%23d%20e%25/availability"
    with pytest.raises(KeyError):
        known.fill(agentId="x")


@pytest.mark.parametrize(
    ("key", "reads"),
    [
        ("GET /api/v2/users", True),
        ("POST /api/v2/users/search", True),
        ("POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/agentschedules/search", True),
        ("PATCH /api/v2/wfm/users/{userId}/availability", False),
        ("POST /api/v2/integrations/actions/{actionId}/execute", False),
        ("PUT /api/v2/users/presences/bulk", False),
    ],
)
def test_reads_are_told_from_writes(key: str, reads: bool) -> None:
    assert operation(key).reads is reads


@given(st.sampled_from(["GET", "PATCH", "PUT"]), st.text(max_size=60))
def test_any_path_is_judged_without_falling_over(verb: str, path: str) -> None:
    found = match(verb, path)
    assert found is None or found.verb == verb
    assert nearest(path).path.startswith("/api/v2/")


@given(st.text(min_size=1, max_size=40).filter(lambda text: text not in (".", "..")))
def test_what_is_filled_in_is_matched_again(user: str) -> None:
    try:
        path = operation("GET /api/v2/wfm/users/{userId}/availability").fill(userId=user)
    except UnicodeEncodeError:
        return  # half a surrogate pair is no text
    found = match("GET", path)
    assert found is not None
    assert found.key == "GET /api/v2/wfm/users/{userId}/availability"
