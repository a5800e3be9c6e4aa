"""What a caller holds is told from what it lacks."""

from __future__ import annotations

import pytest

from wfm.payloads.held_vs_missing import REACH, Span, missing_and_held, tells_of_holding
from wfm.payloads.names import find_names, names_in

NAMES = {
    "{N}": "analytics:agentState:view",
    "{N2}": "wfm:schedule:edit",
    "{H}": "routing:queue:view",
    "{H2}": "users:profile:read",
}
SENTENCES = """
You must have at least one of the following permissions assigned: [{N}, {N2}]
You are missing the following permission(s): [{N}, {N2}]
Agent does not have required permission: {N}
Missing: {N}
no grant for {N}
Permissions held: {H}. Permissions required: {N}
required: {N} | current: {H}
{"granted": ["{H}","{H2}"], "missing": ["{N}"]}
requiredPermissions={N}; grantedPermissions={H}
authz: deny subject=abc action={N} reason=no_matching_grant grants=[{H}]
hasPermission('{N}') == false
{H}=true {N}=false
{H}: granted, {N}: denied
✗ {N}\\n✓ {H}
Missing permission {N} (user only has {H})
Principal is missing {N}, but has {H}.
You have {H}; you also need {N}
Your account has {H} and {H2}. This operation needs {N} or {N2}
Sorry, you need {N} to do that; your account has {H} and {H2}
Expected permission {N}, actual permission {H}
Policy requires any of ({N}, {N2}) but subject has ({H})
Caller presented {H}; the policy wants {N}
The OAuth client's roles contain {H} and {H2}, none contains {N}
Role Agent grants {H}; no role grants {N}
Your token does not carry {N}
You haven't been assigned {N}
The permission {H} is present, the permission {N} is not
{H} is insufficient for this operation, it requires {N}
Insufficient permission: [{H}] does not contain [{N}]
{N} was not found in the list of your permissions [{H}, {H2}]
{N} not in ({H}, {H2})
assertion failed: {N} in [{H}]
None of [{N}, {N2}] is assigned to user 42
Although your token has {H}, it does not have {N}
While your role has {H}, {N} is needed
In addition to {H}, {N} is required
Without {N}, {H} is all you get
Only users with {N} can perform this operation
You can only use this with {N}
With {H} you can read; for writing {N} is needed
Grant {N} to the OAuth client's role
Role "Agent" has {H} but is missing {N}
User permissions: {H}\nRequired permissions: {N}
- required: {N}\n- present: {H}
""".strip().splitlines()


def _filled(sentence: str) -> str:
    for span, name in NAMES.items():
        sentence = sentence.replace(span, name)
    return sentence.replace("\\n", "\n")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences(sentence: str) -> None:
    found = find_names(_filled(sentence), (), None)
    assert set(found.permissions) == {name for span, name in NAMES.items() if span in sentence and "N" in span}
    assert set(found.held) == {name for span, name in NAMES.items() if span in sentence and "H" in span}


@pytest.mark.parametrize(
    ("sentence", "scopes"),
    [
        ("Token scopes: routing:readonly; required: analytics:readonly", ["analytics:readonly"]),
        ("Your token has the scopes users, presence but needs analytics", ["analytics"]),
        ("insufficient_scope: need [presence] have [users]", ["presence"]),
        ("The token has scope users:readonly, this endpoint requires scope users", ["users"]),
        (
            "Scopes granted: users:readonly routing. Scopes required: presence analytics:readonly",
            ["presence", "analytics:readonly"],
        ),
        ("required_scopes=workforce-management token_scopes=presence:readonly", ["workforce-management"]),
        ("This application was not granted the 'oauth:readonly' scope", ["oauth:readonly"]),
        ("Client is missing the workforce-management scope; it has user-basic-info", ["workforce-management"]),
        (
            "At least one of these scopes is required: architect, architect:readonly. Token carries: users",
            ["architect", "architect:readonly"],
        ),
        ("OAuth scope mismatch: expected 'quality', actual 'users:readonly'", ["quality"]),
        ("token scope [users:readonly] does not contain any of [users]", ["users"]),
        (
            "Access token lacks required scope(s) 'conversations' or 'conversations:readonly'",
            ["conversations", "conversations:readonly"],
        ),
        ("The access token was issued without workforce-management scope", ["workforce-management"]),
        ("no scope grants this: add presence", ["presence"]),
        ("Missing scope: wfm:schedule:update (granted: wfm:schedule:read)", ["wfm:schedule:update"]),
        ("the client has wfm:schedule:read, but the scope wfm:schedule:update is missing", ["wfm:schedule:update"]),
    ],
)
def test_scopes(sentence: str, scopes: list[str]) -> None:
    assert sorted(find_names(sentence, (), None).scopes) == sorted(scopes)


def test_a_licence_that_is_held_is_not_missing() -> None:
    assert find_names("You have the license [cx1]; license [cx3] is required", (), None).licences == ("cx3",)


def test_parameters_that_hold_what_is_held() -> None:
    assert tells_of_holding("grantedPermissions")
    assert tells_of_holding("user_permissions")
    assert not tells_of_holding("permissions")
    assert not tells_of_holding("missingScopes")
    params = (("requiredPermissions", "a:b:edit"), ("grantedPermissions", "a:b:view"))
    assert find_names("", params, None).permissions == ("a:b:edit",)


def test_all_names_are_asked_for_where_it_does_not_matter_who_holds_them() -> None:
    assert names_in("You have a:b:view, scope presence:readonly is needed") == (("a:b:view",), ("presence:readonly",))


@pytest.mark.timeout(60)  # a pattern gone wild takes minutes
@pytest.mark.parametrize(
    "unit", ["has ", "not ", "has not ", "while ", "(", "scope ", "a:b:c ", "your permissions ", "= ", "'", "\n"]
)
def test_long_texts_take_no_long_time(unit: str) -> None:
    text = unit * (8_000 // len(unit)) + " a:b:c"
    missing_and_held(text, [Span(len(text) - 5, len(text), "a:b:c")])
    find_names(text, (), None)
    assert REACH < 1_000
