"""A server to try behaviours on: small projects made on the fly, deployed, and asked for their logs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.octopus_server import ADMIN_KEY

Json = dict[str, Any]
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Workshop:
    """The API of one running server, in its default space, as one user."""

    http: httpx.Client
    space: str | None

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def path(self, path: str) -> str:
        return f"/api/{self.space}/{path}" if self.space else f"/api/{path}"

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        if body is not None:
            more["json"] = body
        return self.http.request(method, path if path.startswith("/") else self.path(path), **more)

    def get(self, path: str) -> Any:
        return _checked(self.send("GET", path)).json()

    def post(self, path: str, body: Any = None) -> Any:
        return _checked(self.send("POST", path, {} if body is None else body)).json()

    def put(self, path: str, body: Any = None) -> Any:
        return _checked(self.send("PUT", path, body)).json()

    def delete(self, path: str) -> None:
        _checked(self.send("DELETE", path))

    # -- things to try on ----------------------------------------------------------------------------------------

    def named(self, path: str, name: str) -> Json:
        return next(item for item in self.get(f"{path}/all") if item["Name"] == name)

    def project(self, steps: Sequence[Json], variables: Sequence[Json] = (), **more: Any) -> Json:
        """A project with a process; it may be deployed anywhere at once."""
        name = f"Trial {uuid.uuid4().hex[:8]}"
        lifecycle = self.post(
            "lifecycles",
            {
                "Name": name,
                "Phases": [
                    {"Name": "Any", "OptionalDeploymentTargets": [item["Id"] for item in self.get("environments/all")]}
                ],
                "ReleaseRetentionPolicy": {"QuantityToKeep": 0, "ShouldKeepForever": True, "Unit": "Items"},
                "TentacleRetentionPolicy": {"QuantityToKeep": 0, "ShouldKeepForever": True, "Unit": "Items"},
            },
        )
        group = self.get("projectgroups/all")[0]
        body = {"Name": name, "ProjectGroupId": group["Id"], "LifecycleId": lifecycle["Id"], **more}
        project = self.post("projects", body)
        process = self.get(f"deploymentprocesses/{project['DeploymentProcessId']}")
        self.put(f"deploymentprocesses/{process['Id']}", {**process, "Steps": list(steps)})
        if variables:
            own = self.get(f"variables/{project['VariableSetId']}")
            self.put(f"variables/{own['Id']}", {**own, "Variables": list(variables)})
        return project

    def release(self, project: Json, version: str = "1.0.0", packages: Sequence[Json] = (), **more: Any) -> Json:
        body = {"ProjectId": project["Id"], "Version": version, "SelectedPackages": list(packages), **more}
        return self.post("releases", body)

    def deploy(self, release: Json, environment: str = "Development", **more: Any) -> Json:
        target = self.named("environments", environment)
        return self.post("deployments", {"ReleaseId": release["Id"], "EnvironmentId": target["Id"], **more})

    def finished(self, run: Json) -> Json:
        return self.until(lambda: self._done(run["TaskId"]), f"task {run['TaskId']} to end")

    def _done(self, task_id: str) -> Json | None:
        task = self.get(f"/api/tasks/{task_id}")
        return task if task["IsCompleted"] else None

    def until(self, look: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited {_PATIENCE:.0f} s for {what}")

    def log(self, run: Json) -> str:
        return _checked(self.send("GET", f"/api/tasks/{run['TaskId']}/raw")).text

    def lines(self, run: Json) -> list[str]:
        """The visible lines of a task's log, without times and categories."""
        nodes = self.get(f"/api/tasks/{run['TaskId']}/details")["ActivityLogs"]
        return [element["MessageText"] for node in _walk(nodes) for element in node["LogElements"]]

    def run(self, steps: Sequence[Json], variables: Sequence[Json] = (), **more: Any) -> tuple[Json, list[str]]:
        """Make, release and deploy a project; the finished task and its lines."""
        deployment = self.deploy(self.release(self.project(steps, variables)), **more)
        task = self.finished(deployment)
        return task, self.lines(deployment)


def _walk(nodes: Sequence[Json]) -> list[Json]:
    return [found for node in nodes for found in (node, *_walk(node["Children"]))]


def _checked(reply: httpx.Response) -> httpx.Response:
    assert not reply.is_error, f"{reply.request.method} {reply.request.url}: {reply.status_code} {reply.text[:800]}"
    return reply


def refused(reply: httpx.Response, status: int = 400) -> str:
    """The sentences of a refusal."""
    assert reply.status_code == status, reply.text[:400]
    body = reply.json()
    return " ".join([body["ErrorMessage"], *body.get("Errors", [])])


def enter(url: str, key: str = ADMIN_KEY) -> Workshop:
    http = httpx.Client(base_url=url, headers={"X-Octopus-ApiKey": key}, timeout=60)
    links = _checked(http.get("/api")).json()["Links"]
    space = None
    if "Spaces" in links:
        space = next(item["Id"] for item in http.get("/api/spaces/all").json() if item["IsDefault"])
    return Workshop(http, space)


# -- steps -------------------------------------------------------------------------------------------------------


def bash(name: str, body: str, *, roles: Sequence[str] = (), on_server: bool = True, **more: Any) -> Json:
    properties = {
        "Octopus.Action.RunOnServer": str(on_server).lower(),
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.Script.Syntax": "Bash",
        "Octopus.Action.Script.ScriptBody": body,
    }
    return step(name, "Octopus.Script", properties, roles=roles, **more)


def step(
    name: str,
    kind: str,
    properties: Mapping[str, Any],
    *,
    roles: Sequence[str] = (),
    packages: Sequence[Json] = (),
    **more: Any,
) -> Json:
    action: Json = {
        "Id": str(uuid.uuid4()),
        "Name": name,
        "ActionType": kind,
        "Properties": dict(properties),
        "Packages": list(packages),
    }
    own = {"Octopus.Action.TargetRoles": ",".join(roles)} if roles else {}
    whole: Json = {"Name": name, "Actions": [action], "Properties": own}
    for key, value in more.items():
        if key in {"Condition", "StepProperties"}:
            whole["Condition" if key == "Condition" else "Properties"] = value
        else:
            action[key] = value
    return whole


def variable(name: str, value: str | None, scope: Mapping[str, Sequence[str]] | None = None, **more: Any) -> Json:
    return {
        "Id": str(uuid.uuid4()),
        "Name": name,
        "Value": value,
        "Type": "String",
        "Scope": {key: list(ids) for key, ids in (scope or {}).items()},
        "IsEditable": True,
        **more,
    }
