"""What is said of the whole plan, and when it is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.preview_world import NOW, FakeReader, Room, ask, at, later, make_room, schedule, shift, state, token
from wfm.domain.agents import Status
from wfm.domain.errors import BadInput
from wfm.domain.plans import Fate, Finding, LaneName, LaneState, PlanRequest, Preview, RouteName, Selection, Severity
from wfm.domain.windows import WindowSpec
from wfm.genesys.errors import ConnectionProblem, Forbidden
from wfm.preview.cost import Pace


def found(preview: Preview, code: str) -> Finding:
    return next(finding for finding in preview.findings if finding.code == code)


def codes(preview: Preview) -> list[str]:
    return [finding.code for finding in preview.findings]


def slow_room(agents: int = 6, limit: int = 2) -> Room:
    room = make_room(agents)
    room.options["pace"] = lambda: Pace(limit_per_minute=limit, share=1.0)
    return room


class TestSpeed:
    @pytest.mark.parametrize(
        ("minutes", "severity"),
        [(60, None), (19, Severity.WARNING), (3, Severity.WARNING), (2.5, Severity.WARNING), (2, Severity.BLOCKED)],
    )
    def test_too_slow_above_a_tenth_and_above_all_of_the_window(self, minutes: float, severity: Severity | None) -> None:
        """Six requests at two a minute take about two minutes."""
        preview = slow_room().previewer.preview(ask(window=WindowSpec(minutes=minutes)))
        assert preview.cost.apply_seconds == pytest.approx(120, abs=1)
        if severity is None:
            assert "too_slow" not in codes(preview)
        else:
            assert found(preview, "too_slow").severity is severity
        assert ("too_slow" in dict(preview.refusals)) is (severity is Severity.BLOCKED)

    def test_it_says_requests_pace_and_window(self) -> None:
        detail = found(slow_room().previewer.preview(ask(window=WindowSpec(minutes=10))), "too_slow").detail
        assert detail == "6 requests take about 2 min at 2 a minute; the window lasts 10 min."

    def test_a_correction_of_the_past_has_all_the_time(self) -> None:
        past = later(at(9), minutes=3)
        assert "too_slow" not in codes(slow_room().previewer.preview(ask(window=past, route=RouteName.ADHERENCE)))

    def test_nobody_to_write_takes_no_time(self) -> None:
        assert codes(slow_room().previewer.preview(ask("ghost", window=WindowSpec(minutes=1)))) == [
            "nobody_ready",
            "unknown_users",
        ]


class TestClocks:
    def _preview(self, start: datetime, end: datetime, zone: str, agent_zone: str) -> Preview:
        room = make_room(1)
        room.now = start - timedelta(days=1)
        key = "user-00001"
        room.reader.agents[key] = replace(room.reader.agents[key], zone=agent_zone)
        room.reader.schedule_of[key] = schedule(key, shift(start - timedelta(hours=2), end + timedelta(hours=2)))
        return room.previewer.preview(ask(key, window=WindowSpec(start=start, end=end, zone=zone)))

    def test_back_inside_the_window(self) -> None:
        start = datetime(2026, 10, 24, 23, tzinfo=UTC)  # 01:00 in Berlin, to 04:00
        finding = found(self._preview(start, start + timedelta(hours=4), "Europe/Berlin", "Europe/Berlin"), "dst_change")
        assert finding.title == "The clocks go back inside this window"
        assert finding.detail == "It lasts 4 h, not 3 h as the wall clock suggests."
        assert finding.severity is Severity.WARNING

    def test_forward_inside_the_window(self) -> None:
        start = datetime(2026, 3, 29, 0, tzinfo=UTC)
        finding = found(
            self._preview(start, start + timedelta(hours=2, minutes=30), "Europe/Berlin", "Europe/Berlin"), "dst_change"
        )
        assert finding.title == "The clocks go forward inside this window"
        assert finding.detail == "It lasts 2 h 30 min, not 3 h 30 min as the wall clock suggests."

    def test_only_where_the_agents_are(self) -> None:
        start = datetime(2026, 10, 24, 23, tzinfo=UTC)
        finding = found(self._preview(start, start + timedelta(hours=4), "UTC", "Europe/Berlin"), "dst_change")
        assert finding.title == "The clocks change inside this window in Europe/Berlin"
        assert "4 h everywhere" in finding.detail

    def test_no_change_no_word(self) -> None:
        start = datetime(2026, 10, 25, 2, tzinfo=UTC)
        assert "dst_change" not in codes(self._preview(start, start + timedelta(hours=4), "Europe/Berlin", "Europe/Berlin"))


class TestRouteAndTime:
    def test_a_window_that_is_over_offers_the_correction(self, room: Room) -> None:
        preview = room.previewer.preview(ask(window=later(at(9))))
        assert [code for code, _ in preview.refusals] == ["not_offered"]
        assert "adherence" in found(preview, "window_in_past").fix
        offers = {offer.route: offer for offer in preview.routes}
        assert offers[RouteName.ADHERENCE].offered
        assert offers[RouteName.ADHERENCE].best
        assert not offers[RouteName.AVAILABILITY].offered

    def test_a_correction_of_the_past_is_undone_on_demand_only(self, room: Room) -> None:
        preview = room.previewer.preview(ask(window=later(at(9)), route=RouteName.ADHERENCE))
        assert preview.can_apply
        assert found(preview, "undone_on_demand").severity is Severity.WARNING
        assert preview.totals() == {Fate.READY: 6}

    def test_a_correction_of_the_future_is_not_offered(self, room: Room) -> None:
        preview = room.previewer.preview(ask(window=later(at(15)), route=RouteName.ADHERENCE))
        assert [code for code, _ in preview.refusals] == ["not_offered"]
        assert found(preview, "not_offered").title == "The route adherence can't be taken for this window"

    def test_exactly_one_offered_route_is_best(self, room: Room) -> None:
        for window in (WindowSpec(minutes=30), later(at(9)), later(at(15))):
            offers = room.previewer.preview(ask(window=window)).routes
            assert [offer.route for offer in offers] == list(RouteName)
            assert [offer.offered for offer in offers if offer.best] == [True]

    def test_a_window_that_has_begun_says_how_long_ago(self, room: Room) -> None:
        preview = room.previewer.preview(ask(window=later(NOW - timedelta(minutes=10), minutes=40)))
        assert found(preview, "already_begun").title == "The window began 10 min ago"
        assert preview.can_apply


class TestSelection:
    def test_unknown_words_are_told_and_do_not_stop_the_others(self, room: Room) -> None:
        words = ("user-00001", *(f"ghost-{n}" for n in range(7)))
        preview = room.previewer.preview(ask(*words))
        finding = found(preview, "unknown_users")
        assert finding.title == "7 of the given words match no one"
        assert finding.detail == "ghost-0, ghost-1, ghost-2, ghost-3, ghost-4 and 2 more."
        assert preview.can_apply
        assert [row.given for row in preview.rows if row.agent is None] == [f"ghost-{n}" for n in range(7)]

    def test_an_ambiguous_name_says_what_to_give(self, room: Room) -> None:
        for key in ("user-00001", "user-00002"):
            room.reader.agents[key] = replace(room.reader.agents[key], name="Bo Lindqvist")
        (row,) = room.previewer.preview(ask("bo lindqvist")).rows
        assert row.reason == "several agents have this name: give the id or e-mail"

    def test_an_empty_group_selects_nobody(self, room: Room) -> None:
        room.reader.queues["queue-empty"] = frozenset()
        preview = room.previewer.preview(ask(selection=Selection(queues=("Empty",))))
        assert found(preview, "nobody_ready").title == "No agent is selected"
        assert [source for source, _ in room.reader.reads] == ["token", "directory", "queue_members"], "nobody to ask about"

    def test_everybody_blocked_says_why(self, room: Room) -> None:
        room.reader.state_of = {key: state(key, status=Status.UNAVAILABLE) for key in room.reader.agents}
        preview = room.previewer.preview(ask())
        assert found(preview, "nobody_ready").detail == "Left out: 6 already unavailable."
        assert "blocked_left_out" not in codes(preview)

    def test_unpublished_weeks_and_those_included_on_purpose(self, room: Room) -> None:
        for key in ("user-00001", "user-00002"):
            room.reader.schedule_of[key] = schedule(key, published=False)
        left_out = room.previewer.preview(ask())
        assert found(left_out, "unpublished").title == "The schedule of this week is not published for 2 agents"
        included = room.previewer.preview(ask(include=frozenset({Fate.SCHEDULE_UNPUBLISHED})))
        assert len(included.ready) == 6
        assert found(included, "included_on_purpose").title == "2 agents are included on purpose: 2 schedule unpublished"

    def test_agents_of_another_window_are_left_out(self, room: Room) -> None:
        room.held = {"user-00001": "CHG-1042"}
        preview = room.previewer.preview(ask())
        assert found(preview, "blocked_left_out").title == "1 agent is left out: 1 in another window"
        assert next(row.reason for row in preview.rows if not row.writes) == "already in the window “CHG-1042”"


class TestUnreadable:
    def test_schedules_that_may_not_be_read_refuse_the_plan_and_name_the_lane(self, room: Room) -> None:
        call = "POST /api/v2/workforcemanagement/businessunits/{businessUnitId}/agentschedules/search"
        room.reader.fails["schedules"] = Forbidden(call, status=403, read="schedules")
        preview = room.previewer.preview(ask())
        assert [code for code, _ in preview.refusals] == ["access_missing"]
        check = next(check for check in preview.access if check.operation == call)
        assert check.lanes[LaneName.PERMISSION].state is LaneState.MISSING
        assert "wfm:schedule:view or wfm:publishedSchedule:view" in check.advice
        assert all(row.reason == "schedule not readable with this token" for row in preview.rows)

    def test_states_that_may_not_be_read_are_a_warning(self, room: Room) -> None:
        room.reader.fails["states"] = Forbidden("GET /api/v2/workforcemanagement/adherence", status=403)
        preview = room.previewer.preview(ask())
        assert codes(preview) == ["states_unreadable"]
        assert preview.can_apply
        assert not preview.missing_access
        assert preview.rows[0].reason == "on shift 08:00–18:00; present state unknown"

    def test_a_tenant_that_is_down_is_no_preview(self, room: Room) -> None:
        room.reader.fails["schedules"] = ConnectionProblem("POST /api/v2/x")
        with pytest.raises(ConnectionProblem):
            room.previewer.preview(ask())

    def test_zones_that_may_not_be_read_are_told(self, room: Room) -> None:
        room.reader.gaps["time zones"] = Forbidden("GET /api/v2/x", status=403)
        assert codes(room.previewer.preview(ask())) == ["zones_unknown"]

    def test_a_gap_of_the_directory_shows_in_its_lane_only(self, room: Room) -> None:
        room.reader.gaps["teams"] = Forbidden("GET /api/v2/teams", status=403)
        preview = room.previewer.preview(ask())
        check = next(check for check in preview.access if check.operation == "GET /api/v2/teams")
        assert check.missing
        assert (preview.can_apply, preview.missing_access) == (True, False)


class TestAccess:
    def test_the_calls_of_the_plan_come_first_with_their_purposes(self, room: Room) -> None:
        room.reader.queues["queue-sales"] = frozenset({"user-00001"})
        preview = room.previewer.preview(ask(selection=Selection(queues=("Sales",))))
        assert [(check.call, check.purposes) for check in preview.access[:2]] == [
            ("PATCH /api/v2/wfm/users/{userId}/availability", ("apply", "restore")),
            ("GET /api/v2/wfm/users/{userId}/availability", ("read back", "restore")),
        ]
        looked = [check for check in preview.access if not check.to_write]
        assert {check.purposes for check in looked} == {("preview",)}
        called = {check.call for check in looked}
        assert "GET /api/v2/routing/queues/{queueId}/members" in called
        assert "GET /api/v2/workforcemanagement/adherence" in called
        assert all(check.lanes[LaneName.PERMISSION].state is LaneState.HELD for check in looked), "they have just worked"

    def test_a_write_that_can_not_be_judged_is_said_to_be(self, room: Room) -> None:
        room.reader.facts = token(None)
        preview = room.previewer.preview(ask())
        assert "access_unknown" in codes(preview)
        assert preview.can_apply

    def test_missing_access_and_nobody_ready_are_both_refused_and_the_worse_first(self, room: Room) -> None:
        room.reader.facts = token(())
        preview = room.previewer.preview(ask("ghost"))
        assert [code for code, _ in preview.refusals] == ["nobody_ready", "access_missing"]


class TestReads:
    def test_fresh_reads_all_but_a_young_directory_again(self, room: Room) -> None:
        previewer = room.previewer
        previewer.preview(ask())
        room.reader.reads.clear()
        previewer.preview(ask(), fresh=True)
        assert dict(room.reader.reads) == {"token": True, "directory": False, "schedules": True, "states": True}
        room.reader.reads.clear()
        room.now += timedelta(seconds=61)
        previewer.preview(ask(), fresh=True)
        assert dict(room.reader.reads)["directory"] is True

    def test_a_token_that_lacks_a_scope_is_renewed_once_before_that_is_believed(self, room: Room) -> None:
        renewed: list[str] = []

        def renew() -> None:
            renewed.append("renewed")
            room.reader.facts = token() if len(renewed) == 2 else room.reader.facts

        room.options["renew"] = renew
        previewer = room.previewer
        assert not previewer.preview(ask(), fresh=True).missing_access
        assert renewed == [], "nothing lacking, nothing renewed"
        room.reader.facts = token(("wfm:schedule:read",))
        assert previewer.preview(ask()).missing_access
        assert renewed == [], "a look that isn't asked afresh costs no token"
        assert previewer.preview(ask(), fresh=True).missing_access
        assert not previewer.preview(ask(), fresh=True).missing_access
        assert len(renewed) == 2

    def test_bad_words_are_refused_before_the_tenant_is_asked(self, room: Room) -> None:
        bad: list[PlanRequest] = [
            ask(window=WindowSpec(minutes=0)),
            ask(window=later(at(15), minutes=-5)),
            ask(window=later(at(15), minutes=40 * 24 * 60)),
            ask(window=later(at(15), zone="Nowhere/Land")),
            ask(selection=Selection()),
        ]
        for request in bad:
            with pytest.raises(BadInput):
                room.previewer.preview(request)
        assert room.reader.reads == []


def test_nobody_is_asked_about_twice(room: Room) -> None:
    """Agents without unit and inactive ones are not looked up: the answer is known, and the tenant may refuse."""
    asked: dict[str, list[str]] = {}

    class Watched(FakeReader):
        def schedules(self, agents: Any, *times: Any, **more: Any) -> Any:
            asked["schedules"] = [one.id for one in agents]
            return super().schedules(agents, *times, **more)

    reader = Watched(**{name: getattr(room.reader, name) for name in ("agents", "schedule_of", "state_of", "now")})
    reader.agents["user-00001"] = replace(reader.agents["user-00001"], active=False)
    reader.agents["user-00002"] = replace(reader.agents["user-00002"], management_unit_id=None, business_unit_id=None)
    Room(reader).previewer.preview(ask())
    assert asked["schedules"] == ["user-00003", "user-00004", "user-00005", "user-00006"]
