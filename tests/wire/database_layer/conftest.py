"""A SQL Server over the wire for the harness's database layer, and databases shaped like Octopus's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.wire.database_layer.cut_over_scene import Looked, Standing, assert_old
from tests.wire.database_layer.main_machine import Machine, MainOctopus, switched_on
from tests.wire.database_layer.rehearsal_scene import Scene
from tests.wire.database_layer.scene import SmallHost, fill_main, main_instance
from tests.wire.rehearsal.small_octopus import small_octopus
from tests.wire.sqlserver.processes import PASSWORD, server_process
from tidegate.cutover.journal import Direction
from tidegate.providers.contract import SqlServerHost
from tidegate.rehearsal.instances import DatabaseAddress, SharedFolder, SqlServerAddress
from tidegate.rehearsal.maintenance import MainWrites
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.restore import default_data_folder, drop_database


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServerHost]:
    """The stand-in as a process, or a server that runs already (see ``--sql-server``).

    A server elsewhere needs a folder that it shares with this machine: TIDEGATE_TEST_BACKUPS.
    """
    wanted = str(request.config.getoption("--sql-server"))
    if wanted == "standin":
        folder = tmp_path_factory.mktemp("sqlserver")
        backups = tmp_path_factory.mktemp("backups")
        with server_process(folder, ["-m", "standins.sqlserver"]) as server:
            yield _host(f"{server.address.host},{server.address.port}", PASSWORD, backups)
        return
    backups = os.environ.get("TIDEGATE_TEST_BACKUPS")
    if wanted == "container" or backups is None:
        pytest.skip("needs a SQL Server that shares a folder with this machine: set TIDEGATE_TEST_BACKUPS")
    yield _host(wanted, os.environ["MSSQL_SA_PASSWORD"], Path(backups))


def _host(server: str, password: str, backups: Path) -> SqlServerHost:
    address = SqlServerAddress(
        server, "sa", Secret.generated("the test SQL Server's password", password), trust_server_certificate=True
    )
    with SqlServer(address) as connection:
        return SqlServerHost(address, SharedFolder(str(backups), backups), default_data_folder(connection))


@pytest.fixture
def new_database(host: SqlServerHost) -> Iterator[Callable[[], str]]:
    """Makes empty databases that are dropped afterwards."""
    made: list[str] = []

    def make() -> str:
        name = OwnedDatabase.make("test").name
        with SqlServer(host.address) as server:
            server.execute(f"CREATE DATABASE [{name}]")
        made.append(name)
        return name

    yield make
    with SqlServer(host.address) as server:
        for name in made:
            drop_database(server, name)


@pytest.fixture
def database(host: SqlServerHost, new_database: Callable[[], str]) -> Iterator[SqlServer]:
    """A connection to an empty database."""
    with SqlServer(host.address, new_database()) as server:
        yield server


@pytest.fixture(scope="module")
def main_database(host: SqlServerHost) -> Iterator[str]:
    """A database for all tests of a module: none may change it, and some prove that nothing did."""
    name = OwnedDatabase.make("main").name
    with SqlServer(host.address) as server:
        server.execute(f"CREATE DATABASE [{name}]")
        with SqlServer(host.address, name) as database:
            fill_main(database)
        yield name
        drop_database(server, name)


@pytest.fixture(scope="module")
def lasting(host: SqlServerHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """A main instance that each test leaves as it found it."""
    name = OwnedDatabase.make("main").name
    folder = tmp_path_factory.mktemp("main")
    address = DatabaseAddress(host.address, name)
    with SqlServer(host.address) as server:
        server.execute(f"CREATE DATABASE [{name}]")
        with SqlServer(host.address, name) as database:
            fill_main(database)
        try:
            with small_octopus(MainOctopus(database=address)) as octopus:
                assert isinstance(octopus, MainOctopus)
                main = main_instance(octopus, host, name, folder / "folders")
                machine = Machine(octopus)
                with switched_on(machine) as url:
                    yield Standing(main, machine, url, host, folder)
        finally:
            drop_database(server, name)


@pytest.fixture
def standing(lasting: Standing, tmp_path: Path) -> Iterator[Standing]:
    """The main instance at its old version, with a cut-over of its own in front of it."""
    fresh = replace(lasting, folder=tmp_path / "cut-over", said=[], checks=Looked())
    before, files = fresh.image(), fresh.files()
    yield fresh
    fresh.machine.broken_starts.clear()
    fresh.machine.broken_upgrades.clear()
    fresh.machine.octopus.tasks.clear()
    fresh.checks.found.clear()
    if fresh.journal.progress.direction is not Direction.ROLLED_BACK:
        fresh.run(roll_back=True)
    assert_old(fresh, before, files)


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
