"""SQL Server in a container of the isolated network, with a folder through which backups travel."""

from __future__ import annotations

import os
import secrets as random
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import docker.errors

from tidegate.errors import HarnessError, ProvisioningFailed, Refused, SqlServerFailure, Unreachable
from tidegate.providers.containers.container import Blueprint, Container
from tidegate.providers.containers.engine import border
from tidegate.providers.containers.surroundings import Surroundings
from tidegate.providers.contract import SqlServerHost
from tidegate.rehearsal.instances import SharedFolder, SqlServerAddress
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.waiting import wait_until

#: Its name inside the network.
ALIAS: Final = "sqlserver"
_PORT: Final = 1433
#: Microsoft: SQL Server container images keep everything below /var/opt/mssql.
_DATA: Final = "/var/opt/mssql"
_BACKUPS: Final = "/tidegate/backups"


@final
class ContainerSqlServer:
    """Started when first asked for; `sa` has a password made here, which travels by environment only."""

    def __init__(self, around: Surroundings, folder: Path) -> None:
        self._around = around
        self._wanted = around.wanted
        self._folder = folder
        self._container: Container | None = None
        self._host: SqlServerHost | None = None
        #: What identifies the content of its image; empty before the start.
        self.digest = ""

    @property
    def inside(self) -> str:
        """The server as other containers of the network name it."""
        return f"{ALIAS},{_PORT}"

    @property
    def host(self) -> SqlServerHost:
        """Raises :class:`ProvisioningFailed` with the container's last lines when nobody can log in in time."""
        if self._host is None:
            self._host = self._start()
        return self._host

    def log_text(self) -> str:
        return self._container.log_text() if self._container else ""

    def stop(self) -> None:
        self.remove()

    def remove(self) -> None:
        """The container with its databases; safe to call twice."""
        if self._container is not None:
            self._container.remove()
            self._container = None
            with border(f"the volume {self._volume}"), suppress(docker.errors.NotFound):
                self._around.engine.client.volumes.get(self._volume).remove(force=True)
        self._host = None

    @property
    def _volume(self) -> str:
        return self._around.owner.name("sqlserver-data")

    def _start(self) -> SqlServerHost:
        self.digest = self._around.engine.provide_image(self._wanted.sql_server_image, lambda _: None)
        backups = self._wanted.backups or self._folder / "backups"
        password = Secret.generated("the container's sa password", f"Tg1!{random.token_urlsafe(18)}")
        with border(f"the volume {self._volume}"):
            self._around.engine.client.volumes.create(self._volume, labels=self._around.owner.labels("sqlserver-data"))
        environment = {"ACCEPT_EULA": "Y", "MSSQL_SA_PASSWORD": password.reveal(), "MSSQL_PID": "Developer"}
        if self._wanted.sql_server_memory:
            environment["MSSQL_MEMORY_LIMIT_MB"] = str(self._wanted.sql_server_memory)
        self._container = Container(
            Blueprint(
                self._wanted.sql_server_image,
                "sqlserver",
                environment,
                alias=ALIAS,
                mounts={str(_shared(backups)): _BACKUPS, self._volume: _DATA},
                groups=[os.getgid()] if hasattr(os, "getgid") else [],
            ),
            self._around.owner,
            self._around.network.inside,
        )
        port = self._around.network.publish(ALIAS, _PORT)
        address = SqlServerAddress(f"127.0.0.1,{port}", "sa", password, trust_server_certificate=True)
        self._wait(self._container, address)
        return SqlServerHost(address, SharedFolder(_BACKUPS, backups), f"{_DATA}/data")

    def _wait(self, container: Container, address: SqlServerAddress) -> None:
        """Until `sa` can log in and a query is answered; the log line alone comes too early."""
        refusal = ""

        def answers() -> bool:
            nonlocal refusal
            if container.exit_code is not None:
                raise ProvisioningFailed(
                    f"{container.what} ended with exit code {container.exit_code} while starting:\n"
                    f"{container.last_lines()}",
                    where=self._wanted.sql_server_image,
                )
            try:
                with SqlServer(address) as server:
                    return server.value("SELECT 1") == 1
            except (Unreachable, Refused, SqlServerFailure) as error:  # it also refuses logins while it starts
                refusal = error.what
                return False

        try:
            wait_until(
                answers,
                timeout=self._wanted.start_timeout,
                what=f"{container.what} to answer a query",
                poll=0.2,
                describe=lambda: f"{refusal}\n{container.last_lines()}",
            )
        except HarnessError as error:
            raise ProvisioningFailed(error.what, where=self._wanted.sql_server_image) from None


def _shared(folder: Path) -> Path:
    """The folder, open to its group: the server in the container, which joins this user's group, writes into it, and
    what it writes belongs to that group."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_uid == os.getuid():
        folder.chmod(0o2770)
    return folder.resolve()
