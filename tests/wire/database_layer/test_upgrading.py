"""The upgrade of a clone on real databases and folders, with a small server in front of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.wire.database_layer.octopus_tables import put
from tests.wire.database_layer.rehearsal_scene import TARGET, Scene
from tidegate.errors import (
    MainInstanceProtected,
    UpgradeFailed,
)
from tidegate.providers.contract import CommandResult
from tidegate.rehearsal.instances import DatabaseAddress, TestInstance
from tidegate.rehearsal.upgrade import rollback_file_name
from tidegate.sqlserver.connection import SqlServer


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
