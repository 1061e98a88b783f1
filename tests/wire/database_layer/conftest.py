"""A SQL Server over the wire for the harness's database layer, and databases shaped like Octopus's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wire.database_layer.scene import fill_main
from tests.wire.sqlserver.processes import PASSWORD, server_process
from tidegate.providers.contract import SqlServerHost
from tidegate.rehearsal.instances import SharedFolder, SqlServerAddress
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.reaper import OwnedDatabase
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
