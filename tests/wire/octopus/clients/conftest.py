"""Servers for Octopus's own clients: an old and a new stand-in, or the one of ``--octopus-url``."""

from __future__ import annotations

import os
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.octopus_sample import connection_string
from tests.support.octopus_server import ADMIN_KEY, octopus_process
from tests.wire.sqlserver.processes import server_process

OLD, NEW = "2019.13.5", "2025.4.10338"


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    key: str

    @property
    def environment(self) -> Mapping[str, str]:
        """For a client's process. Its requests stay on this machine unless the server is elsewhere."""
        return {**os.environ, "OCTOPUS_URL": self.url, "OCTOPUS_API_KEY": self.key}


@pytest.fixture(scope="session")
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Target]]:
    """A server by version, each started when it is first asked for; a given one stands for the new version."""
    given = request.config.getoption("--octopus-url")
    if given:

        def only_new(version: str) -> Target:
            if version == OLD:
                pytest.skip("a given server has one version: only what new servers can is tried")
            return Target(str(given), os.environ["OCTOPUS_API_KEY"])

        yield only_new
        return
    folder = tmp_path_factory.mktemp("clients")
    running: dict[str, Target] = {}
    with ExitStack() as stack:
        database = stack.enter_context(server_process(folder, ["-m", "standins.sqlserver"]))

        def start(version: str) -> Target:
            if version not in running:
                connection = connection_string(database.address, version.replace(".", "_"))
                server = stack.enter_context(octopus_process(version, connection, folder / version))
                running[version] = Target(server.url, ADMIN_KEY)
            return running[version]

        yield start


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package file with an id of its own: a given server keeps what earlier runs pushed."""
    path = tmp_path / f"Trial.x{uuid.uuid4().hex}.1.0.0.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.txt", "some content")
    return path
