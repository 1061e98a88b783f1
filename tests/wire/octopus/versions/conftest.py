"""One database goes through the releases from 2018.8 to 2025.4; each is visited, worked with and asked for facts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.octopus_sample import connection_string
from tests.support.octopus_server import octopus_process
from tests.wire.octopus.behaviour.workshop import Workshop, bash, enter
from tests.wire.sqlserver.processes import server_process

Json = dict[str, Any]

CHAIN = (
    *("2018.8.0", "2018.12.1", "2019.1.0", "2019.1.7", "2019.8.6", "2019.9.0", "2019.10.9", "2019.11.0", "2019.13.5"),
    *("2020.1.4", "2020.6.4855", "2021.1.7006", "2021.2.7462", "2021.3.12912", "2022.1.2495", "2022.2.7027"),
    *("2022.3.7296", "2022.4.8377", "2023.1.6281", "2023.2.9755", "2023.3.13181", "2024.1.10257", "2024.4.1576"),
    *("2025.1.9592", "2025.4.10338"),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a server of one version said. ``status`` is an HTTP status by path, ``read`` the good answers."""

    version: str
    root: Json
    status: Mapping[str, int]
    read: Mapping[str, Any]
    projects: list[str]
    deployment: str  # the state of the task of a deployment made there
    trigger: Mapping[str, int]  # the status of creating a trigger, by the type of its filter
    link: Mapping[str, str]  # the links of a project


#: Paths that came or went, and documents whose properties did.
PATHS = (
    *("spaces", "build-information", "runbooks", "git-credentials", "capabilities", "useronboarding", "users/me"),
    *("userroles/all", "permissions/all", "featuresconfiguration", "events?take=1", "packages/packages-Nothing.1.0.0"),
    *("serverstatus", "octopusservernodes/summary", "spaces/Spaces-1", "environments/all"),
    *("projects/import-export/export", "tenants/all"),
)


def _trigger(shop: Workshop, project: Json, environment: str, kind: str) -> int:
    body = {
        "Name": f"{kind} {time.monotonic_ns()}",
        "ProjectId": project["Id"],
        "IsDisabled": True,
        "Filter": {"FilterType": kind, "StartTime": "2030-01-01T09:00:00.000Z", "Timezone": "UTC"},
        "Action": {
            "ActionType": "DeployLatestRelease",
            "SourceEnvironmentId": environment,
            "SourceEnvironmentIds": [environment],
            "DestinationEnvironmentId": environment,
        },
    }
    return shop.send("POST", "projecttriggers", body).status_code


def _visit(version: str, url: str) -> Visit:
    with enter(url) as shop:
        if version == CHAIN[0]:
            shop.post("environments", {"Name": "Development"})
            shop.project([bash("Say", "echo hello")], Description="made in 2018.8")
        project = shop.get("projects/all")[0]
        environment = shop.get("environments/all")[0]["Id"]
        release = shop.release(project, version)
        task = shop.finished(shop.deploy(release))
        answers: dict[str, httpx.Response] = {path: shop.send("GET", f"/api/{path}") for path in PATHS}
        project_path = f"projects/{project['Id']}"
        for path in (f"{project_path}/deploymentsettings", f"{project_path}/runbooks"):
            answers[path.replace(project["Id"], "P")] = shop.send("GET", f"/api/{path}")
        if version >= "2025":
            tenant = shop.send("POST", "tenants", {"Name": f"Tenant {version}"})
            answers["tenants/T/commonvariables"] = shop.send("GET", f"tenants/{tenant.json()['Id']}/commonvariables")
        else:
            answers["tenants/T/commonvariables"] = shop.send("GET", "tenants/Tenants-1/commonvariables")
        return Visit(
            version,
            shop.get("/api"),
            {path: answer.status_code for path, answer in answers.items()},
            {path: answer.json() for path, answer in answers.items() if answer.status_code == 200},
            [item["Name"] for item in shop.get("projects/all")],
            task["State"],
            {kind: _trigger(shop, project, environment, kind) for kind in ("DailySchedule", "OnceDailySchedule")},
            project["Links"],
        )


@pytest.fixture(scope="session")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Visit]]:
    """The visit to a version; the journey goes no further than it was asked for."""
    folder = tmp_path_factory.mktemp("chain")
    made: dict[str, Visit] = {}
    with server_process(folder, ["-m", "standins.sqlserver"]) as database:
        connection = connection_string(database.address, "Chain")

        def visit(version: str) -> Visit:
            for step in CHAIN[: CHAIN.index(version) + 1]:
                if step not in made:
                    with octopus_process(step, connection, folder / "octopus") as server:
                        made[step] = _visit(step, server.url)
            return made[version]

        yield visit
