"""One SQL Server and one filled Octopus Server for the session; each test makes its own things on them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.octopus_sample import load_sample
from tests.support.octopus_server import OctopusProcess, octopus_process
from tests.wire.octopus.behaviour.workshop import Workshop, enter
from tests.wire.sqlserver.processes import PASSWORD, server_process

VERSION = "2020.6.4671"


@dataclass(frozen=True, slots=True)
class Filled:
    """A running server with the sample in it, and what the loader said about it."""

    server: OctopusProcess
    facts: dict[str, Any]


@pytest.fixture(scope="session")
def sql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Connection strings by database name."""
    with server_process(tmp_path_factory.mktemp("sql"), ["-m", "standins.sqlserver"]) as server:
        yield (
            lambda name: (
                f"Server=127.0.0.1,{server.address.port};Database={name};User Id=sa;Password={PASSWORD};"
                "TrustServerCertificate=True"
            )
        )


@pytest.fixture(scope="session")
def serve(sql_server: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Any]:
    """``with serve(version, database) as server``: a server of that version on that database."""
    folder = tmp_path_factory.mktemp("octopus")

    @contextmanager
    def start(version: str, database: str) -> Generator[OctopusProcess]:
        with octopus_process(version, sql_server(database), folder / database) as server:
            yield server

    return start


@pytest.fixture(scope="session")
def filled(serve: Callable[[str, str], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with serve(VERSION, "Behaviour") as server:
        yield Filled(server, load_sample(server.url, tmp_path_factory.mktemp("sample") / "sample.json"))


@pytest.fixture(scope="session")
def shop(filled: Filled) -> Iterator[Workshop]:
    with enter(filled.server.url) as workshop:
        yield workshop
