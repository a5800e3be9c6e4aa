"""What leaves the room as text: hand-off cards, JSON lines, and diagnoses printed for people."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from wfm.diagnosis import diagnose, diagnose_jsonl_line, hand_off_card, render
from wfm.domain.diagnoses import Diagnosis, Evidence, Kind
from wfm.domain.operations import FailureGroup, GroupState

CALL = "PATCH /api/v2/wfm/users/{userId}/availability"
BODY = '{"code":"forbidden","message":"Insufficient permissions for resource access"}'
ID = "5b2e1c9d-0d3a-4f7e-9a51-1f0e6c1b2a34"


def brief() -> Diagnosis:
    return diagnose(403, {}, BODY, Evidence(call=CALL, client_name="architect-flow"))


def group_of(diagnosis: Diagnosis) -> FailureGroup:
    return FailureGroup(
        fingerprint=diagnosis.fingerprint(CALL),
        tenant_key="host|org",
        kind=diagnosis.kind,
        code=diagnosis.code,
        call=CALL,
        rule=diagnosis.rule,
        cause=diagnosis.cause,
        missing=diagnosis.missing,
        state=GroupState.OPEN,
        first_seen=datetime(2026, 11, 23, 14, 30, tzinfo=UTC),
        last_seen=datetime(2026, 11, 23, 15, 2, tzinfo=UTC),
        runs=212,
        agents=1,
        sample_run="run-1",
    )


def test_a_card_asks_for_exactly_one_change() -> None:
    diagnosis = brief()
    ids = [ID, ID, *(f"{ID[:-1]}{n}" for n in range(1, 9))]
    card = hand_off_card(group_of(diagnosis), diagnosis, organization="Acme", client_name="architect-flow", correlation_ids=ids)
    assert card.startswith("# Request: Add wfm:schedule:update to the OAuth client architect-flow\n")
    assert "212 updates of 1 agent failed" in card
    assert "from 2026-11-23 14:30 UTC to 2026-11-23 15:02 UTC" in card
    assert "GET /api/v2/tokens/me" in card
    assert "Please change nothing else" in card
    assert "not in Genesys's published API" in card
    assert card.count(ID[:-1]) == 5
    assert f"| Call | `{CALL}` |" in card


def test_a_card_promises_no_read_where_none_can_tell() -> None:
    diagnosis = brief()
    told = hand_off_card(group_of(diagnosis), diagnosis, organization="Acme")
    assert "a read-only check follows" in told
    group = dataclasses.replace(group_of(diagnosis), call="unknown")
    card = hand_off_card(group, diagnosis, organization="Acme", by_reading=False)
    assert "a read-only check follows" not in card
    assert "retry one agent: no read can tell" in card
    assert "| Call | not known |" in card


@pytest.mark.parametrize(
    ("status", "body", "asked"),
    [
        (403, '{"code":"missing.permissions","message":"[wfm:schedule:edit]"}', "The one change"),
        (403, '{"code":"missing.division.permission"}', "The one change"),
        (404, '{"code":"wfm.entity.not.found"}', "The one change"),
        (503, "", "No change is asked for"),
        (429, '{"code":"too.many.requests"}', "No change is asked for"),
        (403, '{"code":"not.authorized","status":403}', "The one question"),
        (500, '{"code":"internal.server.error"}', "The one question"),
    ],
)
def test_every_card_can_be_verified(status: int, body: str, asked: str) -> None:
    diagnosis = diagnose(status, {}, body, Evidence(call="PUT /api/v2/users/presences/bulk"))
    card = hand_off_card(group_of(diagnosis), diagnosis, organization="Acme")
    assert len([line for line in card.splitlines() if line.startswith("# ")]) == 1
    assert "Nobody" not in card
    for heading in (f"## {asked}", "## Why", "## How to verify", "## Correlation ids"):
        assert f"\n{heading}\n" in card
    assert "none in the answers" in card


def test_a_card_names_the_agents_where_the_change_is_made_for_them() -> None:
    diagnosis = diagnose(404, {}, '{"code":"not_found","message":"Resource not found"}', Evidence(call=CALL))
    assert diagnosis.kind is Kind.NOT_FOUND_SCHEDULE
    group = dataclasses.replace(group_of(diagnosis), agents=60)
    names = ["Bo *Lindqvist*", "Bo *Lindqvist*", "Eve <img>", *(f"Agent {n}" for n in range(58))]
    card = hand_off_card(group, diagnosis, organization="Acme", agents=names)
    section = card.partition("## Agents\n\n")[2].partition("\n\n")[0].splitlines()
    assert (section[1], section[-1]) == (r"- Eve \<img\>", "- and 10 more")
    assert len(section) == 51
    assert "(schedule not found)" in card
    assert "right" not in card
    scope = brief()
    assert "## Agents" not in hand_off_card(group_of(scope), scope, organization="Acme", agents=names)


def test_a_card_asks_for_one_of_several_rights_and_says_so() -> None:
    body = '{"code":"missing.any.permissions","message":"at least one of [wfm:schedule:edit, wfm:schedule:add]"}'
    diagnosis = diagnose(403, {}, body, Evidence(client_name="desk", grant_type="CLIENT-CREDENTIALS"))
    card = hand_off_card(group_of(diagnosis), diagnosis, organization="Acme")
    assert card.startswith(
        "# Request: Add wfm:schedule:edit to a role of the OAuth client desk, in the division of the agents\n"
    )
    assert "holds none of the permissions wfm:schedule:edit and wfm:schedule:add; one of them is enough." in card
    assert "| Missing | `wfm:schedule:edit`, `wfm:schedule:add` (one is enough) |" in card
    assert "add" not in card.partition("## Why")[0].partition("## The one change")[2].replace("Add ", "")


def test_a_card_names_the_division() -> None:
    body = f'{{"code":"missing.permissions","message":"missing the following permission(s): [wfm:agent:edit:{ID}]"}}'
    diagnosis = diagnose(403, {}, body)
    card = hand_off_card(group_of(diagnosis), diagnosis, organization="Acme")
    assert card.startswith(f"# Request: Grant a role with wfm:agent:edit in division {ID}\n")
    assert f"No role of the caller holds wfm:agent:edit in division {ID}." in card
    assert f"| Division | `{ID}` |" in card


def test_reads_work_writes_fail_is_said_where_the_ledger_counted_it() -> None:
    evidence = Evidence(call=CALL, held_scopes=("wfm:schedule:read", "wfm:schedule:write"), reads_ok=1240, writes_ok=0)
    diagnosis = diagnose(403, {}, BODY, evidence)
    card = hand_off_card(group_of(diagnosis), diagnosis, organization="Acme")
    assert "wfm:schedule:write is not enough. Reads work, writes fail: 1,240 reads worked with this client" in card
    assert "Reads work" not in diagnose(403, {}, BODY, dataclasses.replace(evidence, writes_ok=1)).confirm
    assert "Reads work" not in diagnose(403, {}, BODY, dataclasses.replace(evidence, writes_ok=None)).confirm


def test_a_card_is_redacted_and_its_markdown_is_ours() -> None:
    diagnosis = dataclasses.replace(brief(), cause="sent Bearer s3cr3tTokenValue\n# Not ours <img src=x> [a](http://b) | c")
    card = hand_off_card(group_of(diagnosis), diagnosis, organization="A | B\n# x", client_name="`x`", correlation_ids=["`|\n"])
    assert "s3cr3tTokenValue" not in card
    assert "\n# Not ours" not in card
    assert "\n# x" not in card
    assert "<img" not in card.replace("\\<", "")


LINE = {
    "id": "x-1",
    "http_status": 403,
    "headers": {"ININ-Correlation-Id": ID},
    "body": BODY,
    "context": {"endpoint": CALL, "via": "direct"},
}


def test_a_line_in_a_line_out() -> None:
    found = diagnose_jsonl_line(LINE)
    assert list(found) == ["id", "kind", "missing", "code", "correlation_id", "retryable", "rule", "cause", "fix"]
    assert found["id"] == "x-1"
    assert (found["kind"], found["missing"], found["code"]) == ("missing_scope", ["wfm:schedule:update"], "forbidden")
    assert (found["correlation_id"], found["retryable"]) == (ID, False)
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    "changed",
    [
        {"http_status": "403"},
        {"http_status": 403.0},
        {"headers": [["inin-correlation-id", ID]]},
        {"headers": {"ININ-Correlation-Id": [ID]}},
        {"body": json.loads(BODY)},
        {"body": BODY.encode()},
    ],
)
def test_a_line_in_other_shapes_reads_the_same(changed: dict[str, object]) -> None:
    assert diagnose_jsonl_line({**LINE, **changed}) == diagnose_jsonl_line(LINE)


@pytest.mark.parametrize("line", [{}, {"id": None, "headers": 3, "body": None, "context": [], "http_status": True}])
def test_a_line_with_nothing_in_it(line: dict[str, object]) -> None:
    assert diagnose_jsonl_line(line)["kind"] == Kind.UNPARSEABLE


def test_rendered_for_people() -> None:
    text = render(brief())
    assert text.splitlines()[0].split(maxsplit=1) == ["What", "missing scope (HTTP 403, forbidden)"]
    assert "Fix         Add wfm:schedule:update to the OAuth client architect-flow." in text
    assert "OAuth admin" in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_success_is_called_no_error() -> None:
    told = render(diagnose(204, {}, ""))
    assert "no error (HTTP 204)" in told
    assert "nothing to try again" in told
    assert "unparseable" not in told


def test_a_line_with_nothing_beside_its_body_is_read_as_pasted() -> None:
    transcript = f"> PATCH /api/v2/users/7/presences/purecloud HTTP/2\n>\n< HTTP/2 404\n< inin-correlation-id: {ID}\n<\n{{}}"
    found = diagnose_jsonl_line({"id": "a", "body": transcript})
    assert (found["kind"], found["correlation_id"]) == ("not_found_other", ID)


def test_a_permission_that_does_not_exist_is_asked_for_nowhere() -> None:
    body = json.dumps({"message": "Missing permission: wfm:schedule:publish", "code": "missing.permissions", "status": 403})
    found = diagnose(403, {}, body, Evidence(call="POST /api/v2/workforcemanagement/schedules"))
    assert "wfm:schedule:publish" in found.cause
    assert "wfm:schedule:publish" not in found.fix
    assert "wfm:schedule:edit" in found.fix
    card = hand_off_card(group_of(found), found, organization="Org")
    assert "Request: Add wfm:schedule:edit" in card
    line = diagnose_jsonl_line({"http_status": 403, "body": body})
    assert (line["missing"], line["fix"]) == (["wfm:schedule:publish"], found.fix)


def test_a_permission_that_resembles_none_is_looked_for_first() -> None:
    body = json.dumps({"message": "Missing permission: hr:vacation:approve", "code": "missing.permissions", "status": 403})
    assert diagnose(403, {}, body).fix.startswith("Find what the call needs")
