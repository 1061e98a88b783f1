"""A SQL Server for the session and an Octopus instance for a test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from standins.octopus.schema.database import Database
from tests.wire.octopus.lifecycle.machine import Instance
from tests.wire.sqlserver.processes import PASSWORD, server_process


@pytest.fixture(scope="session")
def server_address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`Server=…;User Id=…;Password=…` of the stand-in, or of the server named by ``--sql-server HOST,PORT``."""
    wanted = str(request.config.getoption("--sql-server"))
    if wanted == "standin":
        with server_process(tmp_path_factory.mktemp("sql"), ["-m", "standins.sqlserver"]) as server:
            yield f"Server=127.0.0.1,{server.address.port};User Id=sa;Password={PASSWORD};TrustServerCertificate=True"
    elif wanted == "container":
        pytest.skip("give the container's address with --sql-server HOST,PORT")
    else:
        password = os.environ["MSSQL_SA_PASSWORD"]
        yield f"Server={wanted};User Id=sa;Password='{password}';TrustServerCertificate=True"


@pytest.fixture
def database_of(server_address: str) -> Iterator[Callable[[], str]]:
    """Connection strings of databases that do not exist yet and are dropped afterwards."""
    names: list[str] = []

    def make() -> str:
        names.append(f"octopus_{uuid.uuid4().hex[:10]}")
        return f"{server_address};Database={names[-1]}"

    yield make
    master = Database(f"{server_address};Database=master")
    for name in names:
        if master.run("SELECT 1 FROM sys.databases WHERE name = ?", name):
            master.run(f"ALTER DATABASE [{name}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
            master.run(f"DROP DATABASE [{name}]")
    master.close()


@pytest.fixture
def instance(tmp_path: Path, database_of: Callable[[], str]) -> Instance:
    return Instance(tmp_path, database_of())


@pytest.fixture
def another_instance(tmp_path: Path, database_of: Callable[[], str]) -> Instance:
    return Instance(tmp_path / "another", database_of())
