"""One working call for each published operation of the catalogue that the demo tenant serves, with ids that exist there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.support.demo_tenant import DemoHandle
from wfm import catalogue
from wfm.demo.platforms import Platform
from wfm.demo.served import api
from wfm.domain.diagnoses import Provenance

WFM = "/api/v2/workforcemanagement"


def served() -> tuple[str, ...]:
    """The keys of the published operations that the catalogue lists and the published demo tenant serves."""
    here = {f"{row.verb} {row.template}" for row in api(Platform.PUBLISHED)}
    listed = (row.key for row in catalogue.operations().values() if row.provenance is Provenance.PUBLISHED)
    return tuple(key for key in listed if key in here)


class Calls:
    """Path parameters, queries and bodies that work on a running published tenant."""

    def __init__(self, demo: DemoHandle) -> None:
        self.demo = demo
        self._token = demo.token("desk")
        rows = demo.agents(active="true", out_of_office="false", on_shift="true", scheduled="true")
        self.agent = next(row for row in rows if row["business_unit"] == "Europe" and row["division"] != "Sales")
        user = self.agent["id"]
        units = self._get(f"{WFM}/managementunits")["entities"]
        unit = next(row for row in units if row["name"] == self.agent["management_unit"])
        business = unit["businessUnit"]["id"]
        week = self._get(f"{WFM}/businessunits/{business}/weeks/recent/schedules")["entities"][-2]
        divisions = self._get("/api/v2/authorization/divisions")["entities"]
        self.division = next(row["id"] for row in divisions if row["name"] == self.agent["division"])
        definitions = self._get("/api/v2/presence/definitions")["entities"]
        self.definition = next(row["id"] for row in definitions if row["divisionId"] == self.division)
        actions = self._get("/api/v2/integrations/actions")["entities"]
        self._integration = next(row["integrationId"] for row in actions if row["name"] == "set_agent_presence_desk")
        client = demo.clients["desk"]["id"]
        self.parameters: dict[str, str] = {
            "userId": user,
            "agentId": user,
            "sourceId": "PURECLOUD",
            "queueId": self._get("/api/v2/routing/queues")["entities"][0]["id"],
            "teamId": self._get("/api/v2/teams")["entities"][0]["id"],
            "clientId": client,
            "subjectId": client,
            "roleId": self._get("/api/v2/tokens/me")["OAuthClient"]["roleDivisions"][0]["roleId"],
            "namespaceName": "platform.api",
            "businessUnitId": business,
            "managementUnitId": unit["id"],
            "weekId": week["weekDate"],
            "scheduleId": week["id"],
            "actionId": next(row["id"] for row in actions if row["name"] == "set_agent_presence_desk"),
            "fileName": "input.json",
        }
        demo.patch("/_demo/clients/desk", {"grant": ["Presence Administrator", "Data Action Administrator"]})
        self._records()
        self._activity_plan(business)

    def _get(self, path: str) -> Any:
        return self._request("GET", path).json()

    def _request(self, verb: str, path: str, **more: Any) -> httpx.Response:
        response = self.demo.http.request(verb, path, headers={"Authorization": f"Bearer {self._token}"}, **more)
        response.raise_for_status()
        return response

    def _activity_plan(self, business: str) -> None:
        self.demo.patch("/_demo/settings", {"job_s": 0})  # a plan runs one job at a time
        made = self._request("POST", f"{WFM}/businessunits/{business}/activityplans", json=self.plan()).json()
        job = self._request("POST", f"{made['selfUri']}/runs/jobs").json()
        self.parameters |= {"activityPlanId": made["id"], "jobId": job["id"]}

    def action(self) -> dict[str, Any]:
        """A PostActionInput that reads a user."""
        schema = {"type": "object", "required": ["userId"], "properties": {"userId": {"type": "string"}}}
        return {
            "category": "Genesys Cloud Data Actions (desk)",
            "name": "read_user",
            "integrationId": self._integration,
            "config": {
                "timeoutSeconds": 5,
                "request": {"requestType": "GET", "requestUrlTemplate": "/api/v2/users/${input.userId}"},
            },
            "contract": {"input": {"inputSchema": schema}, "output": {"successSchema": {"type": "object"}}},
        }

    def _records(self) -> None:
        agent, unit = self.parameters["agentId"], self.parameters["managementUnitId"]
        off = self._request("POST", f"{WFM}/managementunits/{unit}/timeoffrequests", json=self.time_off()).json()
        body = {"type": "Late", "startDate": datetime.now(UTC).isoformat(), "lengthMinutes": 15}
        self.demo.patch("/_demo/settings", {"job_s": 0})
        job = self._request("POST", f"{WFM}/agents/{agent}/adherence/explanations", json=body).json()["job"]["id"]
        self._explanation_job = str(job)
        ended = self._get(f"{WFM}/adherence/explanations/jobs/{job}")
        explained = ended["adherenceExplanation"]["id"]
        self.parameters |= {"timeOffRequestId": off["timeOffRequests"][0]["id"], "explanationId": explained}

    def time_off(self) -> dict[str, Any]:
        """A CreateAdminTimeOffRequest for one agent."""
        return {
            "status": "APPROVED",
            "users": [{"id": self.agent["id"]}],
            "activityCodeId": "5",
            "partialDayStartDateTimes": [datetime.now(UTC).isoformat()],
            "dailyDurationMinutes": 30,
        }

    def plan(self) -> dict[str, Any]:
        """A CreateActivityPlanRequest for one agent, today."""
        today = datetime.now(UTC).date().isoformat()
        return {
            "name": "Maintenance",
            "description": "CHG-1",
            "activityCodeId": "7",
            "type": "Individual",
            "lengthMinutes": 15,
            "optimizationObjective": "FavorSchedulingAll",
            "attendeesSearchRule": {"parts": [{"operation": "Include", "selector": "User", "ids": [self.agent["id"]]}]},
            "fixedAvailability": [
                {
                    "availabilityRange": {
                        "earliestStartMinutesFromMidnight": 0,
                        "latestEndMinutesFromMidnight": 1440,
                    },
                    "dateRange": {"startDate": today, "endDate": today},
                }
            ],
        }

    def parameter(self, key: str, name: str) -> str:
        """The value of a path parameter, by its name on the wire."""
        if name == "fileName" and "templates" in key:
            return "requesttemplate.vm"
        if name == "actionId" and key.startswith(("PATCH", "DELETE")):
            return str(self._request("POST", "/api/v2/integrations/actions", json=self.action()).json()["id"])
        if name == "jobId" and "explanations" in key:
            return self._explanation_job
        return self.parameters[name]

    def query(self, key: str) -> dict[str, Any]:
        """Query parameters by the name of the SDK's method parameter."""
        user = self.agent["id"]
        queries: dict[str, dict[str, Any]] = {
            "GET /api/v2/users": {"expand": ["team", "presence", "routingStatus", "outOfOffice", "authorization"]},
            "GET /api/v2/users/{userId}": {"expand": ["authorization", "presence"]},
            "GET /api/v2/users/presences/purecloud/bulk": {"id": [user]},
            "GET /api/v2/authorization/divisionspermitted/paged/me": {"permission": "presence:userPresence:edit"},
            f"GET {WFM}/adherence": {"user_id": [user]},
            f"GET {WFM}/businessunits/{{businessUnitId}}": {"expand": ["settings"]},
        }
        return queries.get(key, {})

    def body(self, key: str) -> Any:
        """A body that works."""
        user, now = self.agent["id"], datetime.now(UTC)
        if key == "PUT /api/v2/users/{userId}/routingstatus":  # none but the one that the agent has, whatever was asked before
            return {"status": self._get(f"/api/v2/users/{user}/routingstatus")["status"]}
        action = {"userId": user, "presenceDefinitionId": self.definition, "message": "CHG-1"}
        presence = {"presenceDefinition": {"id": self.definition}, "message": "CHG-1"}
        dates = {"startDate": now.isoformat(), "endDate": (now + timedelta(hours=1)).isoformat()}
        search = {**dates, "userIds": [user]}
        late = {"type": "Late", "startDate": now.isoformat(), "lengthMinutes": 15}
        span = {"entities": [{"timeSpan": {"startDate": now.isoformat(), "lengthMinutes": 15}, "notes": "CHG-1"}]}
        return {
            "PATCH /api/v2/users/{userId}/presences/purecloud": presence,
            "PATCH /api/v2/users/{userId}/presences/{sourceId}": presence,
            "PUT /api/v2/users/presences/bulk": [{"id": user, **presence}],
            "PATCH /api/v2/routing/queues/{queueId}/members": [{"id": user, "joined": True}],
            "PATCH /api/v2/users/{userId}/queues": [{"id": self.parameters["queueId"], "joined": True}],
            "POST /api/v2/users/search": {"query": [{"type": "EXACT", "fields": ["id"], "value": user}]},
            "POST /api/v2/teams/search": {"query": []},
            "POST /api/v2/integrations/actions": self.action(),
            "PATCH /api/v2/integrations/actions/{actionId}": {"name": "Renamed", "version": 1},
            "POST /api/v2/integrations/actions/{actionId}/test": action,
            "POST /api/v2/integrations/actions/{actionId}/execute": action,
            "POST /api/v2/presence/definitions": {"languageLabels": {"en_US": "Drill"}, "systemPresence": "Busy"},
            "PUT /api/v2/users/{userId}/outofoffice": {"active": False, "indefinite": False},
            f"POST {WFM}/businessunits/{{businessUnitId}}/activityplans": self.plan(),
            f"PATCH {WFM}/agents/{{agentId}}/unavailabletimes": span,
            f"PATCH {WFM}/unavailabletimes": span,
            f"POST {WFM}/agents/{{agentId}}/unavailabletimes/query": dates,
            f"POST {WFM}/agents/{{agentId}}/adherence/explanations": late,
            f"PATCH {WFM}/agents/{{agentId}}/adherence/explanations/{{explanationId}}": {"status": "Approved"},
            f"POST {WFM}/managementunits/{{managementUnitId}}/timeoffrequests": self.time_off(),
            f"POST {WFM}/managementunits/{{managementUnitId}}/timeoffrequests/query": {"dateRange": dates},
            f"PATCH {WFM}/managementunits/{{managementUnitId}}/users/{{userId}}/timeoffrequests/{{timeOffRequestId}}": {
                "status": "DENIED",
                "metadata": {"version": 1},
            },
            f"POST {WFM}/businessunits/{{businessUnitId}}/agentschedules/search": search,
            f"POST {WFM}/managementunits/{{managementUnitId}}/agentschedules/search": search,
        }.get(key)
