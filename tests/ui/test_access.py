"""The Access screen and its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.ui.conftest import Open
from tests.ui.fakes import NEEDED, SCOPES, access_checks
from tests.ui.fakes_history import HistoryDesk, tables, words
from wfm.domain.errors import BadInput, DeskError
from wfm.domain.plans import AccessCheck, LaneName, LaneState
from wfm.ui.components.markdown import escape_markdown
from wfm.ui.screens.access.model import SAMPLES, counts_text, evidence_lines, fields_table, finding, lanes_rows, roles_text


def report(scopes: tuple[str, ...] = SCOPES, **checks: tuple[AccessCheck, ...]) -> Any:
    found = HistoryDesk(scopes=scopes).access()
    return replace(found, checks=checks) if checks else found


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


@pytest.fixture
def desk(serve: Callable[[Any], Any]) -> HistoryDesk:
    made: HistoryDesk = serve(HistoryDesk())
    return made


def test_the_token_its_lanes_and_their_sources_are_on_screen(desk: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("access")
    assert not app.exception
    assert app.title[0].value == escape_markdown("architect-flow can't use 1 route of 2: availability")
    text = words(app)
    assert "`wfm:schedule:write`" in text
    assert "14 reads that worked and 212 writes that failed" in text
    assert escape_markdown("Add wfm:schedule:update to OAuth client architect-flow") in text
    assert "not in Genesys's published catalogue" in text
    assert "missing" in tables(app)


def test_mended_access_says_so_after_reading_again(desk: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("access")
    desk.scopes = (*SCOPES, NEEDED)
    app.button(key="access-read-again").click().run()
    assert ("access", True) in desk.calls
    assert app.title[0].value == "architect\\-flow has what all 2 routes need"
    assert "Reads work, writes fail" not in words(app)
    app.run()
    assert desk.calls.count(("access", True)) == 1


def test_a_pasted_payload_is_explained(desk: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("access")
    app.text_area[0].set_value('{"code": "forbidden"}')
    app.button[[button.label for button in app.button].index("Explain")].click().run()
    text = words(app)
    assert not app.exception
    assert "may read schedules but not update them" in text
    assert "is not in Genesys's published API" in text.replace("\\", "")
    assert "**Who can**" in text
    assert "forbidden" in tables(app)


def test_a_sample_fills_the_box(desk: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("access")
    app.button(key="sample-The brief's 403").click().run()
    assert app.text_area[0].value == SAMPLES["The brief's 403"]
    assert "may read schedules but not update them" in words(app)


def test_nothing_pasted_is_a_sentence(desk: HistoryDesk, open_screen: Open) -> None:
    app = open_screen("access")
    app.button[[button.label for button in app.button].index("Explain")].click().run()
    assert "Nothing is pasted yet" in words(app)


def test_a_text_that_can_not_be_explained_is_a_sentence(desk: HistoryDesk, open_screen: Open) -> None:
    def refuse(_: str) -> Any:
        raise BadInput("payload", "2 MB", "at most 1 MB of text")

    setattr(desk, "explain", refuse)  # noqa: B010
    app = open_screen("access")
    app.text_area[0].set_value("x")
    app.button[[button.label for button in app.button].index("Explain")].click().run()
    assert not app.exception
    assert "at most 1 MB of text" in words(app)


def test_a_tenant_that_is_down_still_lets_errors_be_explained(desk: HistoryDesk, open_screen: Open) -> None:
    desk.access_error = DeskError("The tenant at 127.0.0.1:8808 does not answer. Try again in a moment.")
    app = open_screen("access")
    assert not app.exception
    assert "does not answer" in words(app)
    assert app.text_area
    desk.access_error = None
    next(button for button in app.button if button.label == "Try again").click().run()
    assert "architect\\-flow can't use" in app.title[0].value


def test_a_token_without_scopes_says_who_decides(desk: HistoryDesk, open_screen: Open) -> None:
    plain_access = desk.access

    def without_scopes(fresh: bool = False) -> Any:
        found = plain_access(fresh)
        return replace(found, token=replace(found.token, scopes=None, role_divisions=(("Supervisor", "Home"),)))

    setattr(desk, "access", without_scopes)  # noqa: B010
    text = words(open_screen("access"))
    assert "states no scopes" in text
    assert "`Supervisor` in `Home`" in text
