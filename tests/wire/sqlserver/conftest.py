"""The SQL Server under test, and a database of its own for each module.

The tests in this folder speak T-SQL only and hold for the real product: run them against one with
``--sql-server container`` or ``--sql-server HOST,PORT`` to see where the stand-in is wrong, or they are.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.wire.sqlserver.drivers import ALL, Address, Driver
from tests.wire.sqlserver.processes import server_process


@contextmanager
def _container() -> Generator[Address]:
    from testcontainers.community.mssql import SqlServerContainer  # noqa: PLC0415 -- needs Docker at import

    with SqlServerContainer() as server:
        port = int(server.get_exposed_port(1433))
        yield Address(server.get_container_host_ip(), port, "sa", server.password)


@pytest.fixture(scope="session")
def sql_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    wanted = str(request.config.getoption("--sql-server"))
    if wanted == "standin":
        with server_process(tmp_path_factory.mktemp("sqlserver"), ["-m", "standins.sqlserver"]) as server:
            yield server.address
    elif wanted == "container":
        with _container() as address:
            yield address
    else:
        host, _, port = wanted.partition(",")
        yield Address(host, int(port or 1433), "sa", os.environ["MSSQL_SA_PASSWORD"])


@pytest.fixture(scope="module")
def database(sql_server: Address) -> Iterator[str]:
    """An empty database that is dropped afterwards."""
    name = f"contract_{uuid.uuid4().hex[:12]}"
    connection = next(driver for driver in ALL if driver.available).connect(sql_server)
    cursor = connection.cursor()
    cursor.execute(f"CREATE DATABASE [{name}]")
    yield name
    cursor.execute(f"ALTER DATABASE [{name}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    cursor.execute(f"DROP DATABASE [{name}]")
    connection.close()


@pytest.fixture
def connection(driver: Driver, sql_server: Address, database: str) -> Iterator[Any]:
    """A connection through ``driver`` (see ``drivers.each``), in autocommit mode."""
    opened = driver.connect(sql_server, database)
    yield opened
    opened.close()


@pytest.fixture
def cursor(connection: Any) -> Iterator[Any]:
    opened = connection.cursor()
    yield opened
    opened.close()
