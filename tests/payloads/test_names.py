"""Names in sentences, and what only looks like one."""

from __future__ import annotations

import pytest

from wfm.payloads.names import find_names

ID = "cf6f4db3-5497-4bda-913b-7c4fd711cad0"


@pytest.mark.parametrize(
    ("text", "permissions"),
    [
        (
            "one of the following permissions assigned: [wfm:schedule:view, wfm:publishedSchedule:view]",
            ("wfm:schedule:view", "wfm:publishedSchedule:view"),
        ),
        ("the following permission 'routing:queue:edit' in", ("routing:queue:edit",)),
        ("Required permission: wfm:schedule:publish.", ("wfm:schedule:publish",)),
        ("missing wfm:schedule:edit: ask your admin", ("wfm:schedule:edit",)),
        ("missing wfm:management-unit:view", ("wfm:management-unit:view",)),
        ("[workforce-management:time-off-request:view]", ("workforce-management:time-off-request:view",)),
        ("`admin:*:*` or routing:*:view", ("admin:*:*", "routing:*:view")),
        ("The recording:recordingSegment:view permission is required.", ("recording:recordingSegment:view",)),
        (f"[telephony:extensionPool:edit:{ID}]", ("telephony:extensionPool:edit",)),
        ("Retry the request in [9] seconds", ()),
        ("permission(s): com.inin.pubapi.iam.util.ResourcePermission", ()),
        ("urn:ietf:params is no permission, arn:aws:iam neither", ()),
        ("2026-03-02T10:15:30 http://host:8080:x a:b:c:d:e", ()),
        ("wfm:schedule:view and again wfm:schedule:view", ("wfm:schedule:view",)),
    ],
)
def test_permissions(text: str, permissions: tuple[str, ...]) -> None:
    assert find_names(text, (), None).permissions == permissions


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ("App not authorized to use scope [telephony:readonly, telephony]", ("telephony:readonly", "telephony")),
        ("App not authorized to use scope users", ("users",)),
        ("the token lacks scope: authorization:readonly", ("authorization:readonly",)),
        ("requires the 'users:readonly' scope", ("users:readonly",)),
        ("missing workforce-management scope", ("workforce-management",)),
        ("scopes: users:readonly, presence or chat:write.", ("users:readonly", "presence", "chat:write")),
        ("Check scopes or org settings.", ()),
        ("This is out of scope for us", ()),
        ("insufficient scope granted", ()),
    ],
)
def test_scopes(text: str, scopes: tuple[str, ...]) -> None:
    assert find_names(text, (), None).scopes == scopes


def test_parameters_hold_names_too() -> None:
    params = (
        ("permissions", "[wfm:schedule:edit]"),
        ("divisions", ID),
        ("requiredscopes", "users presence"),
        ("license", "cx3"),
    )
    found = find_names("", params, None)
    assert (found.permissions, found.divisions) == (("wfm:schedule:edit",), (ID,))
    assert (found.scopes, found.licences) == (("users", "presence"), ("cx3",))


def test_a_correlation_id_is_no_division() -> None:
    text = f"in at least one of the following division(s): [81bd940d-5331-4905-b01a-c8795595e972] [{ID}]"
    assert find_names(text, (), ID).divisions == ("81bd940d-5331-4905-b01a-c8795595e972",)
    assert find_names(f"missing in division [{ID}]", (), ID).divisions == ()
