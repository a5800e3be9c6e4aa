"""The Access screen and its values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from streamlit.testing.v1 import AppTest

from tests.support.inside import inside
from tests.ui.conftest import Open
from tests.ui.screen import button, tables, words
from tests.ui.values import SCOPES, access_checks
from tests.ui.world import FORBIDDEN, NEEDED, VISITOR, World, add_run, add_window
from wfm.desk import AccessReport, Desk
from wfm.domain.operations import ItemState, OperationState
from wfm.domain.plans import AccessCheck, LaneName, LaneState
from wfm.domain.tenant import TokenFacts
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.screens.access.model import SAMPLES, counts_text, evidence_lines, fields_table, finding, lanes_rows, roles_text


def report(**checks: tuple[AccessCheck, ...]) -> AccessReport:
    """What the Desk says of a client that reads and may not update."""
    token = TokenFacts(
        client_id="c1",
        client_name="architect-flow",
        grant_type="client-credentials",
        scopes=SCOPES,
        role_divisions=(),
        organization_id="org-1",
        organization_name="Demo organization",
        expires_at=None,
    )
    found = checks or {"availability": access_checks(SCOPES)}
    counts = {"reads_ok": 14, "writes_ok": 0, "writes_failed": 212}
    return AccessReport(token=token, checks=found, **counts, asymmetry="", as_of=datetime(2026, 11, 24, tzinfo=UTC))


def test_the_title_says_what_the_client_can_not_do() -> None:
    missing, held = access_checks(SCOPES), access_checks((*SCOPES, NEEDED))
    some = report(availability=missing, data_action=held)
    assert finding(some) == "architect-flow can't use 1 route of 2: availability"
    none = report(availability=missing, adherence=missing)
    assert finding(none) == f"architect-flow can take no agent out: {NEEDED} is missing"
    assert finding(report(availability=held, adherence=held)) == "architect-flow has what all 2 routes need"


def test_what_is_unknown_is_not_called_held() -> None:
    held = access_checks((*SCOPES, NEEDED))
    doubt = replace(held[0].lanes[LaneName.PERMISSION], state=LaneState.UNKNOWN)
    unsure = replace(held[0], lanes={**held[0].lanes, LaneName.PERMISSION: doubt})
    assert "can't be checked fully" in finding(report(availability=(unsure,), adherence=held))


def test_a_row_a_call_with_four_lanes_and_its_source() -> None:
    rows = lanes_rows(access_checks(SCOPES))
    assert list(rows) == ["call", "for", "scope", "permission", "division", "licence", "source"]
    assert rows["call"][0] == "`PATCH /api/v2/wfm/users/{userId}/availability`"
    assert "missing" in rows["scope"][0]
    assert "held" in rows["scope"][1]
    assert rows["permission"] == [":gray[–]", ":gray[–]"]
    assert rows["for"] == ["apply, restore", "read back"]
    assert "brief" in rows["source"][0]


def test_a_table_without_purposes_has_no_column_for_them() -> None:
    assert "for" not in lanes_rows(replace(check, purposes=()) for check in access_checks(SCOPES))


def test_roles_and_counts_are_said_in_numbers() -> None:
    pairs = (("r1", "d1"), ("r1", "d2"), ("r2", "d1"))
    assert roles_text(pairs) == "2 roles in 2 divisions"
    assert roles_text(()) == ""
    assert counts_text(report()) == "So far through this client: 14 reads worked, 0 writes worked, 212 failed."
    assert counts_text(replace(report(), reads_ok=0, writes_ok=0, writes_failed=0)) == ""


def test_evidence_says_how_each_verdict_is_known() -> None:
    lines = "\n".join(evidence_lines(access_checks(SCOPES)))
    assert "holds wfm\\:schedule\\:write, needs wfm\\:schedule\\:update" in lines
    assert "this tenant decides by scope" in lines


def test_fields_of_a_paste_are_never_markdown() -> None:
    table = fields_table([("mess*age", "**bold** `code`"), ("empty", "")])
    assert table["field"][0] == "mess\\*age"
    assert table["value"] == ["`` **bold** `code` ``", "–"]
    assert fields_table([("long", "x" * 900)])["value"][0].endswith("…`")


# --- screen ---------------------------------------------------------------------------------------------------------------


def explain(app: AppTest, text: str) -> AppTest:
    app.text_area[0].set_value(text)
    return button(app, "Explain").click().run()


def test_the_token_its_lanes_and_their_sources_are_on_screen(desk: Desk, open_screen: Open) -> None:
    desk.access.report(fresh=True)
    add_window(desk, OperationState.HALTED, failed=3)
    app = open_screen("access")
    assert not app.exception
    assert app.title[0].value == escape_markdown("architect-flow can't use 2 routes of 3: availability and adherence")
    text = words(app)
    assert "`wfm:schedule:write`" in text
    assert "reads that worked and 3 writes that failed, none that worked" in text
    assert escape_markdown("Add wfm:schedule:update to the OAuth client architect-flow") in text
    assert "not in Genesys's published catalogue" in text
    assert "missing" in tables(app)


def test_fixed_access_says_so_after_reading_again(world: World, desk: Desk, open_screen: Open) -> None:
    desk.access.report(fresh=True)
    add_window(desk, OperationState.HALTED, failed=3)
    app = open_screen("access")
    assert "Reads work, writes fail" in titles(app)
    assert desk.demo is not None
    desk.demo.add_scope(VISITOR)
    add_run(desk, 1, ItemState.APPLIED)
    world.network.asked.clear()
    app.button(key="access-read-again").click().run()
    assert world.network.asked.count("GET /api/v2/tokens/me") == 1
    assert app.title[0].value == "architect\\-flow has all the access that can be checked; 1 route can't be checked fully"
    assert "Reads work, writes fail" not in titles(app)
    app.run()
    assert world.network.asked.count("GET /api/v2/tokens/me") == 1


def titles(app: AppTest) -> list[str]:
    """The titles of the warnings."""
    return [str(box.proto.title) for box in app.warning]


def test_a_pasted_payload_is_explained(desk: Desk, open_screen: Open) -> None:
    app = explain(open_screen("access"), f"PATCH /api/v2/wfm/users/{{userId}}/availability 403 {FORBIDDEN}")
    text = words(app)
    assert not app.exception
    assert "may not update schedules, even where reading them works" in text
    assert "is not in Genesys's published API" in text.replace("\\", "")
    assert "**Who can**" in text
    assert "forbidden" in tables(app)


def test_a_sample_fills_the_box(desk: Desk, open_screen: Open) -> None:
    app = open_screen("access")
    app.button(key="sample-The brief's 403").click().run()
    assert app.text_area[0].value == SAMPLES["The brief's 403"]
    assert "may not update schedules" in words(app)


def test_nothing_pasted_is_a_sentence(desk: Desk, open_screen: Open) -> None:
    assert "Nothing is pasted yet" in words(explain(open_screen("access"), " \n"))


def test_a_text_of_any_length_is_explained(desk: Desk, open_screen: Open) -> None:
    app = explain(open_screen("access"), FORBIDDEN + " and more" * 150_000)
    assert not app.exception
    assert "**Who can**" in words(app)


def test_a_tenant_that_is_down_still_lets_errors_be_explained(world: World, desk: Desk, open_screen: Open) -> None:
    world.network.down = True
    inside(desk).connections.forget_reads(tokens=True)
    app = open_screen("access")
    assert not app.exception
    assert "The tenant can't be reached" in words(app)
    assert app.title[0].value == "Access"
    assert "**Who can**" in words(explain(app, FORBIDDEN))
    world.network.down = False
    button(app, "Try again").click().run()
    assert "architect\\-flow can't use" in app.title[0].value


def test_a_token_without_scopes_says_who_decides(world: World, desk: Desk, open_screen: Open) -> None:
    roles = [{"roleId": "Supervisor", "divisionId": "Home"}]
    told = {"OAuthClient": {"id": "c1", "name": "platform-client", "roleDivisions": roles}, "authorizedScope": []}
    world.tenant.access.change("architect-flow", scopes=())
    world.network.answers["GET /api/v2/tokens/me"] = (200, told)
    inside(desk).connections.forget_reads(tokens=True)
    text = words(open_screen("access"))
    assert "states no scopes" in text
    assert "`Supervisor` in `Home`" in text
