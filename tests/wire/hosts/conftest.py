"""A host that is reached by a real OpenSSH client and server, on the loopback interface."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sshd import Sshd, running_sshd
from tidegate.providers.contract import SqlServerHost
from tidegate.providers.embedded_servers import EmbeddedSqlServer
from tidegate.providers.hosts.reach import OnThisMachine, OverSsh, Reach
from tidegate.providers.hosts.reaching import reached
from tidegate.providers.leftovers import Leftovers
from tidegate.settings import ReachSettings


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="session")
def ssh_config(sshd: Sshd) -> Path:
    return sshd.config


@pytest.fixture(scope="session")
def loopback(ssh_config: Path) -> Iterator[Reach]:
    with reached(ReachSettings(address="loopback", ssh_config=ssh_config)) as reach:
        yield reach


@pytest.fixture(params=["ssh", "alone", "local"])
def reach(request: pytest.FixtureRequest, loopback: Reach, ssh_config: Path) -> Reach:
    """Over a shared connection, over one of its own for each command, and without any."""
    match request.param:
        case "ssh":
            return loopback
        case "alone":
            return OverSsh("loopback", ("-F", str(ssh_config)))
        case _:
            return OnThisMachine()


@pytest.fixture(scope="session")
def sql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServerHost]:
    """A SQL Server that was there before the rehearsal and goes on after it."""
    folder = tmp_path_factory.mktemp("sql")
    server = EmbeddedSqlServer(folder / "server", Leftovers(folder / "run"))
    try:
        yield server.host
    finally:
        server.stop()
