"""The servers around an embedded instance: a SQL Server and a download feed, each a local stand-in process."""

from __future__ import annotations

import secrets as random
import sys
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol, final

from tidegate.errors import HarnessError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.contract import SqlServerHost
from tidegate.providers.leftovers import Leftovers
from tidegate.providers.processes import ChildProcess
from tidegate.rehearsal.instances import SharedFolder, SqlServerAddress
from tidegate.secrets import Secret

#: Seconds a stand-in may take until it listens; generous for a busy machine.
START_TIMEOUT: Final = 60.0


class SqlServerSource(Protocol):
    """A SQL Server that is started when its host is asked for."""

    @property
    def host(self) -> SqlServerHost: ...

    def stop(self) -> None: ...


@final
class EmbeddedSqlServer:
    """A SQL Server stand-in on a free loopback port; started when first asked for."""

    def __init__(
        self, folder: Path, leftovers: Leftovers, product_version: str = "2019", *, login_timeout: int = 15
    ) -> None:
        self._folder = folder
        self._leftovers = leftovers
        self._product_version = product_version
        self._login_timeout = login_timeout
        self._process: ChildProcess | None = None
        self._host: SqlServerHost | None = None
        self._password = Secret.generated("the stand-in SQL Server's sa password", f"Tg1!{random.token_urlsafe(18)}")

    @property
    def host(self) -> SqlServerHost:
        """Raises :class:`ProvisioningFailed` with the program's last lines when it does not come up."""
        if self._host is None:
            self._host = self._begin()
        return self._host

    def _begin(self) -> SqlServerHost:
        backups = self._folder / "backups"
        backups.mkdir(parents=True, exist_ok=True)
        port = self._start(0)
        address = SqlServerAddress(
            f"127.0.0.1,{port}",
            "sa",
            self._password,
            trust_server_certificate=True,
            login_timeout=self._login_timeout,
        )
        return SqlServerHost(address, SharedFolder(str(backups), backups), str(self._folder / "data"))

    @property
    def pid(self) -> int:
        """Of the running process, for whoever wants to do something to it."""
        if self._process is None:
            raise HarnessError("this SQL Server was not started yet", where=str(self._folder))
        return self._process.pid

    def restart(self, product_version: str = "") -> None:
        """End it, if it still runs, and start it again on the same data at the same port, perhaps as another product
        version."""
        port = int(self.host.address.server.rpartition(",")[2])
        self.stop()
        self._product_version = product_version or self._product_version
        self._start(port)

    def _start(self, port: int) -> int:
        port_file = self._folder / "port"
        port_file.unlink(missing_ok=True)
        self._process = ChildProcess(
            "the SQL Server stand-in",
            [
                *module("standins.sqlserver"),
                *("--data", str(self._folder / "data")),
                *("--port", str(port), "--port-file", str(port_file)),
                *("--product-version", self._product_version),
                "--exit-with-stdin",
            ],
            log=self._folder / "sqlserver.log",
            environment={"MSSQL_SA_PASSWORD": self._password.reveal()},
            leftovers=self._leftovers,
        )
        return self._process.wait_for_port(port_file, START_TIMEOUT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()


@final
class EmbeddedFeed:
    """The download feed on a free loopback port; started when first asked for."""

    def __init__(self, folder: Path, leftovers: Leftovers) -> None:
        self._folder = folder
        self._leftovers = leftovers
        self._process: ChildProcess | None = None

    @cached_property
    def feed(self) -> DownloadFeed:
        port_file = self._folder / "port"
        port_file.unlink(missing_ok=True)  # of one that was killed
        self._process = ChildProcess(
            "the download feed",
            [
                *module("standins.feed"),
                *("--folder", str(self._folder / "files")),
                *("--port", "0", "--port-file", str(port_file)),
                "--exit-with-stdin",
            ],
            log=self._folder / "feed.log",
            environment={},
            leftovers=self._leftovers,
        )
        port = self._process.wait_for_port(port_file, START_TIMEOUT)
        return DownloadFeed(f"http://127.0.0.1:{port}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()


def module(name: str) -> list[str]:
    """The command that runs a module of this environment as a program."""
    return [sys.executable, "-m", name]
