"""The preview on the demo tenant, over real HTTP, through the real reader and the real routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from tests.support.demo_tenant import DemoHandle, running_demo
from tests.support.unpaced import Unpaced
from wfm.domain.errors import BadInput
from wfm.domain.plans import Fate, LaneName, LaneState, PlanRequest, Preview, RouteName, Selection
from wfm.domain.tenant import Tenant
from wfm.domain.windows import WindowSpec
from wfm.genesys.auth import Credentials
from wfm.genesys.client import GenesysClient
from wfm.genesys.reads import Reader
from wfm.genesys.regions import endpoint_for_urls
from wfm.preview import Previewer, differences
from wfm.preview.agent_lists import agent_list

NOW_FOR_10 = WindowSpec(minutes=10, zone="Europe/Berlin")


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoHandle]:
    with running_demo(agents=240, seed=7) as handle:
        yield handle


@pytest.fixture(autouse=True)
def as_at_first(demo: DemoHandle) -> None:
    demo.post("/_demo/reset")


Connect = Callable[..., Previewer]


@pytest.fixture
def previewer(demo: DemoHandle) -> Iterator[Connect]:
    """Makes previewers for a client by name, each with a reader of its own, and closes them."""
    with ExitStack() as opened:

        def connect(client: str = "desk") -> Previewer:
            known = demo.clients[client]
            genesys = GenesysClient(
                endpoint_for_urls(demo.url, demo.url), Credentials(known["id"], SecretStr(known["secret"])), Unpaced()
            )
            reader = Reader(genesys)
            opened.callback(genesys.close)
            opened.callback(reader.close)
            return Previewer(
                reader,
                held=lambda *_: {},
                clock=lambda: datetime.now(UTC),
                tenant=tenant_of(demo),
                renew=genesys.auth.discard,
            )

        yield connect


def tenant_of(demo: DemoHandle) -> Tenant:
    organization = demo.get("/_demo/info")["organization"]
    return Tenant(
        api_url=demo.url,
        login_url=demo.url,
        organization_id=organization["id"],
        organization_name=organization["name"],
        is_demo=True,
    )


def ask(*agents: str, window: WindowSpec = NOW_FOR_10, **more: object) -> PlanRequest:
    return PlanRequest.model_validate({"selection": Selection(agents=agents), "window": window, **more})


def everybody(demo: DemoHandle, window: WindowSpec = NOW_FOR_10) -> PlanRequest:
    return PlanRequest(selection=Selection(divisions=tuple({row["division"] for row in demo.agents()})), window=window)


def ids(demo: DemoHandle, count: int = 5, **filters: object) -> list[str]:
    found = [str(row["id"]) for row in demo.agents(limit=count, **filters)]
    assert found, f"the demo tenant has nobody with {filters} at this hour"
    return found


def fates(preview: Preview) -> dict[str, Fate]:
    return {row.given: row.fate for row in preview.rows}


def test_fates_agree_with_what_the_tenant_itself_says(demo: DemoHandle, previewer: Connect) -> None:
    preview = previewer().preview(everybody(demo))
    truth = {row["id"]: row for row in demo.agents()}
    assert len(preview.rows) == len(truth) == 240
    soon = datetime.now(UTC) + timedelta(minutes=11)
    for row in preview.rows:
        said = truth[row.given]
        ends = said["shift_ends"] and datetime.fromisoformat(said["shift_ends"])
        if not said["active"]:
            assert row.fate is Fate.INACTIVE
        elif said["time_off"]:
            assert row.fate is Fate.TIME_OFF
        elif not said["on_shift"]:
            assert row.fate in (Fate.NOT_SCHEDULED, Fate.TIME_OFF, Fate.SHIFT_STARTS_INSIDE, Fate.OUT_OF_OFFICE)
        elif said["out_of_office"]:
            assert row.fate is Fate.OUT_OF_OFFICE
        elif said["status"] == "unavailable":
            assert row.fate is Fate.ALREADY_UNAVAILABLE
        elif ends and ends < soon:
            assert row.fate in (Fate.SHIFT_ENDS_INSIDE, Fate.AFTER_CONTACT, Fate.READY)
        else:
            assert row.fate in (Fate.READY, Fate.AFTER_CONTACT)
    assert preview.totals()[Fate.READY] > 0
    assert preview.can_apply


def test_the_story_of_the_brief_missing_then_mended(demo: DemoHandle, previewer: Connect) -> None:
    room = previewer("architect-flow")
    request = ask(*ids(demo, on_shift="true", status="available", out_of_office="false"))
    before = room.preview(request)
    scope = before.access[0].lanes[LaneName.SCOPE]
    assert before.access[0].call == "PATCH /api/v2/wfm/users/{userId}/availability"
    assert (scope.state, scope.evidence) == (
        LaneState.MISSING,
        "holds wfm:schedule:write, needs wfm:schedule:update",
    )
    assert [code for code, _ in before.refusals] == ["access_missing"]
    assert all(not check.missing for check in before.access if not check.to_write), "reads work"
    demo.patch("/_demo/clients/architect-flow", {"add": ["wfm:schedule:update"]})
    assert room.preview(request).missing_access, "the token keeps the scopes that it was given with"
    after = room.preview(request, fresh=True)
    assert after.can_apply
    assert differences(before.ingredients, after.ingredients) == (
        "the access changed: PATCH /api/v2/wfm/users/{userId}/availability no longer lacks scope: wfm:schedule:update",
    )
    assert demo.updates() == {}, "a preview writes nothing"


def test_the_same_plan_has_the_same_id_and_costs_nothing_the_second_time(demo: DemoHandle, previewer: Connect) -> None:
    room, request = previewer(), everybody(demo)
    first, second = room.preview(request), room.preview(request)
    assert first.read_requests > 0
    assert second.read_requests == 0
    assert first.plan_id == second.plan_id == previewer().preview(request).plan_id
    moved = room.preview(everybody(demo, WindowSpec(minutes=20)))
    assert moved.read_requests == 0, "moving the window inside what is read reads nothing new"
    assert moved.plan_id != first.plan_id


def test_what_others_do_meanwhile_is_seen_when_it_is_read_afresh(demo: DemoHandle, previewer: Connect) -> None:
    room = previewer()
    one, two, three, four, five = ids(demo, on_shift="true", status="available", out_of_office="false", in_contact="false")
    request = ask(one, two, three, four, five)
    before = room.preview(request)
    demo.post(f"/_demo/agents/{one}/state", {"status": "unavailable", "reason": "somebody else"})
    demo.post(f"/_demo/agents/{two}/state", {"out_of_office": True})
    demo.post(f"/_demo/agents/{three}/state", {"in_contact": True})
    momentary = room.preview(request, fresh=True)
    assert fates(momentary)[one] is Fate.ALREADY_UNAVAILABLE
    assert fates(momentary)[two] is Fate.OUT_OF_OFFICE
    assert fates(momentary)[three] in (Fate.AFTER_CONTACT, Fate.SHIFT_ENDS_INSIDE)
    assert momentary.plan_id == before.plan_id, "presence and contacts are no part of the plan"
    demo.post(f"/_demo/agents/{four}/state", {"scheduled": False})
    changed = room.preview(request, fresh=True)
    assert changed.plan_id != before.plan_id
    name = next(row.agent.name for row in before.rows if row.given == four and row.agent)
    assert differences(before.ingredients, changed.ingredients) == (f"1 agent is no longer ready: {name} is not scheduled",)


def test_a_republished_schedule_makes_the_plan_stale(demo: DemoHandle, previewer: Connect) -> None:
    room = previewer()
    request = ask(*ids(demo, on_shift="true", status="available"))
    before = room.preview(request)
    demo.post("/_demo/schedules/republish")
    after = room.preview(request, fresh=True)
    assert after.plan_id != before.plan_id
    (told,) = differences(before.ingredients, after.ingredients)
    assert told.startswith("the schedule was republished")


def test_a_data_action_and_its_counterpart(demo: DemoHandle, previewer: Connect) -> None:
    request = ask(*ids(demo, on_shift="true"), route=RouteName.DATA_ACTION, action="set_agent_unavailable")
    preview = previewer().preview(request)
    names = {row["id"]: row["name"] for row in _actions(demo)}
    assert names[preview.action_id or ""] == "set_agent_unavailable"
    assert names[preview.restore_action_id or ""] == "set_agent_available"
    assert preview.access[1].call.endswith("(inside set_agent_unavailable)")
    assert "access_unknown" in [finding.code for finding in preview.findings]


def test_a_correction_of_yesterday(demo: DemoHandle, previewer: Connect) -> None:
    start = datetime.now(UTC) - timedelta(days=1)
    window = WindowSpec(start=start, end=start + timedelta(minutes=30), zone="Europe/Berlin")
    preview = previewer().preview(everybody(demo, window).model_copy(update={"route": RouteName.ADHERENCE}))
    assert preview.can_apply
    assert preview.totals()[Fate.READY] > 0
    assert not {Fate.AFTER_CONTACT, Fate.ALREADY_UNAVAILABLE, Fate.OUT_OF_OFFICE} & set(preview.totals())
    assert "undone_on_demand" in [finding.code for finding in preview.findings]


def test_people_by_mail_team_queue_and_search(demo: DemoHandle, previewer: Connect) -> None:
    room = previewer()
    (one,) = demo.agents(limit=1)
    assert [agent.id for agent in room.resolve(Selection(agents=(one["email"].upper(),))).agents] == [one["id"]]
    team = next(row["team"] for row in demo.agents() if row["team"])
    mates = {row["id"] for row in demo.agents() if row["team"] == team}
    assert {agent.id for agent in room.resolve(Selection(teams=(team.lower(),))).agents} == mates
    assert one["id"] in {agent.id for agent in room.resolve(Selection(search=one["name"])).agents}
    with pytest.raises(BadInput, match="queue") as refused:
        room.resolve(Selection(queues=("no such queue",)))
    queue = refused.value.accepted.split(": ")[1].split(", ")[0]
    found = room.resolve(Selection(queues=(queue,)))
    assert found.agents
    assert found.unknown == ()


def test_reading_an_unpublished_week_says_so(demo: DemoHandle, previewer: Connect) -> None:
    start = datetime.now(UTC) + timedelta(weeks=12)
    far = WindowSpec(start=start, end=start + timedelta(minutes=30))
    preview = previewer().preview(everybody(demo, far))
    assert set(preview.totals()) == {Fate.SCHEDULE_UNPUBLISHED, Fate.INACTIVE}
    assert [code for code, _ in preview.refusals] == ["nobody_ready"]


def _actions(demo: DemoHandle) -> list[dict[str, str]]:
    found: list[dict[str, str]] = demo.request("GET", "/api/v2/integrations/actions", "desk").json()["entities"]
    return found


def test_of_a_list_with_managers_the_agents_are_read_against_the_tenants_directory(previewer: Connect) -> None:
    plans = previewer()
    people = plans.resolve(Selection(search="@")).agents
    agents, managers = people[:40], people[40:43]
    rows = "".join(f"{managers[n % 3].email};{{{one.id}}}\n" for n, one in enumerate(agents))
    found = agent_list(f"Export\nManager Email;Agent ID\n{rows}".encode("utf-16"), plans.index())
    assert (found.asks, found.above, found.bad) == (False, (1, 2), ())
    words = tuple(word for _, word in found.words)
    assert {one.id for one in plans.resolve(Selection(agents=words)).agents} == {one.id for one in agents}
    assert agent_list(rows.encode(), plans.index()).asks
