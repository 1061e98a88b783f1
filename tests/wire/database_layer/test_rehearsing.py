"""Backup set, clone and upgrade on real databases and folders, with a small server in front of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.wire.database_layer.octopus_tables import put
from tests.wire.database_layer.scene import CANARY, KEY, MAIN_ID, SmallHost, main_instance
from tests.wire.rehearsal.small_octopus import API_KEY, SmallOctopus, small_octopus
from tidegate.errors import (
    HarnessError,
    MainInstanceProtected,
    ProvisioningFailed,
    Refused,
    SettingsError,
    UpgradeFailed,
)
from tidegate.providers.contract import CommandResult, SqlServerHost
from tidegate.rehearsal.backup_set import DESCRIPTION, take_backup_set
from tidegate.rehearsal.clone import clone_test_instance, remove_test_instance
from tidegate.rehearsal.folders import differences
from tidegate.rehearsal.instances import BackupSet, DatabaseAddress, MainInstance, TestInstance, UpgradedInstance
from tidegate.rehearsal.main import describe_main
from tidegate.rehearsal.maintenance import MainWrites
from tidegate.rehearsal.upgrade import rollback_file_name, upgrade_test_instance
from tidegate.secrets import Secret
from tidegate.settings.model import BackupFolderSettings, DatabaseSettings, FolderSettings, MainSettings
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.reaper import OwnedDatabase
from tidegate.sqlserver.restore import drop_database
from tidegate.versions import Version

TARGET = Version(2021, 1, 7500)


def nothing(_: str) -> None:
    """A report that nobody reads."""


@dataclass
class Scene:
    main_api: SmallOctopus
    clone_api: SmallOctopus
    main: MainInstance
    host: SmallHost
    folder: Path
    writes: MainWrites

    def back_up(self) -> BackupSet:
        return take_backup_set(self.main, self.writes, self.folder / "set", nothing, verify_on=self.host.sql_server)

    def clone(self, backup_set: BackupSet) -> TestInstance:
        return clone_test_instance(backup_set, self.main, self.host, nothing, run="test run")

    def upgrade(self, instance: TestInstance, report: Callable[[str], None] = nothing) -> UpgradedInstance:
        return upgrade_test_instance(
            instance, self.host, TARGET, report, main=self.main.identity, logs=self.folder / "logs-of-run"
        )

    def databases(self) -> set[str]:
        with SqlServer(self.host.sql_server.address) as server:
            return {str(name) for (name,) in server.rows("SELECT name FROM sys.databases")}


@pytest.fixture
def scene(host: SqlServerHost, main_database: str, tmp_path: Path) -> Iterator[Scene]:
    name = main_database
    with small_octopus() as main_api, small_octopus() as clone_api:
        main = main_instance(main_api, host, name, tmp_path / "main")
        test_host = SmallHost(host, clone_api, tmp_path / "clone")
        scene = Scene(main_api, clone_api, main, test_host, tmp_path, MainWrites(tmp_path / "writes.jsonl", main))
        before = scene.databases()
        yield scene
        with SqlServer(host.address) as server:
            for left in scene.databases() - before:
                if OwnedDatabase.parse(left):
                    drop_database(server, left)


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


# ------------------------------------------------------------------ upgrade


def ran(output: str = "Done.\n", *, exit_code: int = 0) -> CommandResult:
    return CommandResult("Octopus.Server database", exit_code, output, 0.2)


def good_upgrade(database: DatabaseAddress) -> CommandResult:
    with SqlServer(database.server, database.name) as server:
        server.execute("INSERT INTO dbo.SchemaVersions (ScriptName, Applied) VALUES ('Script0160', GETUTCDATE())")
    return ran()


def history(version: str) -> Callable[[DatabaseAddress], None]:
    def start(database: DatabaseAddress) -> None:
        with SqlServer(database.server, database.name) as server:
            put(server, "OctopusServerInstallationHistory", f"H-{version}", Node="CLONE", Version=version,
                Installed="2026-01-01T00:00:00+00:00")  # fmt: skip

    return start


@pytest.fixture
def clone(scene: Scene) -> TestInstance:
    made = scene.clone(scene.back_up())
    scene.host.calls.clear()
    scene.clone_api.history.clear()
    scene.host.on_start = history(str(TARGET))
    return made


def test_an_upgrade_follows_the_vendors_steps(scene: Scene, clone: TestInstance) -> None:
    scene.host.upgrades = [good_upgrade]

    upgraded = scene.upgrade(clone)

    assert scene.host.calls == [f"fetch {TARGET}", "stop", f"install {TARGET}", "database --upgrade", "start"]
    assert scene.clone_api.history == [True, False]
    assert upgraded.scripts == ("Script0160",)
    assert upgraded.from_version == clone.version
    assert upgraded.instance.version == TARGET
    assert [timing.step for timing in upgraded.timings] == [
        "stopping the server",
        "backing up the database",
        f"installing {TARGET}",
        "upgrading the database",
        f"starting {TARGET}",
    ]
    assert "Done." in upgraded.log.read_text(encoding="utf-8")
    assert (scene.host.sql_server.backups.here / rollback_file_name(clone, TARGET)).is_file()


def test_a_failed_upgrade_is_the_products_answer_and_its_server_is_not_started(
    scene: Scene, clone: TestInstance
) -> None:
    scene.host.upgrades = [lambda _: ran("FATAL Duplicate key PK_ProjectLibraryVariableSet", exit_code=100)]

    with pytest.raises(UpgradeFailed, match="PK_ProjectLibraryVariableSet"):
        scene.upgrade(clone)

    assert "start" not in scene.host.calls


def test_transient_trouble_is_tried_again_once(scene: Scene, clone: TestInstance) -> None:
    deadlock = ran("Transaction was chosen as the deadlock victim. Rerun the transaction.", exit_code=100)
    scene.host.upgrades = [lambda _: deadlock, good_upgrade]

    upgraded = scene.upgrade(clone)

    assert scene.host.calls.count("database --upgrade") == 2
    assert any("again" in timing.step for timing in upgraded.timings)


def test_transient_trouble_twice_is_a_failure(scene: Scene, clone: TestInstance) -> None:
    deadlock = ran("chosen as the deadlock victim", exit_code=100)
    scene.host.upgrades = [lambda _: deadlock, lambda _: deadlock]

    with pytest.raises(UpgradeFailed, match="deadlock victim"):
        scene.upgrade(clone)


def _fatal_log(scene: Scene) -> None:
    scene.host.log = "2021-06-01 10:00:00.0001  1  1 FATAL  System.NullReferenceException in a background task\n"


def _no_history(scene: Scene) -> None:
    scene.host.on_start = lambda _: None


def _lost_journal(scene: Scene) -> None:
    def upgrade(database: DatabaseAddress) -> CommandResult:
        with SqlServer(database.server, database.name) as server:
            server.execute("DELETE FROM dbo.SchemaVersions")
        return ran()

    scene.host.upgrades = [upgrade]


def _old_binaries(scene: Scene) -> None:
    def start(database: DatabaseAddress) -> None:
        history(str(TARGET))(database)
        scene.clone_api.version = "2018.12.1"

    scene.host.on_start = start


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (_fatal_log, "NullReferenceException"),
        (_no_history, "the installation history ends with 2018.12.1"),
        (_lost_journal, "vanished from the journal"),
        (_old_binaries, "the server calls itself 2018.12.1"),
    ],
)
def test_exit_code_0_is_not_success(
    scene: Scene, clone: TestInstance, fault: Callable[[Scene], None], message: str
) -> None:
    scene.host.upgrades = [good_upgrade]
    fault(scene)

    with pytest.raises(UpgradeFailed, match=message):
        scene.upgrade(clone)


def test_the_main_instance_is_never_upgraded(scene: Scene, clone: TestInstance) -> None:
    disguised = replace(clone, url=scene.main.url)

    with pytest.raises(MainInstanceProtected):
        scene.upgrade(disguised)

    assert scene.host.calls == []
    assert scene.main_api.history == [True, False]  # of the backup


def test_a_database_that_is_the_main_instances_is_never_upgraded(scene: Scene, clone: TestInstance) -> None:
    disguised = replace(clone, database=scene.main.database)

    with pytest.raises(MainInstanceProtected):
        scene.upgrade(disguised)

    assert "install" not in " ".join(scene.host.calls)
