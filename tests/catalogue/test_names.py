"""The names of the published API, held against the official SDK; what is near to a name that does not exist."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.official_sdk import sdk
from wfm import catalogue
from wfm.catalogue import nearest_name, nearest_path, published_path, published_paths, published_permissions, published_scopes
from wfm.domain.diagnoses import Provenance

USER = "0e184a6e-cc01-43c1-a9d2-7a4064a9d9e2"


def nameless(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def test_every_call_of_the_official_sdk_is_known_with_its_verb() -> None:
    method = re.compile(r"resource_path = '([^']+)'.*?call_api\(resource_path, '(\w+)'", re.DOTALL)
    known = {nameless(path): verbs for path, verbs in published_paths().items()}
    seen = 0
    for file in (Path(sdk.__file__).parent / "apis").glob("*_api.py"):
        for path, verb in method.findall(file.read_text(encoding="utf-8")):
            assert verb in known[nameless(path)], (verb, path)
            seen += 1
    assert seen > 3_000


def test_nothing_of_the_brief_is_among_the_published_names() -> None:
    for known in catalogue.BRIEF_OPERATIONS:
        assert published_path(known.path) is None
        assert not set(known.scopes) & (published_scopes() | published_permissions())
    assert not any(path.startswith("/api/v2/wfm") for path in published_paths())


def test_what_the_desk_uses_is_published() -> None:
    for known in catalogue.operations().values():
        if known.provenance is Provenance.PUBLISHED:
            template = published_path(known.path)
            assert template is not None, known.key
            assert set(known.scopes) <= published_scopes(), known.key
            assert set(known.permissions) <= published_permissions(), known.key
            if known.verb != "HEAD":
                assert known.verb in published_paths()[template], known.key


def test_names_have_the_form_of_their_sort() -> None:
    assert len(published_scopes()) == 135
    assert all(name.count(":") == 2 for name in published_permissions())
    assert all(name.count(":") < 2 for name in published_scopes())
    assert all(path.startswith("/api/v2/") and verbs for path, verbs in published_paths().items())


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/api/v2/users/me", "/api/v2/users/me"),
        (f"/api/v2/users/{USER}", "/api/v2/users/{userId}"),
        (
            f"https://api.mypurecloud.de/api/v2/users/{USER}/presences/purecloud?x=1",
            "/api/v2/users/{userId}/presences/purecloud",
        ),
        ("/api/v2/users/{id}/routingstatus/", "/api/v2/users/{userId}/routingstatus"),
        ("/api/v2/users//routingstatus", None),
        ("/api/v2/users/x/y/z", None),
        ("", None),
        ("/", None),
    ],
)
def test_a_path_finds_its_template(path: str, template: str | None) -> None:
    assert published_path(path) == template


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("wfm:schedule:edt", "wfm:schedule:edit"),
        ("presence:userpresence:edit", "presence:userPresence:edit"),
        ("routing:queues:view", "routing:queue:view"),
        ("nothing:like:this", ""),
        ("wfm:schedule:publish", "wfm:schedule:edit"),  # by what it means, not by its letters: delete
        ("wfm:schedule:read", "wfm:schedule:view"),
        ("wfm:timeOffRequest:approve", "wfm:timeOffRequest:edit"),
        ("routing:queues:update", "routing:queue:edit"),
        ("wfm:schedules:read", "wfm:schedule:view"),
        ("wfm:agents:update", "wfm:agent:edit"),
        ("directory:users:read", "directory:user:view"),
        ("users:user:read", "directory:user:view"),
        ("integrations:action:run", "integrations:action:execute"),
        ("integration:actions:invoke", "integrations:action:execute"),
        ("presence:user:edit", "presence:userPresence:edit"),
        ("user:presence:write", "presence:userPresence:edit"),
        ("wfm:management-unit:view", "wfm:managementUnit:view"),
        ("wfm:business_units:list", "wfm:businessUnit:view"),
        ("workforce-management:schedule:read", "wfm:schedule:view"),
        ("wfm:time-off:view", "wfm:timeOffRequest:view"),
        ("architect:flows:publish", "architect:flow:publish"),  # there the verb itself exists
        ("analytics:conversationDetail:edit", ""),  # the thing exists, and can only be viewed
        ("wfm:schedule:delegate", ""),  # by its letters: delete
        ("wfm:schedule:run", ""),
    ],
)
def test_the_nearest_permission(name: str, nearest: str) -> None:
    assert nearest_name(name, published_permissions()) == nearest


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("users:read", "users:readonly"),
        ("user:readonly", "users:readonly"),
        ("users:write", "users"),
        ("workforcemanagement", "workforce-management"),
        ("nothing", ""),
    ],
)
def test_the_nearest_scope(name: str, nearest: str) -> None:
    assert nearest_name(name, published_scopes()) == nearest


_SAID_FOR = {
    "view": ("read", "get", "list", "query", "View"),
    "edit": ("update", "write", "modify", "patch", "manage", "approve"),
    "add": ("create", "insert", "post"),
    "delete": ("remove", "destroy"),
    "execute": ("run", "invoke", "call"),
}


@given(st.data())
def test_a_verb_keeps_its_class_however_the_name_is_spelt(data: st.DataObject) -> None:
    """A read is never answered with a write, nothing becomes a deletion, and the thing itself stays."""
    plain = sorted(name for name in published_permissions() if name.rpartition(":")[2] in _SAID_FOR)
    name = data.draw(st.sampled_from(plain))
    domain, entity, verb = name.split(":")
    said = data.draw(st.sampled_from(_SAID_FOR[verb]))
    spelt = data.draw(st.sampled_from([entity, entity + "s", re.sub("(?<=[a-z])(?=[A-Z])", "-", entity).lower()]))
    nearest = nearest_name(f"{domain}:{spelt}:{said}", published_permissions())
    assert nearest, (domain, spelt, said)
    near_domain, near_entity, near_verb = nearest.split(":")
    assert near_domain == domain
    # Another name may fit better only where it has that very verb, or its spelling is the same but for a plural.
    assert near_verb in (verb, said.casefold())
    assert near_entity.rstrip("s").casefold() == entity.rstrip("s").casefold()


def test_the_nearest_path_is_found_quickly_however_many_there_are() -> None:
    nearest_path("/api/v2/users")
    began = time.perf_counter()
    for _ in range(20):
        nearest_path("/api/v2/conversation/message/x/communications/y/" + "z" * 5_000)
    assert time.perf_counter() - began < 4  # 0.1 s where the machine is idle


@given(st.text(max_size=80), st.sampled_from(["", "GET", "BREW"]))
def test_any_text_is_judged(path: str, verb: str) -> None:
    found = nearest_path(path, verb)
    assert found == "" or found in published_paths()
    assert nearest_name(path, published_scopes()) in {"", *published_scopes()}
    assert published_path(path) is None or path
