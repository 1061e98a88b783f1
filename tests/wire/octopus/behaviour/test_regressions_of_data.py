"""Each seeded regression of the data really shows after an upgrade, where the issue says it does, and not without it.

One instance is filled and upgraded for all of them: each touches other rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.octopus.behaviour.regressed import (
    Serve,
    Upgraded,
    auditor,
    look,
    process_of,
    upgraded,
    with_values,
)
from tests.wire.octopus.behaviour.test_packages import run_task
from tests.wire.octopus.behaviour.workshop import Workshop, refused


def test_without_regressions_the_upgrade_changes_none_of_it(serve: Serve, tmp_path: Path) -> None:
    with upgraded(serve, tmp_path, "") as instance:
        shop = instance.shop
        after = look(shop)

        assert after["triggers"] == instance.before["triggers"]
        assert with_values(after["tenant"]) == with_values(instance.before["tenant"])
        assert after["docker"]["Steps"] == instance.before["docker"]["Steps"]
        shop.put(f"/api/userroles/{auditor(shop)['Id']}", auditor(shop))
        question = instance.facts["WaitingInterruption"]["Id"]
        shop.put(f"interruptions/{question}/responsible", {})
        shop.post(f"interruptions/{question}/submit", {"Result": "Proceed"})


@pytest.fixture(scope="module")
def changed_data_instance(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    numbers = "12,23,41,50,57,66,80,101,122,133"
    with upgraded(serve, tmp_path_factory.mktemp("data"), numbers) as instance:
        yield instance


@pytest.fixture(scope="module")
def changed_data(changed_data_instance: Upgraded) -> Workshop:
    return changed_data_instance.shop


def test_12_feed_ids_become_objects(changed_data: Workshop) -> None:
    package = process_of(changed_data, "Storefront")["Steps"][1]["Actions"][0]["Packages"][0]

    assert not isinstance(package["FeedId"], str)


def test_50_a_migrated_role_cannot_be_saved(changed_data: Workshop) -> None:
    role = auditor(changed_data)

    assert "ReleaseView" in role["GrantedSystemPermissions"]
    assert changed_data.send("PUT", f"/api/userroles/{role['Id']}", role).status_code == 400


def test_57_a_permission_moves_between_built_in_roles(changed_data: Workshop, changed_data_instance: Upgraded) -> None:
    roles = {role["Name"]: role["GrantedSpacePermissions"] for role in changed_data.get("/api/userroles/all")}
    before = {name: role["GrantedSpacePermissions"] for name, role in changed_data_instance.before["roles"].items()}

    assert "TenantView" in next(held for name, held in before.items() if name.lower() == "project deployer")
    assert "TenantView" not in next(held for name, held in roles.items() if name.lower() == "project deployer")
    assert "TenantView" in next(held for name, held in roles.items() if name.lower() == "environment viewer")


def test_66_secret_tenant_variables_are_gone(changed_data: Workshop, changed_data_instance: Upgraded) -> None:
    tenant = changed_data.get("tenants/all")[0]

    assert any(with_values(changed_data_instance.before["tenant"]))
    assert not any(with_values(changed_data.get(f"tenants/{tenant['Id']}/variables")))


def test_80_trigger_times_are_shifted(changed_data: Workshop, changed_data_instance: Upgraded) -> None:
    after = {
        item["Id"]: item["Filter"].get("StartTime") for item in changed_data.get("projecttriggers?take=100")["Items"]
    }

    moved = {key for key, time_ in after.items() if time_ and time_ != changed_data_instance.before["triggers"][key]}
    assert moved
    assert {after[key][11:16] for key in moved} == {"17:00"}


def test_122_the_releases_page_fails_on_a_missing_column(changed_data: Workshop) -> None:
    project = changed_data.named("projects", "Storefront")
    reply = changed_data.send("GET", f"projects/{project['Id']}/releases")

    assert "Invalid column name 'SpaceId'" in refused(reply, 500)
    assert changed_data.send("GET", "releases").status_code == 200


def test_23_indexes_vanish_and_the_integrity_check_says_so(changed_data: Workshop) -> None:
    assert run_task(changed_data, "SystemIntegrityCheck")["State"] == "Failed"


def test_41_another_node_is_there(changed_data: Workshop) -> None:
    nodes = changed_data.get("/api/octopusservernodes/summary")["Nodes"]

    assert "STRANGER" in {node["Name"] for node in nodes if not node["IsOffline"]}


def test_101_tentacles_have_no_address(changed_data: Workshop) -> None:
    machines = changed_data.get("machines/all")
    tentacles = [one for one in machines if "Tentacle" in one["Endpoint"]["CommunicationStyle"]]

    assert tentacles
    assert not any(one["Endpoint"].get("Uri") for one in tentacles)


def test_133_roles_hold_a_permission_nobody_knew(changed_data: Workshop) -> None:
    assert any("TelemetryView" in role["GrantedSystemPermissions"] for role in changed_data.get("/api/userroles/all"))
