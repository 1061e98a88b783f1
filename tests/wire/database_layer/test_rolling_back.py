"""A test instance led back to where it was: real databases and folders, with a small server in front of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.wire.database_layer.octopus_tables import put
from tests.wire.database_layer.scene import MAIN_ID, SmallHost, main_instance
from tests.wire.rehearsal.small_octopus import SmallOctopus, small_octopus
from tidegate.errors import HarnessError, MainInstanceProtected, ProvisioningFailed, UpgradeFailed
from tidegate.providers.contract import CommandResult, SqlServerHost
from tidegate.rehearsal.backup_set import take_backup_set
from tidegate.rehearsal.clone import clone_test_instance, remove_test_instance
from tidegate.rehearsal.folders import aside_of
from tidegate.rehearsal.instances import DatabaseAddress, MainInstance, ServerFolders, TestInstance
from tidegate.rehearsal.maintenance import MainWrites
from tidegate.rehearsal.place import clone_place
from tidegate.rehearsal.rollback import RolledBack, Way, roll_back, roll_back_without_restore
from tidegate.rehearsal.rollback_point import RollbackPoint, load_point, save_point
from tidegate.rehearsal.timing import StepClock
from tidegate.rehearsal.upgrade import upgrade_test_instance
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.image import DatabaseImage, database_image
from tidegate.sqlserver.restore import drop_database
from tidegate.versions import Version

TARGET = Version(2021, 1, 7500)


def nothing(_: str) -> None:
    """A report that nobody reads."""


def upgrade_script(database: DatabaseAddress) -> CommandResult:
    with SqlServer(database.server, database.name) as server:
        server.execute("INSERT INTO dbo.SchemaVersions (ScriptName, Applied) VALUES ('Script0160', GETUTCDATE())")
        server.execute("ALTER TABLE dbo.Project ADD Slug nvarchar(210) NULL")
        put(server, "OctopusServerInstallationHistory", "H-2", Node="CLONE", Version=str(TARGET),
            Installed="2026-01-01T00:00:00+00:00")  # fmt: skip
    return CommandResult("Octopus.Server database", 0, "Done.\n", 0.1)


@dataclass
class Scene:
    main: MainInstance
    api: SmallOctopus
    host: SmallHost
    clone: TestInstance
    folder: Path

    @property
    def point(self) -> RollbackPoint:
        return load_point(self.folder / "way-back")

    def upgrade_and_work(self) -> TestInstance:
        """The upgrade, and what people do to an upgraded instance."""
        self.host.upgrades = [upgrade_script]
        upgraded = upgrade_test_instance(
            self.clone,
            self.host,
            TARGET,
            nothing,
            main=self.main.identity,
            logs=self.folder / "logs-of-run",
            way_back=self.folder / "way-back",
        ).instance
        with SqlServer(upgraded.database.server, upgraded.database.name) as server:
            put(server, "Project", "Projects-2", Name="Made later", AutoCreateRelease=0)
            server.execute("DELETE FROM dbo.Machine")
        packages = self.host.folders.packages
        (packages / "Spaces-1" / "packages.bin").write_bytes(b"overwritten")
        (packages / "pushed-later.zip").write_bytes(b"new")
        (self.host.folders.task_logs / "Spaces-1" / "task-logs.bin").unlink()
        self.host.calls.clear()
        self.api.history.clear()
        return upgraded

    def roll_back(self, instance: TestInstance, point: RollbackPoint | None = None) -> RolledBack:
        place = clone_place(instance, self.main)
        return roll_back(point or self.point, place, self.host, StepClock(nothing), report=nothing)


@pytest.fixture
def scene(host: SqlServerHost, main_database: str, tmp_path: Path) -> Iterator[Scene]:
    with a_scene(host, main_database, tmp_path) as scene:
        yield scene


@pytest.fixture(scope="module")
def standing(
    host: SqlServerHost, main_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Scene, TestInstance]]:
    """One for all that is refused: nothing may change it."""
    with a_scene(host, main_database, tmp_path_factory.mktemp("standing")) as scene:
        yield scene, scene.upgrade_and_work()


@contextmanager
def a_scene(host: SqlServerHost, main_database: str, folder: Path) -> Generator[Scene]:
    with small_octopus() as main_api, small_octopus() as api:
        main = main_instance(main_api, host, main_database, folder / "main")
        test_host = SmallHost(host, api, folder / "clone")
        writes = MainWrites(folder / "writes.jsonl", main)
        backup_set = take_backup_set(main, writes, folder / "set", nothing, verify_on=host)
        clone = clone_test_instance(backup_set, main, test_host, nothing, run="test run")
        yield Scene(main, api, test_host, clone, folder)
        with SqlServer(host.address) as server:
            drop_database(server, clone.database.name)


def image(database: DatabaseAddress) -> DatabaseImage:
    with SqlServer(database.server, database.name) as server:
        return database_image(server)


def test_the_way_back_leads_to_exactly_what_was_there(scene: Scene) -> None:
    upgraded = scene.upgrade_and_work()
    before = scene.point.image
    assert image(upgraded.database) != before

    back = scene.roll_back(upgraded)

    assert back.differences == ()
    assert (back.way, back.version, back.url) == (Way.RESTORE, Version(2018, 12, 1), scene.api.url)
    assert image(upgraded.database) == before
    assert scene.host.calls == ["stop", "install 2018.12.1", "start"]
    assert scene.api.history == [False]
    folders = scene.host.folders
    assert (folders.packages / "Spaces-1" / "packages.bin").read_bytes() == b"packages"
    assert not (folders.packages / "pushed-later.zip").exists()
    assert (folders.task_logs / "Spaces-1" / "task-logs.bin").exists()
    assert not any(aside_of(folder).exists() for folder in folders.named().values())


def test_a_rollback_that_was_interrupted_is_repeated_from_its_beginning(scene: Scene) -> None:
    upgraded = scene.upgrade_and_work()

    def die(_: DatabaseAddress) -> None:
        raise KeyboardInterrupt

    scene.host.on_start = die
    with suppress(KeyboardInterrupt):
        scene.roll_back(upgraded)
    assert aside_of(scene.host.folders.packages).exists()
    with SqlServer(upgraded.database.server) as server:  # as a kill in front of RESTORE leaves it
        server.execute(f"ALTER DATABASE [{upgraded.database.name}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")

    scene.host.on_start = lambda _: None
    back = scene.roll_back(upgraded)

    assert back.differences == ()
    assert not aside_of(scene.host.folders.packages).exists()


def test_what_is_not_as_it_was_is_told_and_the_instance_stays_closed(scene: Scene) -> None:
    upgraded = scene.upgrade_and_work()
    scene.api.maintenance = True
    point = scene.point
    changed = DatabaseImage({**point.image.tables, "dbo.Project": "7:0:0"}, {**point.image.schema, "view dbo.V": "x"})
    files = {**point.manifests, "artifacts": ()}
    save_point(replace(point, image=changed))

    with pytest.raises(ProvisioningFailed, match="not what its manifest says"):
        scene.roll_back(upgraded, replace(point, manifests=files))
    back = scene.roll_back(upgraded)

    assert back.differences == ("rows of dbo.Project: 7 rows → 1 rows", "schema of view dbo.V: gone")
    assert scene.api.maintenance


def test_a_backup_that_changed_is_not_restored(scene: Scene) -> None:
    upgraded = scene.upgrade_and_work()
    before = image(upgraded.database)
    with scene.point.file.here.open("ab") as stream:
        stream.write(b"!")

    with pytest.raises(ProvisioningFailed, match="gone or was changed"):
        scene.roll_back(upgraded)

    assert image(upgraded.database) == before
    assert scene.host.calls == []


def test_a_previous_version_that_does_not_run_is_the_products_answer(scene: Scene) -> None:
    upgraded = scene.upgrade_and_work()

    def start(_: DatabaseAddress) -> None:
        scene.api.version = "2018.12.0"

    scene.host.on_start = start

    with pytest.raises(UpgradeFailed, match=r"after the rollback the server calls itself 2018\.12\.0"):
        scene.roll_back(upgraded)


def test_another_instance_is_not_what_was_rolled_back(scene: Scene) -> None:
    upgraded = scene.upgrade_and_work()
    scene.api.installation_id = "somebody-else"

    with pytest.raises(UpgradeFailed, match="calls itself somebody-else"):
        scene.roll_back(upgraded)


def test_the_short_way_leaves_data_alone_and_proves_the_schema(scene: Scene) -> None:
    scene.host.upgrades = [lambda _: CommandResult("Octopus.Server database", 0, "Done.\n", 0.1)]
    upgraded = scene.upgrade_and_work()
    place = clone_place(upgraded, scene.main)

    with SqlServer(upgraded.database.server, upgraded.database.name) as server:
        server.execute("UPDATE dbo.OctopusServerInstallationHistory SET Version = '2018.12.1'")
    back = roll_back_without_restore(scene.point, place, scene.host, StepClock(nothing))

    assert back.way is Way.SHORT
    # The script of this upgrade did change the schema, so the short way is found out.
    assert "journal of schema scripts: changed" in back.differences
    assert "schema of table dbo.Project: changed" in back.differences
    with SqlServer(upgraded.database.server, upgraded.database.name) as server:
        assert server.value("SELECT COUNT(*) FROM dbo.Project") == 2


# ------------------------------------------------------------------ never the main instance


def _alias(server: str) -> str:
    """Another name of the same machine, which no comparison of names sees through."""
    return server.replace("127.0.0.1", "127.1")


DISGUISES: dict[str, Callable[[Scene, TestInstance], TestInstance]] = {
    "same URL": lambda scene, clone: replace(
        clone, url=scene.main.url, identity=replace(clone.identity, url=scene.main.url)
    ),
    "same database": lambda scene, clone: replace(clone, database=scene.main.database),
    "same database, under an alias of its host": lambda scene, clone: replace(
        clone,
        database=replace(
            scene.main.database,
            server=replace(scene.main.database.server, server=_alias(scene.main.database.server.server)),
        ),
    ),
    "same installation id": lambda _, clone: replace(clone, identity=replace(clone.identity, installation_id=MAIN_ID)),
    "same folders": lambda scene, clone: replace(clone, folders=scene.main.folders),
    "a folder of the main instance's inside": lambda scene, clone: replace(
        clone, folders=replace(clone.folders, packages=scene.folder)
    ),
    "a database that no rehearsal made": lambda _, clone: replace(
        clone, database=replace(clone.database, name="OctopusDeploy")
    ),
    "the database of another clone": lambda _, clone: replace(
        clone, identity=replace(clone.identity, installation_id="another")
    ),
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES.keys())
def test_settings_that_lead_to_the_main_instance_are_refused_by_every_destructive_call(
    standing: tuple[Scene, TestInstance], disguise: Callable[[Scene, TestInstance], TestInstance]
) -> None:
    scene, upgraded = standing
    before, files = image(scene.main.database), sorted(scene.folder.joinpath("main").rglob("*"))
    disguised = disguise(scene, upgraded)

    with pytest.raises(MainInstanceProtected):
        scene.roll_back(disguised)
    with pytest.raises(MainInstanceProtected):
        roll_back_without_restore(scene.point, clone_place(disguised, scene.main), scene.host, StepClock(nothing))
    with pytest.raises(MainInstanceProtected):
        remove_test_instance(disguised, scene.main, scene.host)
    if disguised.folders == upgraded.folders and disguised.identity.installation_id != "another":
        # An upgrade touches no folder itself, and a clone of another's is not the main instance.
        with pytest.raises(MainInstanceProtected):
            upgrade_test_instance(
                disguised, scene.host, TARGET, nothing, main=scene.main.identity, logs=scene.folder / "logs-of-run"
            )

    assert scene.host.calls == []
    assert image(scene.main.database) == before
    assert sorted(scene.folder.joinpath("main").rglob("*")) == files


def test_a_link_to_a_folder_of_the_main_instance_is_followed(
    standing: tuple[Scene, TestInstance], tmp_path: Path
) -> None:
    scene, _ = standing
    link = tmp_path / "looks-harmless"
    link.symlink_to(scene.main.folders.artifacts, target_is_directory=True)
    folders = ServerFolders(scene.clone.folders.packages, link / "Spaces-1", scene.clone.folders.task_logs)

    with pytest.raises(MainInstanceProtected, match="server folder for artifacts"):
        clone_place(replace(scene.clone, folders=folders), scene.main).permission()


def test_a_point_of_another_database_is_refused(standing: tuple[Scene, TestInstance]) -> None:
    scene, upgraded = standing

    with pytest.raises(HarnessError, match="the backup is one of"):
        scene.roll_back(upgraded, replace(scene.point, database="another"))
    with pytest.raises(HarnessError, match="no description of the state"):
        load_point(scene.folder)
