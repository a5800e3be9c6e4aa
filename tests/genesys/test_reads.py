"""Bulk reads against scripted answers: what is asked, what is kept, and what happens when parts are refused."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.genesys.conftest import NOW, QUICK, FakeTenant, SteppingClock, make_client
from wfm.domain.agents import Agent, GroupKind, Status
from wfm.genesys.errors import AuthenticationFailed, BadAnswer, Forbidden, GenesysError, ServerFault
from wfm.genesys.reads import Reader, cheapest
from wfm.genesys.schedule_reads import MAX_AGENTS, MAX_BODY_BYTES, _Week, covering_weeks, day_range

WFM = "/api/v2/workforcemanagement"
HOUR = timedelta(hours=1)


def agent(number: int, unit: str | None = "mu1", business_unit: str | None = "bu1") -> Agent:
    return Agent(
        id=f"{number:08d}-0000-4000-8000-000000000000",
        name=f"Agent {number}",
        email=f"a{number}@x.example",
        active=True,
        division_id="d1",
        division="Home",
        team_id=None,
        team=None,
        management_unit_id=unit,
        management_unit=unit,
        business_unit_id=business_unit if unit else None,
        zone="Europe/Berlin",
    )


def shift_row(start: datetime, hours: float = 8, number: int = 1) -> dict[str, Any]:
    return {
        "id": f"shift-{number}",
        "startDate": start.isoformat().replace("+00:00", "Z"),
        "lengthMinutes": int(hours * 60),
        "activities": [
            {"startDate": start.isoformat(), "lengthMinutes": 60, "activityCodeId": "0", "description": ""},
            {"startDate": "soon", "lengthMinutes": 60, "activityCodeId": "1"},
        ],
    }


@dataclass
class World:
    """Answers by path; the defaults make a small organization. `refuse` maps a path to a status."""

    users: int = 3
    inactive: int = 1
    refuse: dict[str, int] = field(default_factory=dict)
    shifts: Callable[[str], list[dict[str, Any]]] = lambda agent_id: [shift_row(NOW - 2 * HOUR)]
    markers: list[dict[str, Any]] = field(default_factory=list)
    weeks: list[dict[str, Any]] = field(default_factory=lambda: [{"id": "week-48", "weekDate": "2026-11-23", "weekCount": 1}])
    search_answer: Any = None
    unit_zone: str | None = "Europe/Berlin"
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        with self.lock:
            self.asked[path] += 1
        if path in self.refuse:
            return httpx.Response(self.refuse[path], json={"code": "forbidden", "message": "No."})
        return httpx.Response(200, json=self._answer(request, path))

    def _answer(self, request: httpx.Request, path: str) -> Any:
        params = request.url.params
        if path == "/api/v2/users":
            return self._users(params)
        if path.endswith("/agentschedules/search"):
            self.bodies.append(request.content)
            return self._search(json.loads(request.content)["userIds"])
        if path == f"{WFM}/adherence":
            return [self.states.get(i, {"user": {"id": i}}) for i in params.get_list("userId")]
        if path.endswith("/adherence"):
            return {"entities": list(self.states.values())}
        return {
            f"{WFM}/managementunits": {
                "entities": [
                    {"id": "mu1", "name": "Hamburg", "businessUnit": {"id": "bu1"}}
                    | ({"timeZone": self.unit_zone} if self.unit_zone else {})
                ]
            },
            f"{WFM}/businessunits": {"entities": [{"id": "bu1", "name": "Europe"}]},
            f"{WFM}/businessunits/bu1": {"id": "bu1", "settings": {"timeZone": "Europe/Lisbon"}},
            f"{WFM}/managementunits/mu1/users": {"entities": [{"id": f"u{n}"} for n in range(self.users)]},
            f"{WFM}/businessunits/bu1/activitycodes": {
                "entities": [{"id": "0", "name": "On Queue", "category": "OnQueueWork"}]
            },
            "/api/v2/teams": {"entities": [{"id": "t1", "name": "Night"}]},
            "/api/v2/routing/queues": {"entities": [{"id": "q1", "name": "Voice", "memberCount": 250}], "pageCount": 1},
            "/api/v2/authorization/divisions": {"entities": [{"id": "d1", "name": "Home"}], "pageCount": 1},
            "/api/v2/tokens/me": {"organization": {"id": "o1", "name": "Org"}, "OAuthClient": {"id": "c1", "name": "desk"}},
        }[path]

    def _users(self, params: httpx.QueryParams) -> dict[str, Any]:
        total = self.users if params["state"] == "active" else self.inactive
        number, first = int(params["pageNumber"]), 0 if params["state"] == "active" else 10_000
        assert params["pageSize"] == "100"
        assert params["expand"] == "team"
        ids = range(first + (number - 1) * 100, first + min(total, number * 100))
        rows = [
            {
                "id": f"u{n}",
                "name": f"Name {n:05d}",
                "email": f"u{n}@x.example",
                "state": params["state"],
                "division": {"id": "d1", "name": "Home"},
                "team": {"id": "t1"},
            }
            for n in ids
        ]
        return {"entities": rows, "pageCount": -(-total // 100)}

    def _search(self, ids: list[str]) -> Any:
        if self.search_answer is not None:
            return self.search_answer
        rows = [{"user": {"id": i}, "shifts": self.shifts(i), "fullDayTimeOffMarkers": self.markers} for i in ids]
        result = {"agentSchedules": rows, "businessUnitTimeZone": "Europe/Berlin", "publishedSchedules": self.weeks}
        return {"status": "Complete", "result": result}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def reader(world: World, clock: SteppingClock) -> Iterator[Reader]:
    client = make_client(FakeTenant(handler=world), clock)
    made = Reader(client, clock)
    yield made
    made.close()
    client.close()


class TestDirectory:
    def test_people_groups_and_units(self, reader: Reader) -> None:
        directory = reader.directory()
        assert list(directory.agents) == ["u0", "u1", "u2", "u10000"]
        one = directory.agents["u1"]
        assert (one.name, one.email, one.active, one.team, one.division) == (
            "Name 00001",
            "u1@x.example",
            True,
            "Night",
            "Home",
        )
        assert (one.management_unit, one.business_unit_id, one.zone) == ("Hamburg", "bu1", "Europe/Berlin")
        gone = directory.agents["u10000"]
        assert (gone.active, gone.management_unit_id, gone.zone) == (False, None, "UTC")
        assert [(g.kind, g.name, g.size) for g in directory.groups] == [
            (GroupKind.TEAM, "Night", 4),
            (GroupKind.QUEUE, "Voice", 250),
            (GroupKind.MANAGEMENT_UNIT, "Hamburg", 3),
            (GroupKind.DIVISION, "Home", 4),
        ]
        assert directory.units["mu1"].business_unit == "Europe"
        assert directory.as_of == NOW == reader.as_of["directory"]

    def test_a_hundred_users_a_request(self, reader: Reader, world: World) -> None:
        world.users, world.inactive = 1050, 0
        assert len(reader.directory().agents) == 1050
        assert world.asked["/api/v2/users"] == 12
        assert reader.requests == sum(world.asked.values()) == 18

    def test_it_is_kept_ten_minutes(self, reader: Reader, world: World, clock: SteppingClock) -> None:
        first = reader.directory()
        clock.step(599)
        assert reader.directory() is first
        clock.step(2)
        assert reader.directory() is not first
        asked = world.asked["/api/v2/users"]
        assert reader.directory(fresh=True).as_of == clock.now
        assert world.asked["/api/v2/users"] == asked + 2
        reader.forget()
        reader.directory()
        assert world.asked["/api/v2/users"] == asked + 4

    def test_screens_that_ask_at_once_cause_one_read(self, reader: Reader, world: World) -> None:
        threads = [threading.Thread(target=reader.directory) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert world.asked["/api/v2/users"] == 2

    @pytest.mark.parametrize(
        ("path", "gap"),
        [
            ("/api/v2/teams", "teams"),
            ("/api/v2/routing/queues", "queues"),
            ("/api/v2/authorization/divisions", "divisions"),
            (f"{WFM}/businessunits", "business units"),
        ],
    )
    def test_optional_parts_may_be_refused(self, reader: Reader, world: World, path: str, gap: str) -> None:
        world.refuse[path] = 403
        directory = reader.directory()
        assert len(directory.agents) == 4
        assert list(reader.gaps) == [gap]
        assert isinstance(reader.gaps[gap], Forbidden)
        assert str(reader.gaps[gap]).startswith(f"Reading the {gap} failed.")
        # What agents name themselves is still there to be picked by.
        assert {GroupKind.TEAM, GroupKind.DIVISION} <= {group.kind for group in directory.groups}

    @pytest.mark.parametrize(
        ("path", "read"),
        [
            ("/api/v2/users", "users"),
            (f"{WFM}/managementunits", "management units"),
            (f"{WFM}/managementunits/mu1/users", "users of a management unit"),
        ],
    )
    def test_needed_parts_say_which_they_are(self, reader: Reader, world: World, path: str, read: str) -> None:
        world.refuse[path] = 403
        with pytest.raises(Forbidden) as caught:
            reader.directory()
        assert caught.value.read == read
        assert read in str(caught.value)
        world.refuse.clear()
        assert len(reader.directory().agents) == 4  # a failure is not kept

    def test_a_read_that_was_refused_is_counted_as_one_that_failed(self, reader: Reader, world: World) -> None:
        """Refused and given up, refused and passed over, failed and tried again: only an answer that served counts."""
        world.refuse[f"{WFM}/businessunits"] = 403
        reader.directory()
        worked, failed = reader.take_read_counts()
        assert (worked, failed) == (sum(world.asked.values()) - 1, 1)
        assert reader.take_read_counts() == (0, 0), "each read is counted once"
        world.refuse["/api/v2/teams"] = 503
        with pytest.raises(ServerFault):
            reader.directory(fresh=True)
        worked, failed = reader.take_read_counts()
        assert failed == 1 + QUICK.attempts
        assert worked > 0

    def test_a_token_that_is_refused_is_no_read(self, tenant: FakeTenant) -> None:
        tenant.token_script = [httpx.Response(401, json={"error": "invalid_client"})]
        reader = Reader(make_client(tenant))
        with pytest.raises(AuthenticationFailed):
            reader.token()
        assert reader.take_read_counts() == (0, 0)
        reader.token()
        assert reader.take_read_counts() == (1, 0)

    def test_an_optional_part_that_is_down_is_not_silently_missing(self, reader: Reader, world: World) -> None:
        world.refuse["/api/v2/teams"] = 503
        with pytest.raises(ServerFault):
            reader.directory()

    def test_the_zone_may_be_the_business_units(self, reader: Reader, world: World) -> None:
        world.unit_zone = None
        assert reader.directory().units["mu1"].zone == "Europe/Lisbon"
        world.unit_zone = "Mars/Olympus"
        assert reader.directory(fresh=True).units["mu1"].zone == "Europe/Lisbon"

    def test_a_zone_that_nobody_tells_is_utc_and_a_gap(self, reader: Reader, world: World) -> None:
        world.unit_zone, world.refuse = None, {f"{WFM}/businessunits/bu1": 403}
        assert reader.directory().units["mu1"].zone == "UTC"
        assert "time zones" in reader.gaps


class TestQueues:
    def _pages(self, total: int) -> Callable[[httpx.Request], httpx.Response]:
        def handler(request: httpx.Request) -> httpx.Response:
            number = int(request.url.params["pageNumber"])
            ids = range((number - 1) * 100, min(total, number * 100))
            rows = [{"id": f"m{n}", "user": {"id": f"u{n}"}, "joined": n % 2 == 0} for n in ids]
            following = {"nextUri": "/next"} if number * 100 < total else {}
            return httpx.Response(200, json={"entities": rows, **following})

        return handler

    def test_pages_follow_the_next_address(self, clock: SteppingClock) -> None:
        tenant = FakeTenant(handler=self._pages(250))
        reader = Reader(make_client(tenant, clock), clock)
        assert len(reader.queue_members("q1")) == 250
        assert len(tenant.requests) == 3
        clock.step(599)
        reader.queue_members("q1")
        assert len(tenant.requests) == 3
        reader.queue_members("q1", fresh=True)
        assert len(tenant.requests) == 6

    def test_an_empty_queue(self, clock: SteppingClock) -> None:
        reader = Reader(make_client(FakeTenant(handler=self._pages(0)), clock), clock)
        assert reader.queue_members("q1") == frozenset()


class TestStates:
    def test_what_adherence_says(self, reader: Reader, world: World) -> None:
        one, two, three = agent(1), agent(2), agent(3)
        world.states = {
            one.id: {"user": {"id": one.id}, "actualActivityCategory": "Unavailable", "systemPresence": "Away"},
            two.id: {
                "user": {"id": two.id},
                "actualActivityCategory": "OnQueueWork",
                "systemPresence": "OnQueue",
                "routingStatus": "INTERACTING",
            },
            three.id: {"user": {"id": three.id}, "isOutOfOffice": True, "routingStatus": "OFF_QUEUE"},
        }
        states = reader.states([one, two, three])
        assert states[one.id].status is Status.UNAVAILABLE
        assert (states[two.id].status, states[two.id].in_contact, states[two.id].on_queue) == (Status.AVAILABLE, True, True)
        assert states[three.id].out_of_office
        assert not states[three.id].in_contact
        assert states[one.id].read_at == NOW == reader.as_of["states"]

    def test_they_are_kept_fifteen_seconds(self, reader: Reader, world: World, clock: SteppingClock) -> None:
        few = [agent(n) for n in range(3)]
        reader.states(few)
        clock.step(14)
        reader.states(few[:2])
        assert reader.requests == 1
        reader.states([*few, agent(9)])
        assert reader.requests == 2
        assert len(world.asked) == 1
        assert reader.as_of["states"] == NOW
        clock.step(2)
        reader.states(few)
        assert reader.requests == 3
        reader.states(few, fresh=True)
        assert reader.requests == 4

    def test_agents_without_unit_are_read_by_id(self, reader: Reader, world: World) -> None:
        reader.states([agent(1, None)])
        assert list(world.asked) == [f"{WFM}/adherence"]

    def test_an_agent_that_the_tenant_leaves_out_is_left_out(self, reader: Reader, world: World) -> None:
        many = [agent(n) for n in range(150)]
        world.states = {many[0].id: {"user": {"id": many[0].id}}}
        assert list(reader.states(many)) == [many[0].id]
        assert list(world.asked) == [f"{WFM}/managementunits/mu1/adherence"]

    def test_a_state_that_is_gone_is_not_kept(self, reader: Reader, world: World, clock: SteppingClock) -> None:
        one = agent(1)
        assert list(reader.states([one])) == [one.id]
        clock.step(16)
        world.refuse[f"{WFM}/adherence"] = 503
        with pytest.raises(ServerFault):
            reader.states([one])
        world.refuse.clear()
        assert list(reader.states([one])) == [one.id]
        assert reader.as_of["states"] == clock.now

    def test_threads_that_read_afresh_do_not_take_each_others_answers_away(self, reader: Reader) -> None:
        many = [agent(n) for n in range(80)]
        short: list[int] = []

        def run() -> None:
            for _ in range(15):
                if len(reader.states(many, fresh=True)) != 80:
                    short.append(1)
                found = reader.schedules(many[:5], NOW, NOW + HOUR, fresh=True)
                if not all(one.published for one in found.values()):
                    short.append(2)
                reader.forget()

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert short == []

    def test_refused_states_say_so(self, reader: Reader, world: World) -> None:
        world.refuse[f"{WFM}/adherence"] = 403
        with pytest.raises(Forbidden) as caught:
            reader.states([agent(1)])
        assert caught.value.read == "states"
        assert caught.value.call == f"GET {WFM}/adherence"

    @given(st.lists(st.tuples(st.integers(0, 700), st.booleans()), max_size=9))
    def test_the_cheapest_way_asks_everybody_with_the_fewest_requests(self, sizes: list[tuple[int, bool]]) -> None:
        agents, number = [], 0
        for unit, (size, has_unit) in enumerate(sizes):
            for _ in range(size):
                agents.append(agent(number, f"mu{unit}" if has_unit else None))
                number += 1
        units, ids = cheapest(agents)
        covered = {a.id for a in agents if a.management_unit_id in units} | set(ids)
        assert covered == {a.id for a in agents}
        assert not {a.id for a in agents if a.management_unit_id in units} & set(ids)
        cost = len(units) + -(-len(ids) // 100)
        assert cost <= -(-len(agents) // 100)
        alone = sum(1 for a in agents if a.management_unit_id is None)
        assert cost <= len({a.management_unit_id for a in agents if a.management_unit_id}) + -(-alone // 100)


class TestSchedules:
    def test_shifts_activities_and_what_is_published(self, reader: Reader) -> None:
        found = reader.schedules([agent(1)], NOW, NOW + HOUR)[agent(1).id]
        assert found.published
        (shift,) = found.shifts
        assert (shift.start, shift.end) == (NOW - 2 * HOUR, NOW + 6 * HOUR)
        (activity,) = shift.activities  # the one without a start is left out
        assert (activity.category, activity.name, activity.end - activity.start) == ("OnQueueWork", "On Queue", HOUR)
        assert found.version.startswith("week-48@")
        assert reader.as_of["schedules"] == NOW

    def test_moving_the_window_inside_its_days_reads_nothing(self, reader: Reader) -> None:
        reader.schedules([agent(1)], NOW, NOW + HOUR)
        asked = reader.requests
        assert asked == 2  # activity codes and the search
        reader.schedules([agent(1)], NOW + 3 * HOUR, NOW + 5 * HOUR)
        reader.schedules([agent(1)], NOW - 14 * HOUR, NOW + HOUR)
        assert reader.requests == asked
        reader.schedules([agent(1)], NOW + 24 * HOUR, NOW + 25 * HOUR)
        assert reader.requests == asked + 1

    def test_only_who_is_not_kept_is_asked_for(self, reader: Reader, world: World) -> None:
        reader.schedules([agent(1), agent(2)], NOW, NOW + HOUR)
        reader.schedules([agent(1), agent(2), agent(3)], NOW, NOW + HOUR)
        assert [json.loads(body)["userIds"] for body in world.bodies] == [[agent(1).id, agent(2).id], [agent(3).id]]

    def test_they_are_kept_sixty_seconds(self, reader: Reader, clock: SteppingClock) -> None:
        reader.schedules([agent(1)], NOW, NOW + HOUR)
        clock.step(59)
        reader.schedules([agent(1)], NOW, NOW + HOUR)
        assert reader.requests == 2
        clock.step(2)
        reader.schedules([agent(1)], NOW, NOW + HOUR)
        assert reader.requests == 3
        reader.schedules([agent(1)], NOW, NOW + HOUR, fresh=True)
        assert reader.requests == 4

    def test_a_body_asks_for_whole_days_and_stays_small(self, reader: Reader, world: World) -> None:
        reader.schedules([agent(n) for n in range(4500)], NOW, NOW + HOUR)
        assert [len(json.loads(body)["userIds"]) for body in world.bodies] == [MAX_AGENTS, MAX_AGENTS, 500]
        assert all(len(body) < MAX_BODY_BYTES for body in world.bodies)
        said = json.loads(world.bodies[0])
        assert (said["startDate"], said["endDate"]) == ("2026-11-22T00:00:00.000Z", "2026-11-25T00:00:00.000Z")

    def test_a_long_window_asks_for_fewer_agents_at_once(self, reader: Reader, world: World) -> None:
        reader.schedules([agent(n) for n in range(400)], NOW, NOW + timedelta(days=31))
        assert [len(json.loads(body)["userIds"]) for body in world.bodies] == [176, 176, 48]

    def test_agents_without_unit_have_no_published_schedule(self, reader: Reader, world: World) -> None:
        found = reader.schedules([agent(1, None)], NOW, NOW + HOUR)[agent(1).id]
        assert (found.published, found.version, found.shifts) == (False, "", ())
        assert world.bodies == []

    def test_a_window_into_an_unpublished_week_is_unpublished(self, reader: Reader) -> None:
        sunday_night = datetime(2026, 11, 29, 22, 30, tzinfo=UTC)  # 23:30 in Berlin
        assert reader.schedules([agent(1)], sunday_night, sunday_night + HOUR / 2)[agent(1).id].published
        assert not reader.schedules([agent(1)], sunday_night, sunday_night + HOUR)[agent(1).id].published

    def test_the_version_follows_what_is_said_about_the_window(
        self, reader: Reader, world: World, clock: SteppingClock
    ) -> None:
        def version() -> str:
            return reader.schedules([agent(1)], NOW, NOW + HOUR, fresh=True)[agent(1).id].version

        first = version()
        clock.step(1)
        assert version() == first
        world.shifts = lambda i: [shift_row(NOW - 2 * HOUR), shift_row(NOW + 20 * HOUR, number=2)]
        clock.step(1)
        assert version() == first  # another day's shift is none of this window's business
        world.shifts = lambda i: [shift_row(NOW - 2 * HOUR, hours=7)]
        clock.step(1)
        edited = version()
        assert edited != first
        world.weeks[0]["id"] = "week-48-again"
        clock.step(1)
        assert version() not in (first, edited)
        world.markers = [{"businessUnitDate": "2026-11-23", "lengthMinutes": 480}]
        clock.step(1)
        assert version().startswith("week-48-again@")

    def test_the_answer_does_not_depend_on_what_happens_to_be_kept(self, reader: Reader, world: World) -> None:
        world.shifts = lambda i: [shift_row(NOW + timedelta(days=d), number=d) for d in range(6)]
        narrow = reader.schedules([agent(1)], NOW, NOW + HOUR)[agent(1).id]
        reader.schedules([agent(1)], NOW, NOW + timedelta(days=4), fresh=True)
        assert reader.schedules([agent(1)], NOW, NOW + HOUR)[agent(1).id] == narrow

    def test_time_off_is_the_whole_local_day_unless_told_otherwise(self, reader: Reader, world: World) -> None:
        world.markers = [
            {"businessUnitDate": "2026-11-24", "startOffsetMinutes": 480, "endOffsetMinutes": 720},
            {"businessUnitDate": "2026-11-23", "lengthMinutes": 480},
            {"businessUnitDate": "someday"},
        ]
        found = reader.schedules([agent(1)], NOW, NOW + HOUR)[agent(1).id]
        berlin_midnight = datetime(2026, 11, 22, 23, tzinfo=UTC)
        assert found.time_off == (
            (berlin_midnight, berlin_midnight + 24 * HOUR),
            (berlin_midnight + 32 * HOUR, berlin_midnight + 36 * HOUR),
        )

    def test_a_large_answer_is_fetched_from_its_address(self, reader: Reader, world: World) -> None:
        answer = World()._search([agent(1).id])
        world.search_answer = {"status": "Complete", "downloadUrl": "https://files.example/x"}
        client = reader.client
        client.download = lambda address: answer  # type: ignore[method-assign]
        assert reader.schedules([agent(1)], NOW, NOW + HOUR)[agent(1).id].published

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            ({"status": "Processing", "operationId": "o"}, "promised for later"),
            ({"status": "Complete"}, "no agentSchedules"),
            ([], "not a JSON object"),
        ],
    )
    def test_an_answer_without_schedules_is_a_bad_answer(self, reader: Reader, world: World, answer: Any, said: str) -> None:
        world.search_answer = answer
        with pytest.raises(BadAnswer, match=said) as caught:
            reader.schedules([agent(1)], NOW, NOW + HOUR)
        assert caught.value.read == "schedules"

    def test_refused_schedules_say_so(self, reader: Reader, world: World) -> None:
        world.refuse[f"{WFM}/businessunits/bu1/agentschedules/search"] = 403
        with pytest.raises(GenesysError) as caught:
            reader.schedules([agent(1)], NOW, NOW + HOUR)
        assert caught.value.read == "schedules"

    def test_an_unknown_activity_has_no_category(self, reader: Reader, world: World) -> None:
        world.shifts = lambda i: [
            {
                "id": "s",
                "startDate": "2026-11-23T14:00:00Z",
                "lengthMinutes": 60,
                "activities": [
                    {
                        "startDate": "2026-11-23T14:00:00Z",
                        "lengthMinutes": 60,
                        "activityCodeId": "77",
                        "description": "Fire drill",
                    }
                ],
            }
        ]
        (shift,) = reader.schedules([agent(1)], NOW, NOW + HOUR)[agent(1).id].shifts
        assert (shift.activities[0].category, shift.activities[0].name) == ("", "Fire drill")


def test_days_around_a_window() -> None:
    first, after = day_range(datetime(2026, 11, 23, 23, 59, tzinfo=UTC), datetime(2026, 11, 24, 0, 1, tzinfo=UTC))
    assert (first, after) == (datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 26, tzinfo=UTC))


WEEKS = [_Week("a", date(2026, 10, 19), date(2026, 10, 26)), _Week("b", date(2026, 10, 26), date(2026, 11, 2))]


@pytest.mark.parametrize(
    ("start", "end", "zone", "ids"),
    [
        ("2026-10-20T10:00", "2026-10-20T11:00", "UTC", ("a",)),
        ("2026-10-25T20:00", "2026-10-26T08:00", "UTC", ("a", "b")),
        ("2026-10-25T22:30", "2026-10-25T23:00", "Europe/Berlin", ("a",)),  # ends as the day does, clocks just set back
        ("2026-10-25T22:30", "2026-10-25T23:01", "Europe/Berlin", ("a", "b")),
        ("2026-11-01T22:00", "2026-11-02T00:00", "UTC", ("b",)),
        ("2026-11-01T22:00", "2026-11-02T00:01", "UTC", None),
        ("2026-10-18T23:30", "2026-10-19T01:00", "UTC", None),
        ("2026-10-18T23:30", "2026-10-19T01:00", "Asia/Tokyo", ("a",)),
    ],
)
def test_weeks_that_cover_a_window(start: str, end: str, zone: str, ids: tuple[str, ...] | None) -> None:
    instants = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end)]
    assert covering_weeks(WEEKS, instants[0], instants[1], zone) == ids


class TestTokenAndAvailability:
    def _reader(self, clock: SteppingClock, info: Any) -> Reader:
        return Reader(make_client(FakeTenant(handler=lambda request: httpx.Response(200, json=info)), clock), clock)

    @pytest.mark.parametrize(
        ("info", "scopes"),
        [
            ({"authorizedScope": ["a", "b"]}, ("a", "b")),
            ({"OAuthClient": {"scope": ["a"]}}, ("a",)),
            ({}, None),
            ({"authorizedScope": [], "OAuthClient": {"roleDivisions": [{"roleId": "r", "divisionId": "d"}]}}, None),
            ({"authorizedScope": [], "OAuthClient": {"roleDivisions": []}}, ()),
        ],
    )
    def test_scopes_are_stated_or_not(self, clock: SteppingClock, info: Any, scopes: tuple[str, ...] | None) -> None:
        assert self._reader(clock, info).token().scopes == scopes

    def test_who_we_are(self, clock: SteppingClock) -> None:
        info = {
            "organization": {"id": "o1", "name": "Org"},
            "OAuthClient": {
                "id": "c9",
                "name": "desk",
                "authorizedGrantType": "CLIENT-CREDENTIALS",
                "roleDivisions": [{"roleId": "r", "divisionId": "d"}, "junk"],
            },
        }
        facts = self._reader(clock, info).token()
        assert (facts.client_id, facts.client_name, facts.organization_id, facts.organization_name) == (
            "c9",
            "desk",
            "o1",
            "Org",
        )
        assert facts.role_divisions == (("r", "d"),)
        assert facts.expires_at == NOW + timedelta(seconds=3600)


class TestActions:
    def _handler(self, refuse: frozenset[str] = frozenset()) -> Callable[[httpx.Request], httpx.Response]:
        def handler(request: httpx.Request) -> httpx.Response:
            action_id = request.url.path.rsplit("/", 1)[1]
            if action_id == "actions":
                number = int(request.url.params["pageNumber"])
                rows = [{"id": f"x{n}", "name": f"x{n}"} for n in range((number - 1) * 100, min(130, number * 100))]
                return httpx.Response(200, json={"entities": rows, "pageCount": 2})
            if action_id in refuse:
                return httpx.Response(403)
            return httpx.Response(200, json={"id": action_id, "contract": {"input": {}}, "config": {"request": {}}})

        return handler

    def test_all_are_listed_and_contracts_read_as_far_as_is_decent(self, clock: SteppingClock) -> None:
        tenant = FakeTenant(handler=self._handler(frozenset({"x3"})))
        reader = Reader(make_client(tenant, clock), clock)
        actions = reader.actions()
        assert len(actions) == 130
        assert sum("contract" in action for action in actions) == 59
        assert actions[3] == {"id": "x3", "name": "x3"}
        asked = reader.requests
        assert asked == 62
        clock.step(59)
        reader.actions()
        assert reader.requests == asked
        assert reader.action("x99")["contract"] == {"input": {}}
