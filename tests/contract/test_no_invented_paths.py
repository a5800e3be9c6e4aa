"""Beside the brief's paths the demo tenant has published ones only: each is a method of the official SDK."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.official_sdk import sdk
from wfm.catalogue import BRIEF_OPERATIONS
from wfm.demo import api_access, api_actions, api_adherence, api_brief, api_directory, api_presence, api_schedules, api_units

PUBLISHED = (api_access, api_actions, api_adherence, api_directory, api_presence, api_schedules, api_units)


def sdk_operations() -> set[tuple[str, str]]:
    """(verb, path) of every method of the SDK's APIs, parameters without their names."""
    found: set[tuple[str, str]] = set()
    method = re.compile(r"resource_path = '([^']+)'.*?call_api\(resource_path, '(\w+)'", re.DOTALL)
    for file in (Path(sdk.__file__).parent / "apis").glob("*_api.py"):
        found |= {(verb, nameless(path)) for path, verb in method.findall(file.read_text(encoding="utf-8"))}
    return found


def nameless(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def test_every_published_path_is_in_the_official_sdk() -> None:
    known = sdk_operations()
    assert len(known) > 1000
    served = {
        (row.verb, nameless(row.template.replace("PURECLOUD", "purecloud"))) for api in PUBLISHED for row in api.ENDPOINTS
    }
    assert served - known == set()


def test_the_briefs_operations_are_served_with_the_catalogues_scopes() -> None:
    served = {(row.verb, row.template): row.scopes for row in api_brief.ENDPOINTS}
    assert served == {(operation.verb, operation.path): operation.scopes for operation in BRIEF_OPERATIONS}
    assert all(row.brief for row in api_brief.ENDPOINTS)
