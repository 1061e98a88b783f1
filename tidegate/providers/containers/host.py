"""An Octopus Server node in containers: a new container for every start, the same volumes and master key in each.

The image's entry point does at every start what an installer and the guide's commands do on a host (Octopus docs,
installation/octopus-server-linux-container): point the instance at the database, create or upgrade its schema,
configure it, run. So the database is upgraded by starting a newer image, and `upgrade_database` is that start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import Final, final

from tidegate.errors import HarnessError, ProvisioningFailed, TimedOut, UpgradeFailed
from tidegate.octopus.instance_configuration import (
    CONNECTION_STRING,
    HOME,
    LISTEN_PREFIXES,
    MASTER_KEY,
    NODE_NAME,
    ado_connection_string,
    instance_configuration,
)
from tidegate.octopus.start_up import StartingServer, is_listening, wait_until_up
from tidegate.providers.containers.container import Blueprint, Container
from tidegate.providers.containers.sql_server import ContainerSqlServer
from tidegate.providers.containers.surroundings import Surroundings
from tidegate.providers.contract import CommandResult, SqlServerHost
from tidegate.providers.first_start import first_start
from tidegate.rehearsal.instances import DatabaseAddress, ServerFolders
from tidegate.secrets import Secret
from tidegate.versions import Version
from tidegate.waiting import wait_until

_PORT: Final = 8080
_PROGRAM: Final = "/Octopus/Octopus.Server"
_CONFIGURATION: Final = "/tidegate/OctopusServer.config"
#: Volumes of the image that nodes share (Octopus docs, as above), and the folder here for each.
_VOLUMES: Final = {
    "/repository": "packages",
    "/artifacts": "artifacts",
    "/taskLogs": "task-logs",
    "/import": "imports",
    "/eventExports": "event-exports",
}
_TASK_CAP: Final = "--taskCap="


@final
class ContainerHost:
    """One node (a `TestHost`). ``shared`` is the folder with the volumes, the same for every node of an instance."""

    def __init__(
        self,
        around: Surroundings,
        sql_server: ContainerSqlServer,
        shared: Path,
        *,
        node_name: str,
        prove: Callable[[Container], str],
    ) -> None:
        self._around = around
        self._sql_server = sql_server
        self._shared = shared
        self._node_name = node_name
        self._prove = prove
        self._alias = f"octopus-{node_name.lower()}"
        self._image = ""
        self._installed: dict[str, str] = {}
        self._environment: dict[str, str] = {}
        self._next_start: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._container: Container | None = None
        self._last_log = ""
        self._url = ""
        #: A sentence that says what was tried to get out of the network; empty before the first start.
        self.isolation = ""

    @property
    def sql_server(self) -> SqlServerHost:
        return self._sql_server.host

    @property
    def folders(self) -> ServerFolders:
        return _server_folders({name: self._shared / name for name in _VOLUMES.values()})

    @property
    def server_paths(self) -> ServerFolders:
        return _server_folders({name: Path(PurePosixPath(volume)) for volume, name in _VOLUMES.items()})

    @property
    def node_name(self) -> str:
        return self._node_name

    @property
    def node_names(self) -> Sequence[str]:
        return [self._node_name]

    @property
    def installed(self) -> Mapping[str, str]:
        return dict(self._installed)

    def fetch(self, version: Version) -> None:
        """Pulls the image of this version where it is not there yet."""
        self._around.engine.provide_image(self._around.wanted.octopus_image_of(version), lambda _: None)

    def install(self, version: Version) -> None:
        """Chooses the image of this version, and pulls it where it is not there yet."""
        image = self._around.wanted.octopus_image_of(version)
        self._installed[str(version)] = self._around.engine.provide_image(image, lambda _: None)
        self._image = image

    def configure(self, database: DatabaseAddress, master_key: Secret) -> None:
        """Keeps the environment of the containers to come. The database is named as the network knows it."""
        inside = ado_connection_string(self._as_seen_inside(database))
        Secret.generated("the connection string", inside)
        self._environment = {
            "ACCEPT_EULA": "Y",
            "DB_CONNECTION_STRING": inside,
            "MASTER_KEY": master_key.reveal(),
            "OCTOPUS_SERVER_NODE_NAME": self._node_name,
            "DISABLE_DIND": "Y",  # Docker in Docker would need a privileged container
        }
        self._values = {
            HOME: "/tidegate/home",
            CONNECTION_STRING: inside,
            MASTER_KEY: master_key.reveal(),
            NODE_NAME: self._node_name,
            LISTEN_PREFIXES: f"http://localhost:{_PORT}/",
        }

    def create_instance(self, database: DatabaseAddress, master_key: Secret, administrator_key: Secret) -> None:
        """The image makes the database, and the administrator of its first environment."""
        self.configure(database, master_key)
        inside = self._environment["DB_CONNECTION_STRING"]
        self._next_start.update(first_start(inside, master_key, self._node_name, administrator_key))
        self.start()
        self.stop()

    def octopus_server(self, command: str, options: Sequence[str] = (), *, timeout: float = 600) -> CommandResult:
        """In a container of its own, with the same image, network, volumes and database."""
        started = monotonic()
        container = Container(
            Blueprint(
                self._chosen_image(),
                f"{self._alias}-{command}",
                entry_point=[_PROGRAM],
                command=[command, "--config", _CONFIGURATION, *options],
                mounts=self._mounts(),
                files={_CONFIGURATION: instance_configuration(self._values)},
            ),
            self._around.owner,
            self._around.network.inside,
        )
        try:
            code = container.wait(timeout)
            output = container.log_text()
        finally:
            container.remove()
        if code is None:
            raise TimedOut(
                f"Octopus.Server {command} did not end within {timeout:g} s:\n{output[-2000:]}",
                output=output,
                where=self._image,
            )
        # The image sets its own task cap at every start (Octopus docs, TASK_CAP): the next one must hear of this.
        for option in options:
            if command == "node" and option.startswith(_TASK_CAP):
                self._next_start["TASK_CAP"] = option.removeprefix(_TASK_CAP)
        return CommandResult(f"Octopus.Server {command}", code, output, monotonic() - started)

    def upgrade_database(self, *, timeout: float = 3600) -> CommandResult:
        """Starts the new image and waits until it is done with the database, or has ended."""
        if self._container is not None:
            raise HarnessError("this host's Octopus Server still runs: its image cannot change", where=self._node_name)
        started = monotonic()
        container = self._launch()
        try:
            wait_until(
                lambda: container.exit_code is not None or is_listening(container.log_text()),
                timeout=timeout,
                what=f"{container.what} to upgrade the database",
                poll=0.2,
                describe=container.last_lines,
            )
        except TimedOut as error:
            self.stop()
            raise TimedOut(error.what, output=self._last_log, where=self._image) from None
        code = container.exit_code
        output = container.log_text()
        if code is not None:
            self.stop()  # a second attempt starts anew
        return CommandResult("the start of the new image", code or 0, output, monotonic() - started)

    def start(self, *, timeout: float = 300) -> str:
        if self._url:
            raise HarnessError("this host's Octopus Server is running already", where=self._node_name)
        try:
            # `upgrade_database` may have started the container already.
            url = self._wait(self._container or self._launch(), timeout)
        except (HarnessError, UpgradeFailed) as error:
            self.stop()
            if isinstance(error, UpgradeFailed | ProvisioningFailed):
                raise
            raise UpgradeFailed(error.what, where=self._image) from None
        except BaseException:
            self.stop()
            raise
        self._url = url
        return url

    def stop(self) -> None:
        if self._container is not None:
            container, self._container, self._url = self._container, None, ""
            if container.exit_code is None:
                container.stop()
            self._last_log = container.log_text()
            container.remove()

    def server_log(self) -> str:
        return self._container.log_text() if self._container else self._last_log

    def log_files(self) -> Sequence[Path]:
        """The logs as they are now, written for whoever keeps files."""
        written: list[Path] = []
        for name, text in ((f"{self._alias}.log", self.server_log()), ("sqlserver.log", self._sql_server.log_text())):
            if text:
                file = self._shared.parent / name
                file.write_text(text, encoding="utf-8")
                written.append(file)
        return written

    def remove(self) -> None:
        self.stop()
        self._sql_server.remove()

    def _as_seen_inside(self, database: DatabaseAddress) -> DatabaseAddress:
        if database.server.server != self._sql_server.host.address.server:
            raise HarnessError(
                "a container cannot reach this SQL Server: its network is cut off", where=database.server.server
            )
        return replace(database, server=replace(database.server, server=self._sql_server.inside))

    def _chosen_image(self) -> str:
        if not self._image:
            raise HarnessError("no Octopus Server is installed on this host yet", where=self._node_name)
        return self._image

    def _mounts(self) -> dict[str, str]:
        mounts: dict[str, str] = {}
        for volume, name in _VOLUMES.items():
            folder = self._shared / name
            folder.mkdir(parents=True, exist_ok=True)
            mounts[str(folder.resolve())] = volume
        return mounts

    def _launch(self) -> Container:
        environment = {**self._environment, **self._next_start}
        self._next_start.clear()
        self._container = Container(
            Blueprint(
                self._chosen_image(),
                self._alias,
                environment,
                alias=self._alias,
                mounts=self._mounts(),
                stdin=True,  # Octopus docs: the server waits for the end of its standard input
            ),
            self._around.owner,
            self._around.network.inside,
        )
        return self._container

    def _wait(self, container: Container, timeout: float) -> str:
        def ended() -> str | None:
            return None if container.exit_code is None else f"with exit code {container.exit_code} while starting"

        starting = StartingServer(container.log_text, ended, self._image, poll=0.2)
        url = wait_until_up(
            starting,
            lambda _: f"http://127.0.0.1:{self._around.network.publish(self._alias, _PORT)}",
            timeout=timeout,
        )
        self.isolation = self._prove(container)
        return url


def _server_folders(named: Mapping[str, Path]) -> ServerFolders:
    return ServerFolders(**{name.replace("-", "_"): path for name, path in named.items()})
