"""The sample fills servers of every version through the public API, and what it leaves there is real."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.wire.octopus.behaviour.conftest import Filled, load_sample
from tests.wire.octopus.behaviour.workshop import Workshop, enter

OTHERS = ("2018.12.1", "2019.1.0", "2019.13.5", "2021.1.7500")


def check(shop: Workshop, facts: dict[str, Any]) -> None:
    counts = facts["Counts"]
    assert counts["projects"] >= 24
    assert counts["projectgroups"] >= 5
    assert counts["releases"] >= 24
    assert counts["tenants"] >= 5
    assert counts["certificates"] >= 3
    assert counts["projecttriggers"] >= 4
    assert counts["subscriptions"] >= 2
    assert len(facts["Users"]) >= 6
    kinds = {
        action["ActionType"]
        for process in shop.get("deploymentprocesses?take=200")["Items"]
        for step in process["Steps"]
        for action in step["Actions"]
    }
    assert len(kinds) >= 12
    for user in facts["Users"]:
        with enter(str(shop.http.base_url), user["ApiKey"]) as own:
            assert own.get("/api/users/me")["Username"] == user["Username"]
    _check_canaries(shop, facts)
    _check_files(shop)
    waiting = shop.get(f"interruptions/{facts['WaitingInterruption']['Id']}")
    assert waiting["IsPending"]
    assert shop.get(f"/api/tasks/{facts['WaitingInterruption']['TaskId']}")["HasPendingInterruptions"]


def _check_canaries(shop: Workshop, facts: dict[str, Any]) -> None:
    """The deployed canary project printed the digests of exactly the secrets the loader knows."""
    deployments = shop.get(f"deployments?projects={facts['CanaryProjectId']}&take=50")["Items"]
    printed = " ".join(shop.log(deployment) for deployment in deployments)
    assert len(facts["Canaries"]) >= 4
    for canary in facts["Canaries"]:
        assert f"{canary['Name']} {canary['Sha256']}" in printed
        secret = next(
            value
            for value in facts["Secrets"].values()
            if hashlib.sha256(value.encode()).hexdigest() == canary["Sha256"]
        )
        assert secret not in printed


def _check_files(shop: Workshop) -> None:
    project = shop.named("projects", "Storefront")
    picture = shop.send("GET", project["Links"]["Logo"]).content
    assert picture.startswith(b"\x89PNG")
    packages = shop.get("packages?take=100")["Items"]
    first = shop.send("GET", packages[0]["Links"]["Raw"]).content
    assert hashlib.sha1(first, usedforsecurity=False).hexdigest() == packages[0]["Hash"]
    assert len(first) == packages[0]["PackageSizeBytes"]
    for artifact in shop.get("artifacts?take=100")["Items"]:
        assert shop.send("GET", artifact["Links"]["Content"]).status_code == 200


def test_the_shared_server_is_filled(filled: Filled, shop: Workshop) -> None:
    check(shop, filled.facts)


@pytest.mark.parametrize("version", OTHERS)
def test_every_version_can_be_filled(
    version: str, serve: Callable[[str, str], Any], filled: Filled, tmp_path: Path
) -> None:
    with serve(version, f"Sample{version.replace('.', '')}") as server:
        facts = load_sample(server.url, tmp_path / "sample.json")
        with enter(server.url) as shop:
            check(shop, facts)

    assert facts["Secrets"] == filled.facts["Secrets"], "the same seed gives the same secrets everywhere"
    ours = {(canary["Name"], canary["Environment"], canary["Sha256"]) for canary in facts["Canaries"]}
    assert ours == {(canary["Name"], canary["Environment"], canary["Sha256"]) for canary in filled.facts["Canaries"]}
    assert (tmp_path / "sample.json").stat().st_mode & 0o777 == 0o600


def test_a_waiting_deployment_goes_on_after_an_upgrade(serve: Callable[[str, str], Any], tmp_path: Path) -> None:
    with serve("2019.13.5", "Waiting") as server:
        facts = load_sample(server.url, tmp_path / "sample.json")
    question = facts["WaitingInterruption"]
    with serve("2020.6.4671", "Waiting") as server, enter(server.url) as shop:
        shop.put(f"interruptions/{question['Id']}/responsible", {})
        shop.post(f"interruptions/{question['Id']}/submit", {"Result": "Proceed", "Notes": "after the upgrade"})

        task = shop.finished({"TaskId": question["TaskId"]})

        log = shop.log({"TaskId": question["TaskId"]})
        check_before = shop.get(f"deployments?projects={facts['CanaryProjectId']}")["Items"]
        again = shop.deploy({"Id": check_before[0]["ReleaseId"]})
        shop.finished(again)
        assert all(
            f"{canary['Name']} {canary['Sha256']}" in shop.log(again)
            for canary in facts["Canaries"]
            if canary["Environment"] in {None, "Development"}
        )
    assert task["State"] == "Success"
    assert "Waiting for manual intervention" in log
    assert "Notes: after the upgrade" in log
    assert "Payments deployed" in log
