"""Projects as files: exported from one server, imported into another and into another space."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.support.octopus_sample import load_sample
from tests.wire.octopus.behaviour.conftest import Filled
from tests.wire.octopus.behaviour.workshop import Json, Workshop, enter, refused

VERSION = "2021.1.7500"
PASSWORD = {"HasValue": True, "NewValue": "open sesame"}
CHOSEN = ("Release train", "Tenant portal", "Payments")


@pytest.fixture(scope="module")
def source_facts(
    serve: Callable[[str, str], Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workshop, Json]]:
    with serve(VERSION, "Exporting") as server:
        facts = load_sample(server.url, tmp_path_factory.mktemp("sample") / "sample.json")
        with enter(server.url) as workshop:
            yield workshop, facts


@pytest.fixture(scope="module")
def source(source_facts: tuple[Workshop, Json]) -> Workshop:
    return source_facts[0]


@pytest.fixture(scope="module")
def target(serve: Callable[[str, str], Any]) -> Iterator[Workshop]:
    with serve(VERSION, "Importing") as server, enter(server.url) as workshop:
        yield workshop


@pytest.fixture(scope="module")
def exported(source: Workshop) -> tuple[str, bytes]:
    """The task and the file of an export of the chosen projects."""
    return export(source, CHOSEN)


@pytest.fixture(scope="module")
def imported(target: Workshop, exported: tuple[str, bytes]) -> Json:
    """The finished task of the import into the fresh server."""
    return import_file(target, exported[1])


def export(shop: Workshop, names: tuple[str, ...]) -> tuple[str, bytes]:
    body = {"IncludedProjectIds": [shop.named("projects", name)["Id"] for name in names], "Password": PASSWORD}
    task = shop.post("projects/import-export/export", body)
    assert shop.finished(task)["State"] == "Success", shop.log(task)
    (artifact,) = shop.get(f"artifacts?regarding={task['TaskId']}")["Items"]
    assert artifact["Filename"].startswith("Octopus-Export-")
    assert artifact["Filename"].endswith(".zip")
    return task["TaskId"], shop.send("GET", artifact["Links"]["Content"]).content


def import_file(shop: Workshop, content: bytes, password: Json = PASSWORD, route: str = "import") -> Json:
    files = {"fileData": ("Octopus-Export-1.zip", content)}
    uploaded = shop.http.post(shop.path("projects/import-export/import-files"), files=files)
    assert uploaded.is_success, uploaded.text
    return start(shop, {"Type": "upload", "UploadedFileId": "Octopus-Export-1.zip"}, password, route)


def start(shop: Workshop, source: Json, password: Json = PASSWORD, route: str = "import") -> Json:
    task = shop.post(f"projects/import-export/{route}", {"ImportSource": source, "Password": password})
    return shop.finished(task)


def counts(shop: Workshop) -> dict[str, int]:
    kinds = ("projects", "environments", "lifecycles", "tenants", "libraryvariablesets", "channels", "releases")
    return {kind: shop.get(kind)["TotalResults"] for kind in kinds}


def test_the_file_shows_no_secret_and_names_its_documents(
    source_facts: tuple[Workshop, Json], exported: tuple[str, bytes]
) -> None:
    secrets = list(source_facts[1]["Secrets"].values())
    with zipfile.ZipFile(io.BytesIO(exported[1])) as archive:
        names = {name.partition("/")[0] for name in archive.namelist()}
        whole = b"".join(archive.read(name) for name in archive.namelist())

    assert {"Project", "VariableSet", "DeploymentProcess", "Channel", "Release", "Tenant", "Lifecycle"} <= names
    assert not names & {"Machine", "Worker", "User", "Deployment", "Event", "ProjectTrigger", "NuGetPackage"}
    assert len(secrets) > 5
    assert not [secret for secret in secrets if secret.encode() in whole]


def test_projects_arrive_with_what_they_refer_to(source: Workshop, target: Workshop, imported: Json) -> None:
    assert imported["State"] == "Success", target.log({"TaskId": imported["Id"]})
    assert imported["Description"] == "Project import"
    names = {project["Name"] for project in target.get("projects/all")}
    portal, there = (shop.named("projects", "Tenant portal") for shop in (source, target))
    tenants = {tenant["Name"]: tenant for tenant in target.get("tenants/all")}

    assert names == {*CHOSEN, "Canary"}  # the train deploys a release of the canary
    assert len(tenants) == 6
    assert all(list(tenant["ProjectEnvironments"]) == [there["Id"]] for tenant in tenants.values())
    assert {tag for tenant in tenants.values() for tag in tenant["TenantTags"]} >= {"Ring/Alpha", "Region/Europe"}
    assert _shape(source, portal) == _shape(target, there)
    assert not target.get("machines/all")
    assert not target.get(f"projects/{there['Id']}/triggers")["Items"]


def _shape(shop: Workshop, project: Json) -> Json:
    """What must not depend on ids: names of variables and steps, of the lifecycle and the library sets, of releases."""
    variables = shop.get(f"variables/{project['VariableSetId']}")["Variables"]
    process = shop.get(f"deploymentprocesses/{project['DeploymentProcessId']}")
    libraries = {item["Id"]: item["Name"] for item in shop.get("libraryvariablesets/all")}
    return {
        "Variables": sorted((item["Name"], item["Type"], sorted(item["Scope"])) for item in variables),
        "Steps": [step["Name"] for step in process["Steps"]],
        "Lifecycle": shop.get(f"lifecycles/{project['LifecycleId']}")["Name"],
        "Libraries": [libraries[item] for item in project["IncludedLibraryVariableSetIds"]],
        "Releases": sorted(item["Version"] for item in shop.get(f"projects/{project['Id']}/releases")["Items"]),
    }


def test_secrets_work_on_the_other_server(source: Workshop, target: Workshop, imported: Json) -> None:
    """The canary's log shows digests of its secrets; they are those of the source, under another master key."""
    assert imported["State"] == "Success"
    digests: list[list[str]] = []
    for shop in (source, target):
        release = shop.release(shop.named("projects", "Canary"), "77.0.0")
        deployment = shop.deploy(release)
        assert shop.finished(deployment)["State"] == "Success", shop.log(deployment)
        digests.append(sorted(line for line in shop.lines(deployment) if line.startswith(("Canary.", "Database."))))

    assert len(digests[0]) == 4
    assert digests[0] == digests[1]


def test_a_release_that_came_along_can_be_deployed(target: Workshop, imported: Json) -> None:
    assert imported["State"] == "Success"
    canary = target.named("projects", "Canary")
    release = target.get(f"projects/{canary['Id']}/releases")["Items"][-1]

    deployment = target.deploy(release)

    assert target.finished(deployment)["State"] == "Success", target.log(deployment)


def test_a_second_import_changes_nothing(target: Workshop, exported: tuple[str, bytes], imported: Json) -> None:
    assert imported["State"] == "Success"
    before = counts(target)

    again = import_file(target, exported[1])

    assert again["State"] == "Success"
    assert again["HasWarningsOrErrors"]
    assert counts(target) == before


def test_a_preview_writes_nothing(source: Workshop, target: Workshop) -> None:
    before = counts(target)
    _, content = export(source, ("Storefront",))

    task = import_file(target, content, route="import/preview")

    assert task["State"] == "Success", target.log({"TaskId": task["Id"]})
    assert any("Creating the project 'Storefront'" in line for line in target.lines({"TaskId": task["Id"]}))
    assert counts(target) == before


def test_another_space_takes_the_export_of_a_task(source: Workshop, exported: tuple[str, bytes]) -> None:
    me = source.get("/api/users/me")["Id"]
    space = source.post("/api/spaces", {"Name": "Moved", "SpaceManagersTeamMembers": [me], "TaskQueueStopped": False})
    moved = replace(source, space=space["Id"])

    task = start(moved, {"Type": "space", "SpaceId": source.space, "TaskId": exported[0]})

    assert task["State"] == "Success", moved.log({"TaskId": task["Id"]})
    assert _shape(source, source.named("projects", "Tenant portal")) == _shape(
        moved, moved.named("projects", "Tenant portal")
    )


def test_a_wrong_password_and_a_file_that_is_none_fail_the_task(target: Workshop, exported: tuple[str, bytes]) -> None:
    wrong = import_file(target, exported[1], {"HasValue": True, "NewValue": "open barley"})
    junk = import_file(target, b"not a zip")

    assert (wrong["State"], junk["State"]) == ("Failed", "Failed")
    assert "password" in wrong["ErrorMessage"]
    assert "not an export" in junk["ErrorMessage"]


def test_requests_that_cannot_be_done_are_refused(source: Workshop) -> None:
    project = source.named("projects", "Canary")["Id"]
    route = "projects/import-export/export"

    assert "password" in refused(source.send("POST", route, {"IncludedProjectIds": [project]}))
    assert "at least one" in refused(source.send("POST", route, {"IncludedProjectIds": [], "Password": PASSWORD}))
    refused(source.send("POST", route, {"IncludedProjectIds": ["Projects-9999"], "Password": PASSWORD}), 404)
    imports = {"ImportSource": {"Type": "upload", "UploadedFileId": "../../secret"}, "Password": PASSWORD}
    assert "was uploaded" in refused(source.send("POST", "projects/import-export/import", imports))


def test_only_a_space_manager_may(source_facts: tuple[Workshop, Json]) -> None:
    source, facts = source_facts
    project = source.named("projects", "Canary")["Id"]
    body = {"IncludedProjectIds": [project], "Password": PASSWORD}
    answers: dict[str, int] = {}
    for user in facts["Users"]:
        with httpx.Client(base_url=source.http.base_url, headers={"X-Octopus-ApiKey": user["ApiKey"]}) as http:
            answers[user["Username"]] = http.post(source.path("projects/import-export/export"), json=body).status_code

    assert set(answers.values()) == {403}  # leads, deployers, tenant managers …: none of them manages the space
    assert len(answers) == 8


def test_before_2021_1_there_is_no_such_route(filled: Filled) -> None:
    with enter(filled.server.url) as shop:
        body = {"IncludedProjectIds": ["Projects-1"], "Password": PASSWORD}
        assert shop.send("POST", "projects/import-export/export", body).status_code == 404
