"""Published runbooks are run and published again; what they do otherwise is found."""

from __future__ import annotations

import json
from typing import Any

from tidegate.checks.live.context import LiveContext
from tidegate.checks.live.runbooks import check_runbooks, rehearse_runbooks
from tidegate.octopus.client import Access, Answer, OctopusClient, ServerInfo
from tidegate.versions import Version

Document = dict[str, Any]


class Runbooks(OctopusClient):
    """A server with one published runbook and a draft."""

    def __init__(self) -> None:
        self.url = "http://127.0.0.1:1"
        self.access = Access.FULL
        self.says = "log level Debug"
        self.state = "Success"
        self.refuses = ""  # the route that answers 400
        self.runs: list[Document] = []

    def send(self, method: str, path: str, **request: Any) -> Answer:
        route = path.removeprefix("/api/")
        if route == self.refuses and method == "POST":
            return _answer(400, {"ErrorMessage": "The resource 'IdsInUse' does not exist."})
        return _answer(200, self._answer(method, route, request.get("json") or {}))

    def _answer(self, method: str, route: str, body: Document) -> Any:  # noqa: PLR0911 - one line for each route
        match method, route:
            case "GET", "runbooks":
                draft = {"Id": "Runbooks-2", "Name": "Draft", "PublishedRunbookSnapshotId": None}
                published = {
                    "Id": "Runbooks-1", "Name": "Restart", "PublishedRunbookSnapshotId": "RunbookSnapshots-1",
                    "RunbookProcessId": "RunbookProcess-1",
                }  # fmt: skip
                return {"Items": [draft, published], "TotalResults": 2, "Links": {}}
            case "GET", "runbookSnapshots/RunbookSnapshots-1/runbookRuns/template":
                return {"PromoteTo": [{"Id": "Environments-1"}]}
            case "GET", "runbookSnapshots/RunbookSnapshots-1/runbookRuns/preview/Environments-1":
                return {"Form": {"Values": {}, "Elements": []}}
            case "GET", "runbookProcesses/RunbookProcess-1":
                action: Document = {"Id": "a", "Name": "Restart", "ActionType": "Octopus.Script", "Properties": {}}
                mail: Document = {"Id": "m", "Name": "Tell", "ActionType": "Octopus.Email", "Properties": {}}
                return {"Id": "RunbookProcess-1", "Steps": [{"Actions": [action]}, {"Actions": [mail]}]}
            case "POST", "runbookRuns":
                self.runs.append(body)
                return {"Id": "RunbookRuns-1", "TaskId": "ServerTasks-1"}
            case "GET", "tasks/ServerTasks-1":
                return {"Id": "ServerTasks-1", "State": self.state}
            case "GET", "tasks/ServerTasks-1/details":
                line = {"Category": "Info", "MessageText": self.says}
                return {"ActivityLogs": [{"Name": "Run", "Status": self.state, "LogElements": [line], "Children": []}]}
            case "GET", "runbookSnapshots/RunbookSnapshots-1":
                return {"Id": "RunbookSnapshots-1", "ProjectId": "Projects-1", "RunbookId": "Runbooks-1"}
            case "GET", "runbooks/Runbooks-1/runbookSnapshots":
                return {"Items": [], "TotalResults": 1, "Links": {}}
            case "POST", "runbookSnapshots":
                return {"Id": "RunbookSnapshots-2"}
            case _:
                raise AssertionError(f"{method} {route} was not expected")


def _answer(status: int, body: Any) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode(), 0.0)


def context_of(client: OctopusClient, *, runbooks: bool = True) -> LiveContext:
    links = {"Runbooks": "/api/runbooks"} if runbooks else {}
    return LiveContext(client, lambda: None, ServerInfo(Version(2020, 6, 1), "", spaces=False, links=links), "")


def test_the_same_run_is_silent_and_skips_what_would_reach_people() -> None:
    client = Runbooks()
    before = rehearse_runbooks(context_of(client))

    result = check_runbooks(context_of(client), before)

    assert result.findings == ()
    assert result.covered == ("runbooks/Runbooks-1 (Restart): Success, published",)
    assert result.uncovered == ("runbooks/Runbooks-2 (Draft): it is not published",)
    assert [run["SkipActions"] for run in client.runs] == [["m"]] * 3


def test_another_line_another_end_and_a_refusal_are_found() -> None:
    client = Runbooks()
    before = rehearse_runbooks(context_of(client))

    client.says = "log level Info"
    [other] = check_runbooks(context_of(client), before).findings
    client.says, client.state = "log level Debug", "Failed"
    ended = check_runbooks(context_of(client), before).findings
    client.state, client.refuses = "Success", "runbookRuns"
    [refused] = check_runbooks(context_of(client), before).findings

    assert (other.check, other.place) == ("DEPLOY", "runbooks/Runbooks-1 (Restart): Run")
    assert ("Success", "Failed") in [(finding.before, finding.after) for finding in ended]
    assert "400" in refused.after


def test_a_runbook_that_cannot_be_published_any_more_is_found() -> None:
    client = Runbooks()
    before = rehearse_runbooks(context_of(client))
    client.refuses = "runbookSnapshots"

    [finding] = check_runbooks(context_of(client), before).findings

    assert finding.place == "runbooks/Runbooks-1 (Restart): publishing"
    assert finding.before == "published"
    assert "IdsInUse" in finding.after


def test_a_version_without_runbooks_has_nothing_to_run() -> None:
    assert rehearse_runbooks(context_of(Runbooks(), runbooks=False)).runs == ()
