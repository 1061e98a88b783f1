"""An Octopus Server to speak HTTP to: the stand-in in every version, or the one of ``--octopus-url``."""

from __future__ import annotations

import os
import uuid
from collections.abc import Generator
from typing import Any

import pytest

from tests.support.octopus_server import ADMIN_KEY, ADMIN_PASSWORD, octopus_process
from tests.support.octopus_shop import open_shop
from tests.wire.octopus.api.client import WireClient
from tests.wire.sqlserver.drivers import Address
from tests.wire.sqlserver.processes import server_process

VERSIONS = ("2018.12.1", "2019.1.0", "2019.13.5", "2020.6.4671", "2021.1.7500")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "octopus" in metafunc.fixturenames:
        versions = ("",) if metafunc.config.getoption("--octopus-url") else VERSIONS
        metafunc.parametrize("octopus", versions, indirect=True, scope="session", ids=lambda name: name or "given")


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Address]:
    chosen = str(request.config.getoption("--sql-server"))
    if chosen != "standin":
        host, _, port = chosen.partition(",")
        yield Address(host, int(port), "sa", os.environ["MSSQL_SA_PASSWORD"], None)
        return
    with server_process(tmp_path_factory.mktemp("sqlserver"), ["-m", "standins.sqlserver"]) as running:
        yield running.address


@pytest.fixture(scope="session")
def octopus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[WireClient]:
    """One server a version for the whole session: tests leave it as they found it, or add things of their own."""
    url = request.config.getoption("--octopus-url")
    if url:
        client = WireClient(str(url), os.environ["OCTOPUS_API_KEY"])
        yield client
        client.close()
        return
    version: str = request.param
    address: Address = request.getfixturevalue("database_server")
    connection = (
        f"Server={address.host},{address.port};Database=Wire{version.replace('.', '_')};"
        f"User Id={address.user};Password={address.password};TrustServerCertificate=True"
    )
    with octopus_process(version, connection, tmp_path_factory.mktemp(f"octopus-{version}")) as running:
        client = WireClient(running.url, ADMIN_KEY, version)
        yield client
        client.close()


_shops: dict[str, dict[str, Any]] = {}


@pytest.fixture
def shop(request: pytest.FixtureRequest, octopus: WireClient) -> dict[str, Any]:
    """A small instance, made once a server."""
    url = str(octopus.http.base_url)
    if url not in _shops:
        # A given server may have a shop from an earlier run.
        given = request.config.getoption("--octopus-url")
        _shops[url] = open_shop(octopus, f" {uuid.uuid4().hex[:6]}" if given else "")
    return _shops[url]


@pytest.fixture
def credentials(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Name and password of somebody who may sign in; of a given server only its owner knows them."""
    if not request.config.getoption("--octopus-url"):
        return "admin", ADMIN_PASSWORD
    try:
        return os.environ["OCTOPUS_USERNAME"], os.environ["OCTOPUS_PASSWORD"]
    except KeyError:
        pytest.skip("signing in to a given server takes OCTOPUS_USERNAME and OCTOPUS_PASSWORD (an administrator's)")
