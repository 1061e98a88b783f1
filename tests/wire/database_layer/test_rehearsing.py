"""Backup set and clone on real databases and folders, with a small server in front of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.wire.database_layer.rehearsal_scene import Scene, nothing
from tests.wire.database_layer.scene import CANARY, KEY, MAIN_ID
from tests.wire.rehearsal.small_octopus import API_KEY
from tidegate.errors import (
    HarnessError,
    MainInstanceProtected,
    ProvisioningFailed,
    Refused,
    SettingsError,
)
from tidegate.rehearsal.backup_set import DESCRIPTION, take_backup_set
from tidegate.rehearsal.clone import remove_test_instance
from tidegate.rehearsal.folders import differences
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.rehearsal.main import describe_main
from tidegate.secrets import Secret
from tidegate.settings.model import BackupFolderSettings, DatabaseSettings, FolderSettings, MainSettings
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.versions import Version

# ------------------------------------------------------------------ the main instance


def settings_of(scene: Scene) -> MainSettings:
    address, folders = scene.main.database.server, scene.main.folders
    return MainSettings(
        url=scene.main.url,
        api_key=scene.main.api_key,
        master_key=scene.main.master_key,
        database=DatabaseSettings(
            server=address.server,
            name=scene.main.database.name,
            user=address.user,
            password=address.password,
            trust_server_certificate=True,
        ),
        folders=FolderSettings(packages=folders.packages, artifacts=folders.artifacts, task_logs=folders.task_logs),
        backup_folder=BackupFolderSettings(on_server=scene.main.backup_folder.on_server),
    )


def test_the_main_instance_describes_itself(scene: Scene) -> None:
    described = describe_main(settings_of(scene))

    assert described.version == Version(2018, 12, 1)
    assert described.identity == scene.main.identity
    assert scene.main_api.history == []


def test_an_url_and_a_database_of_different_instances_are_refused(scene: Scene) -> None:
    scene.main_api.installation_id = "another-id"

    with pytest.raises(Refused, match="its database says"):
        describe_main(settings_of(scene))


def test_folders_that_cannot_be_read_are_named(scene: Scene) -> None:
    gone = settings_of(scene).model_copy(
        update={"folders": FolderSettings(packages=Path("/nowhere/p"), artifacts=Path("/"), task_logs=Path("/"))}
    )

    with pytest.raises(SettingsError, match=r"packages \(/nowhere/p\)"):
        describe_main(gone)


# ------------------------------------------------------------------ backup set


def test_a_backup_set_holds_everything_a_rollback_needs(scene: Scene) -> None:
    before = scene.databases()

    backup_set = scene.back_up()

    assert backup_set.version == scene.main.version
    assert backup_set.database.row_counts["dbo.Project"] == 1
    assert backup_set.database.file.here.is_file()
    assert set(backup_set.manifests) == {"packages", "artifacts", "task-logs"}
    assert differences(backup_set.folder / "packages", backup_set.manifests["packages"]) == []
    assert "2 of 2" in backup_set.key_proof
    assert scene.main_api.history == [True, False]
    assert scene.databases() == before


def test_the_description_of_the_set_names_secrets_and_shows_none(scene: Scene) -> None:
    backup_set = scene.back_up()

    text = (backup_set.folder / DESCRIPTION).read_text(encoding="utf-8")

    assert json.loads(text)["database"]["sha256"] == backup_set.database.sha256
    assert "the main instance's master key" in text
    for secret in (KEY, API_KEY, CANARY, scene.main.database.server.password.reveal()):
        assert secret not in text
        assert secret not in repr(backup_set)


def test_a_wrong_master_key_is_refused_before_anything_happens(scene: Scene) -> None:
    wrong = Secret.generated("a wrong key", base64.b64encode(b"sixteen wrong by").decode())
    backups = set(scene.host.sql_server.backups.here.iterdir())

    with pytest.raises(Refused, match="not the key of this database"):
        take_backup_set(
            replace(scene.main, master_key=wrong), scene.writes, scene.folder / "set", nothing, verify_on=None
        )

    assert scene.main_api.history == []
    assert set(scene.host.sql_server.backups.here.iterdir()) == backups


def test_a_failure_during_the_backup_ends_maintenance_mode(scene: Scene) -> None:
    unreadable = replace(scene.main.folders, artifacts=scene.folder / "main" / "packages" / "Spaces-1" / "packages.bin")
    main = replace(
        scene.main, folders=unreadable, backup_folder=replace(scene.main.backup_folder, here=Path("/nowhere"))
    )

    with pytest.raises(HarnessError):
        take_backup_set(main, scene.writes, scene.folder / "set", nothing)

    assert scene.main_api.history == [True, False]


def test_without_another_server_the_scratch_copy_lives_on_the_main_instance_s(scene: Scene) -> None:
    before = scene.databases()

    take_backup_set(scene.main, scene.writes, scene.folder / "set", nothing)

    assert scene.databases() == before
    journal = (scene.folder / "writes.jsonl").read_text(encoding="utf-8")
    assert "scratch-database" in journal


# ------------------------------------------------------------------ clone


def test_a_clone_is_made_in_the_safe_order(scene: Scene) -> None:
    clone = scene.clone(scene.back_up())

    assert scene.host.calls == [
        "install 2018.12.1",
        "configure",
        "path --nugetRepository=ROOT/packages --artifacts=ROOT/artifacts --taskLogs=ROOT/logs",
        "node --taskCap=0",
        "start",
    ]
    assert scene.host.harmless_at_start
    assert clone.identity.installation_id not in {"", MAIN_ID}
    assert clone.version == Version(2018, 12, 1)
    assert OwnedDatabase.parse(clone.database.name) is not None
    assert (clone.folders.task_logs / "Spaces-1" / "task-logs.bin").read_bytes() == b"task-logs"
    assert [node["MaxConcurrentTasks"] for node in scene.clone_api.nodes] == [5]


def test_a_clone_leaves_the_maintenance_mode_that_its_backup_was_taken_in(scene: Scene) -> None:
    scene.clone(scene.back_up())

    assert scene.clone_api.history == [False]
    assert not scene.clone_api.maintenance


def test_the_main_instance_is_as_it_was(scene: Scene) -> None:
    scene.clone(scene.back_up())

    with SqlServer(scene.main.database.server, scene.main.database.name) as server:
        assert server.value("SELECT COUNT(*) FROM dbo.OctopusServerNode") == 1
        assert server.value("SELECT COUNT(*) FROM dbo.ProjectTrigger WHERE IsDisabled = 0") == 1
        assert server.value("SELECT State FROM dbo.ServerTask") == "Queued"
    assert scene.main_api.history == [True, False]


def test_a_clone_is_removed_with_its_database(scene: Scene) -> None:
    before = scene.databases()
    clone = scene.clone(scene.back_up())

    remove_test_instance(clone, scene.main, scene.host)

    assert scene.databases() == before
    assert scene.host.calls[-2:] == ["stop", "remove"]


def test_the_main_instance_cannot_be_removed_by_mistake(scene: Scene) -> None:
    clone = scene.clone(scene.back_up())
    disguised = replace(clone, database=scene.main.database, identity=scene.main.identity)

    with pytest.raises(MainInstanceProtected):
        remove_test_instance(disguised, scene.main, scene.host)

    assert scene.main.database.name in scene.databases()


def test_nothing_is_made_for_a_clone_whose_folders_lie_in_those_of_the_main_instance(scene: Scene) -> None:
    backup_set = scene.back_up()
    before, files = scene.databases(), sorted(scene.main.folders.packages.rglob("*"))
    elsewhere = scene.folder / "elsewhere"
    elsewhere.symlink_to(scene.main.folders.packages)
    scene.host.root = elsewhere

    with pytest.raises(MainInstanceProtected):
        scene.clone(backup_set)

    assert scene.databases() == before
    assert scene.host.calls == []
    assert sorted(scene.main.folders.packages.rglob("*")) == files


def test_a_backup_that_changed_since_it_was_verified_is_not_used(scene: Scene) -> None:
    backup_set = scene.back_up()
    before = scene.databases()
    with backup_set.database.file.here.open("ab") as stream:
        stream.write(b"!")

    with pytest.raises(ProvisioningFailed, match="digest changed"):
        scene.clone(backup_set)

    assert scene.databases() == before
    assert scene.host.calls == []


def _wrong_version(scene: Scene) -> None:
    def start(_: DatabaseAddress) -> None:
        scene.clone_api.version = "2018.12.0"

    scene.host.on_start = start


def _other_folders(scene: Scene) -> None:
    def start(_: DatabaseAddress) -> None:
        scene.clone_api.folders["LogsDirectory"] = "/main/TaskLogs"

    scene.host.on_start = start


def _stranger(scene: Scene) -> None:
    scene.clone_api.nodes = [{"Id": "OctopusServerNodes-MAIN", "Name": "MAIN", "MaxConcurrentTasks": 5}]


def _other_identity(scene: Scene) -> None:
    scene.clone_api.installation_id = "somebody-else"


def _bad_command(scene: Scene) -> None:
    scene.host.exit_codes["node"] = 1


def _trigger_comes_back(scene: Scene) -> None:
    def start(database: DatabaseAddress) -> None:
        with SqlServer(database.server, database.name) as server:
            server.execute("UPDATE dbo.ProjectTrigger SET IsDisabled = 0")

    scene.host.on_start = start


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (_wrong_version, "expected 2018.12.1"),
        (_other_folders, "task-logs: /main/TaskLogs"),
        (_stranger, "nodes besides its own: MAIN"),
        (_other_identity, "calls itself somebody-else"),
        (_bad_command, "`Octopus.Server node` ended with exit code 1"),
        (_trigger_comes_back, "project triggers are disabled"),
    ],
)
def test_a_clone_that_is_not_what_was_meant_is_not_handed_out(
    scene: Scene, trouble: Callable[[Scene], None], message: str
) -> None:
    backup_set = scene.back_up()
    before = scene.databases()
    trouble(scene)

    with pytest.raises(HarnessError, match=message):
        scene.clone(backup_set)

    assert scene.databases() == before
    assert scene.host.calls[-1] == "stop"


def test_a_clone_that_answers_as_the_main_instance_is_left_at_once(scene: Scene) -> None:
    backup_set = scene.back_up()
    scene.clone_api.installation_id = MAIN_ID

    with pytest.raises(MainInstanceProtected):
        scene.clone(backup_set)

    assert scene.clone_api.history == []
