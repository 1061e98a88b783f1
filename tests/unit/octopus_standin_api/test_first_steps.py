"""The first resources, end to end over the in-memory store."""

from __future__ import annotations

from tests.unit.octopus_standin_api.conftest import Client


def test_root_needs_no_credentials(any_version: Client) -> None:
    any_version.key = None

    root = any_version.get("/api")

    assert root["Application"] == "Octopus Deploy"
    assert root["Version"] == str(any_version.store.version)
    assert ("Spaces" in root["Links"]) == (any_version.store.version.major >= 2019)


def test_an_environment_lives(any_version: Client) -> None:
    created = any_version.post("/api/environments", {"name": "Test", "description": "x"})
    assert created["Name"] == "Test"
    listed = any_version.get("/api/environments")
    assert [item["Id"] for item in listed["Items"]] == [created["Id"]]
    assert any_version.get(created["Links"]["Self"]) == created
    changed = any_version.put(created["Links"]["Self"], {**created, "Name": "Test 2"})
    assert changed["Name"] == "Test 2"
    assert any_version.send("DELETE", created["Links"]["Self"]).status == 200
    assert any_version.send("GET", created["Links"]["Self"]).status == 404


def test_a_project_brings_its_companions(any_version: Client) -> None:
    project = any_version.post(
        "/api/projects", {"Name": "My Shop", "ProjectGroupId": "ProjectGroups-1", "LifecycleId": "Lifecycles-1"}
    )
    assert project["Slug"] == "my-shop"
    assert any_version.get("/api/projects/my-shop")["Id"] == project["Id"]
    assert any_version.get(project["Links"]["Variables"])["Variables"] == []
    assert any_version.get(project["Links"]["DeploymentProcess"])["Steps"] == []
    channels = any_version.get(f"/api/projects/{project['Id']}/channels")
    assert [channel["Name"] for channel in channels["Items"]] == ["Default"]


def test_a_secret_never_comes_back(any_version: Client) -> None:
    project = any_version.post(
        "/api/projects", {"Name": "My Shop", "ProjectGroupId": "ProjectGroups-1", "LifecycleId": "Lifecycles-1"}
    )
    variables = any_version.get(project["Links"]["Variables"])
    variables["Variables"].append({"Name": "Password", "Type": "Sensitive", "Value": "hunter2"})
    saved = any_version.put(project["Links"]["Variables"], variables)
    assert saved["Variables"][0]["Value"] is None
    again = any_version.put(project["Links"]["Variables"], saved)
    stored = any_version.store.documents["VariableSet"][project["VariableSetId"]]
    assert stored["Variables"][0]["Value"] == "aHVudGVyMg==|aXY="
    assert again["Version"] == 2
    assert any_version.refused("PUT", project["Links"]["Variables"], saved)[0] == 400


def test_me(any_version: Client) -> None:
    me = any_version.get("/api/users/me")
    assert me["IsRequestor"] is True
    any_version.key = None
    assert any_version.refused("GET", "/api/users/me")[0] == 401
