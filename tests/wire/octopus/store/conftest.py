"""A database of one version, made once for the module."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from standins.octopus.contract import Version
from standins.octopus.schema.database import Database
from standins.octopus.schema.upgrader import Interference, Upgrader
from standins.octopus.store import OctopusStore, open_store
from tests.wire.octopus.lifecycle.conftest import server_address

__all__ = ["server_address"]


@pytest.fixture(scope="module", params=["2018.12.1", "2021.1.7500"])
def store(
    request: pytest.FixtureRequest, server_address: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OctopusStore]:
    version = Version.parse(request.param)
    name = f"store_{uuid.uuid4().hex[:10]}"
    master = Database(f"{server_address};Database=master")
    master.run(f"CREATE DATABASE [{name}] COLLATE Latin1_General_CI_AS")
    connection_string = f"{server_address};Database={name}"
    database = Database(connection_string)
    home: Path = tmp_path_factory.mktemp("home")
    Upgrader(database, version, home, "node", lambda _: None, Interference()).run(check_license=False)
    database.close()
    opened = open_store(connection_string, version)
    yield opened
    opened.close()
    master.run(f"ALTER DATABASE [{name}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    master.run(f"DROP DATABASE [{name}]")
    master.close()
