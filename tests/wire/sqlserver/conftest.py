"""The SQL Server under test, and a database of its own for each module.

The tests in this folder speak T-SQL only and hold for the real product: run them against one with
``--sql-server container[:IMAGE]`` or ``--sql-server HOST,PORT`` to see where the stand-in is wrong, or they are.
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
from tidegate.waiting import wait_until


@contextmanager
def _container(image: str) -> Generator[Address]:
    from testcontainers.community.mssql import SqlServerContainer  # noqa: PLC0415 -- needs Docker at import

    class LoggedIn(SqlServerContainer):
        """Ready when somebody can log in; where an image keeps its sqlcmd is no matter."""

        def _connect(self) -> None:
            driver = next(driver for driver in ALL if driver.available)
            wait_until(lambda: _logs_in(driver, _address(self)), timeout=120, what="a log-in", poll=0.5)

    with LoggedIn(image) if image else LoggedIn() as server:
        yield _address(server)


def _address(server: Any) -> Address:
    return Address(server.get_container_host_ip(), int(server.get_exposed_port(1433)), "sa", server.password)


def _logs_in(driver: Driver, address: Address) -> bool:
    try:
        driver.connect(address).close()
    except Exception:  # noqa: BLE001 - each driver has errors of its own; the deadline tells a real one
        return False
    return True


@pytest.fixture(scope="session")
def sql_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    wanted = str(request.config.getoption("--sql-server"))
    if wanted == "standin":
        with server_process(tmp_path_factory.mktemp("sqlserver"), ["-m", "standins.sqlserver"]) as server:
            yield server.address
    elif wanted.partition(":")[0] == "container":
        with _container(wanted.partition(":")[2]) as address:
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


@pytest.fixture
def master(driver: Driver, sql_server: Address) -> Iterator[Any]:
    """A connection through the driver of this test, for what concerns the whole server."""
    connection = driver.connect(sql_server)
    yield connection
    connection.close()
