"""Backing up the main instance."""

from __future__ import annotations

from pytest_bdd import then, when

from fixtures.plugins.run import Run
from tidegate.octopus.client import OctopusClient
from tidegate.octopus.maintenance import in_maintenance_mode
from tidegate.rehearsal.folders import differences
from tidegate.rehearsal.instances import BackupSet
from tidegate.rehearsal.maintenance import open_writes
from tidegate.rehearsal.recovery import WRITES


@when("the main instance is backed up")
def _(backup_set: BackupSet) -> None:
    assert backup_set.database.size > 0


@then("its database was restored from the backup, found consistent and complete")
def _(backup_set: BackupSet) -> None:
    assert sum(backup_set.database.row_counts.values()) > 0, "no row was counted in the restored database"


@then("the packages, artifacts and task logs of the main instance are in the backup set")
def _(backup_set: BackupSet) -> None:
    assert {"packages", "artifacts", "task-logs"} <= set(backup_set.manifests)


@then("every copied file has the content it had on the main instance")
def _(backup_set: BackupSet) -> None:
    wrong = {name: differences(backup_set.folder / name, files) for name, files in backup_set.manifests.items()}
    assert not any(wrong.values()), wrong


@then("the master key was proven on a secret of that database")
def _(backup_set: BackupSet) -> None:
    assert backup_set.key_proof


@then("the main instance is not in maintenance mode")
def _(main_client: OctopusClient) -> None:
    assert not in_maintenance_mode(main_client)


@then("everything that was done to the main instance has been undone")
def _(run: Run) -> None:
    assert open_writes(run.folder / WRITES) == []
