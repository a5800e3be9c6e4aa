"""Four lanes a call: what decides by scope, what by roles, and what counts as evidence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.preview_world import token
from wfm import catalogue
from wfm.catalogue import GET_AVAILABILITY, PATCH_AVAILABILITY
from wfm.domain.plans import AccessCheck, LaneName, LaneState
from wfm.preview.access import Observation, checks_for, inner_check

USERS = catalogue.operation("GET /api/v2/users")
TEAMS = catalogue.operation("GET /api/v2/teams")
SEARCH = catalogue.operation("POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/agentschedules/search")
EXECUTE = catalogue.operation("POST /api/v2/integrations/actions/{actionId}/execute")
DEFINITIONS = catalogue.operation("GET /api/v2/presence/definitions")
PRESENCE = catalogue.operation("PUT /api/v2/users/presences/bulk")
AT = datetime(2026, 11, 24, 14, 12, tzinfo=UTC)
H, M, N, U = LaneState.HELD, LaneState.MISSING, LaneState.NOT_APPLICABLE, LaneState.UNKNOWN


def states(check: AccessCheck) -> tuple[LaneState, ...]:
    """Scope, permission, division, licence."""
    return tuple(check.lanes[lane].state for lane in LaneName)


class TestBrief:
    def test_held_scope(self) -> None:
        (check,) = checks_for(token(), [PATCH_AVAILABILITY])
        assert states(check) == (H, N, N, N)
        assert check.lanes[LaneName.SCOPE].evidence == "the token states wfm:schedule:update"
        assert (check.missing, check.advice, check.provenance) == (False, "", "brief")

    @pytest.mark.parametrize(
        ("scopes", "evidence"),
        [
            (("wfm:schedule:read", "wfm:schedule:write"), "holds wfm:schedule:write, needs wfm:schedule:update"),
            (("wfm:schedule:read",), "holds wfm:schedule:read, needs wfm:schedule:update"),
            ((), "holds no wfm:schedule:* scope, needs wfm:schedule:update"),
            (("users:readonly",), "holds no wfm:schedule:* scope, needs wfm:schedule:update"),
            (("wfm:schedule:updates",), "holds wfm:schedule:updates, needs wfm:schedule:update"),
        ],
    )
    def test_missing_scope_reads_exactly_so(self, scopes: tuple[str, ...], evidence: str) -> None:
        (check,) = checks_for(token(scopes, client_name="architect-flow"), [PATCH_AVAILABILITY])
        assert states(check) == (M, N, N, N)
        assert check.lanes[LaneName.SCOPE].evidence == evidence
        assert check.lanes[LaneName.SCOPE].needed == ("wfm:schedule:update",)
        assert check.advice == "add wfm:schedule:update to the OAuth client architect-flow"

    def test_reading_is_another_scope(self) -> None:
        read, write = checks_for(token(("wfm:schedule:read",)), [GET_AVAILABILITY, PATCH_AVAILABILITY])
        assert (read.missing, write.missing) == (False, True)

    def test_a_token_without_scopes_is_not_accused(self) -> None:
        (check,) = checks_for(token(None), [PATCH_AVAILABILITY])
        assert states(check) == (N, U, U, U)
        assert check.lanes[LaneName.SCOPE].evidence == ("a client-credentials token has no scopes; roles in divisions decide")
        assert "not in the published catalogue" in check.lanes[LaneName.PERMISSION].evidence
        assert not check.missing

    def test_what_the_scope_says_outranks_what_was_seen(self) -> None:
        """A scope added since then counts at once, one taken away too: the token's own words are the freshest."""
        (mended,) = checks_for(token(), [PATCH_AVAILABILITY], {PATCH_AVAILABILITY.key: False})
        (taken,) = checks_for(token(()), [PATCH_AVAILABILITY], {PATCH_AVAILABILITY.key: True})
        assert (mended.missing, taken.missing) == (False, True)


class TestPublished:
    def test_the_scopes_of_the_brief_say_nothing_about_published_reads(self) -> None:
        (check,) = checks_for(token(), [SEARCH])
        assert states(check) == (N, U, U, U)
        assert "don't govern" in check.lanes[LaneName.SCOPE].evidence
        assert not check.missing

    def test_a_read_that_worked_is_evidence(self) -> None:
        (check,) = checks_for(token(), [SEARCH], {SEARCH.key: Observation(worked=True, at=AT)})
        assert states(check) == (N, H, H, H)
        assert check.lanes[LaneName.PERMISSION].evidence == "this call worked at 14:12 UTC"

    def test_a_read_that_was_refused_is_evidence_of_something_missing(self) -> None:
        (check,) = checks_for(token(), [TEAMS], {TEAMS.key: False})
        assert check.lanes[LaneName.PERMISSION].state is M
        assert check.advice == "grant groups:team:view to a role of the OAuth client desk"
        (bare,) = checks_for(token(), [USERS], {USERS.key: False})
        assert bare.missing
        assert "ask who administers roles" in bare.advice

    def test_a_write_that_was_refused_stays_unknown_or_mending_could_never_be_proved(self) -> None:
        (check,) = checks_for(token(), [EXECUTE], {EXECUTE.key: Observation(worked=False, at=AT)})
        assert check.lanes[LaneName.PERMISSION].state is U
        assert "was refused at 14:12 UTC" in check.lanes[LaneName.PERMISSION].evidence
        assert not check.missing

    def test_no_permission_declared_is_not_a_missing_one(self) -> None:
        (check,) = checks_for(token(None), [USERS])
        assert states(check)[:3] == (N, N, N)

    @pytest.mark.parametrize(
        ("granted", "held"),
        [
            ({"wfm:schedule:view"}, True),
            ({"wfm:publishedSchedule:view"}, True),
            ({"wfm:*"}, True),
            ({"wfm:schedule:*"}, True),
            ({"*:*:*"}, True),
            ({"*"}, True),
            ({"wfm:schedule:edit", "routing:*"}, False),
            ({"wfm:schedule"}, False),
            (set(), False),
        ],
    )
    def test_policies_of_roles_with_wildcards(self, granted: set[str], held: bool) -> None:
        (check,) = checks_for(token(None), [SEARCH], permissions=granted)
        assert check.lanes[LaneName.PERMISSION].state is (H if held else M)
        assert bool(check.advice) is not held

    def test_all_and_any_are_told_apart(self) -> None:
        (check,) = checks_for(token(None), [DEFINITIONS], permissions={"presence:presenceDefinition:view"})
        assert check.lanes[LaneName.PERMISSION].state is H

    @pytest.mark.parametrize(("divisions", "state"), [((), U), ((("r", "*"),), H), ((("r", "d1"), ("r", "d2")), H)])
    def test_divisions_of_roles(self, divisions: tuple[tuple[str, str], ...], state: LaneState) -> None:
        (check,) = checks_for(token(None, role_divisions=divisions), [SEARCH])
        assert check.lanes[LaneName.DIVISION].state is state
        if len(divisions) == 2:
            assert "2 divisions; agents elsewhere are left out" in check.lanes[LaneName.DIVISION].evidence

    def test_a_persons_token_needs_a_published_scope_where_scopes_are_enforced(self) -> None:
        person = token(("presence:readonly", "users"), grant_type="authorization_code")
        held, unknown = checks_for(person, [USERS, SEARCH])
        assert held.lanes[LaneName.SCOPE].state is H
        assert unknown.lanes[LaneName.SCOPE].state is U
        assert "enforces scopes" in unknown.lanes[LaneName.SCOPE].evidence
        (worked,) = checks_for(person, [SEARCH], {SEARCH.key: True})
        assert worked.lanes[LaneName.SCOPE].state is N
        assert "not enforced" in worked.lanes[LaneName.SCOPE].evidence


class TestInnerCall:
    def test_the_actions_own_credentials_decide(self) -> None:
        check = inner_check(PATCH_AVAILABILITY, "set_agent_unavailable", None, token())
        assert states(check) == (U, U, U, U)
        assert "own credentials decide, not this token" in check.lanes[LaneName.SCOPE].evidence
        assert not check.missing

    def test_another_client_is_named_and_ones_own_is_judged(self) -> None:
        other = inner_check(PATCH_AVAILABILITY, "a", "architect-flow", token())
        assert "architect-flow's credentials decide" in other.lanes[LaneName.SCOPE].evidence
        own = inner_check(PATCH_AVAILABILITY, "a", "desk", token(("wfm:schedule:read",)))
        assert own.missing
        assert own.call == "PATCH /api/v2/wfm/users/{userId}/availability (inside a)"


def test_each_call_is_checked_once_in_the_order_given() -> None:
    checks = checks_for(token(), [SEARCH, USERS, SEARCH], purposes={SEARCH.key: ("preview",), USERS.key: ("apply",)})
    assert [check.operation for check in checks] == [SEARCH.key, USERS.key]
    assert [check.to_write for check in checks] == [False, True]


ALL = list(catalogue.operations().values())


@given(
    st.lists(st.sampled_from(ALL), min_size=1, max_size=4),
    st.none()
    | st.lists(st.sampled_from(["wfm:schedule:read", "wfm:schedule:update", "users", "workforce-management"])).map(tuple),
    st.sampled_from(["CLIENT-CREDENTIALS", "client_credentials", "authorization_code"]),
    st.none() | st.sets(st.sampled_from(["wfm:*", "groups:team:view", "*:*:*", "integrations:action:execute"])),
    st.sampled_from([None, True, False, Observation(worked=False, at=AT)]),
)
def test_missing_only_on_evidence_and_never_without_advice(
    operations: list[catalogue.PlatformOperation],
    scopes: tuple[str, ...] | None,
    grant: str,
    permissions: set[str] | None,
    seen: Observation | bool | None,
) -> None:
    observed = {operation.key: seen for operation in operations}
    facts = token(scopes, grant_type=grant)
    for check in checks_for(facts, operations, observed, permissions=permissions):
        operation = catalogue.operation(check.operation)
        assert set(check.lanes) == set(LaneName)
        assert all(verdict.evidence for verdict in check.lanes.values())
        assert bool(check.advice) == check.missing
        if check.lanes[LaneName.SCOPE].state is M:
            assert scopes is not None
            assert not set(operation.scopes) & set(scopes)
        if check.lanes[LaneName.PERMISSION].state is M:
            refused = operation.reads and seen not in (None, True)
            assert refused or permissions is not None
