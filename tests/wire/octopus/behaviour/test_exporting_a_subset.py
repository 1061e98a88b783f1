"""Projects exported by the migration API of a main instance, which is afterwards as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.main_instance import main_instance
from tests.support.octopus_server import ADMIN_KEY
from tests.wire.octopus.behaviour.conftest import Filled
from tests.wire.octopus.behaviour.workshop import Workshop
from tidegate.errors import HarnessError
from tidegate.octopus.client import Access, OctopusClient
from tidegate.octopus.maintenance import set_maintenance_mode
from tidegate.octopus.migration import MigrationPackage, end_migrations, export_migration
from tidegate.rehearsal.instances import MainInstance
from tidegate.rehearsal.maintenance import MainWrites, recover, unfinished_writes
from tidegate.rehearsal.subset import export_subset
from tidegate.secrets import Secret
from tidegate.versions import Version

PASSWORD = Secret.generated("the password of a test's export", "open-sesame-92")


@pytest.fixture
def main(filled: Filled, tmp_path: Path) -> MainInstance:
    return main_instance(filled.server.url, ADMIN_KEY, Version(2020, 6, 4671), tmp_path)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "main-writes.jsonl"


@pytest.fixture
def client(main: MainInstance) -> Iterator[OctopusClient]:
    with OctopusClient(main.url, main.api_key, access=Access.FULL) as client:
        yield client
        set_maintenance_mode(client, False)


def state(shop: Workshop) -> tuple[bool, list[str]]:
    """Maintenance mode, and packages of subsets."""
    mode = bool(shop.get("/api/maintenanceconfiguration")["IsInMaintenanceMode"])
    return mode, [one["Version"] for one in shop.get("packages?nuGetPackageId=Tidegate.Subset")["Items"]]


def test_the_package_comes_and_the_main_instance_is_as_before(
    main: MainInstance, journal: Path, shop: Workshop
) -> None:
    told: list[str] = []

    [export] = export_subset(main, MainWrites(journal, main), ["Storefront"], told.append)

    assert export.package is not None
    assert len(export.content) > 1000
    assert state(shop) == (False, [])
    assert "the main instance is in maintenance mode while it exports" in told
    assert unfinished_writes(journal) == []
    assert '"write": "migration-export"' in journal.read_text(encoding="utf-8")


def test_a_failed_export_says_so_and_leaves_nothing(main: MainInstance, journal: Path, shop: Workshop) -> None:
    package = MigrationPackage.fresh()

    with (
        pytest.raises(HarnessError, match="ended as Failed: Could not find the projects Nobody"),
        MainWrites(journal, main).migration_export("Spaces-1", package) as (client, started),
    ):
        export_migration(client, "Spaces-1", ["Nobody"], package, PASSWORD, started)

    assert state(shop) == (False, [])


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("before", ["on", "off"])
def test_what_a_dead_run_left_is_undone(  # noqa: PLR0917 - two of them are the cases
    main: MainInstance, journal: Path, shop: Workshop, client: OctopusClient, known: bool, before: str
) -> None:
    """A package, and a server whose task died in maintenance mode, whether or not the run heard of its task."""
    package = MigrationPackage.fresh()
    tasks: list[str] = []
    export_migration(client, "Spaces-1", ["Storefront"], package, PASSWORD, tasks.append)
    set_maintenance_mode(client, before == "off")
    assert state(shop)[1] == [package.version]
    intent = {"kind": "intent", "number": 1, "write": "migration-export", "at": "now", "url": main.url}
    intent |= {"space": "Spaces-1", "package": package.id, "version": package.version, "maintenance": before}
    told: list[dict[str, Any]] = [intent, *({"kind": "task", "number": 1, "task": one} for one in tasks if known)]
    journal.write_text("\n".join(json.dumps(line) for line in told), encoding="utf-8")

    [sentence] = recover(journal, main)

    assert package.file in sentence
    assert state(shop) == (before == "on", [])
    assert unfinished_writes(journal) == []


def test_an_export_that_still_runs_is_ended_before_anything_is_undone(shop: Workshop, client: OctopusClient) -> None:
    """The run died before it heard of the task: it is found by the package it names."""
    package = MigrationPackage.fresh()
    request = {"PackageId": package.id, "PackageVersion": package.version, "Password": "secret-word"}
    more = {"IgnoreMachines": True, "IgnoreDeployments": True, "SpaceId": "Spaces-1"}
    node = next(iter(shop.get("/api/octopusservernodes")["Items"]))
    shop.put(node["Links"]["Self"], {**node, "IsInMaintenanceMode": True})  # it takes no tasks: this one stays queued
    try:
        task = shop.post("/api/migrations/partialexport", {**request, **more, "Projects": ["Storefront"]})["TaskId"]

        end_migrations(client, [], package)

        assert shop.get(f"/api/tasks/{task}")["State"] == "Canceled"
    finally:
        shop.put(node["Links"]["Self"], {**node, "IsInMaintenanceMode": False})
    assert state(shop) == (False, [])
