"""The embedded host: an Octopus Server installation as a local process, everything inside the run's own folder."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import final

from tidegate.digests import sha256_of
from tidegate.errors import HarnessError, ProvisioningFailed, TidegateError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.octopus.instance_configuration import (
    CONNECTION_STRING,
    HOME,
    LISTEN_PREFIXES,
    MASTER_KEY,
    NODE_NAME,
    SERVICES_PORT,
    ado_connection_string,
    write_instance_configuration,
)
from tidegate.octopus.start_up import StartingServer, wait_until_up
from tidegate.providers.contract import CommandResult, SqlServerHost
from tidegate.providers.embedded_servers import EmbeddedSqlServer, SqlServerSource
from tidegate.providers.first_start import first_start
from tidegate.providers.leftovers import Leftovers
from tidegate.providers.processes import ChildProcess, run_command
from tidegate.rehearsal.instances import DatabaseAddress, ServerFolders
from tidegate.secrets import Secret
from tidegate.versions import Version


@final
class EmbeddedHost:
    """One Octopus Server installation with its instance, configuration and server folders (a `TestHost`)."""

    def __init__(
        self,
        folder: Path,
        feed: Callable[[], DownloadFeed],
        leftovers: Leftovers,
        *,
        node_name: str,
        shared: Path | None = None,
        sql_server: SqlServerSource | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._feed = feed
        self._leftovers = leftovers
        self._sql_server = sql_server or EmbeddedSqlServer(folder / "sql", leftovers)
        self._environment: Mapping[str, str] = {} if environment is None else environment  # read at every start
        self._node_name = node_name
        self._shared = shared or folder / "home"
        self._installed: dict[str, str] = {}
        self._process: ChildProcess | None = None
        folder.mkdir(parents=True, exist_ok=True)
        leftovers.folder(folder)

    @property
    def node_name(self) -> str:
        return self._node_name

    @property
    def node_names(self) -> Sequence[str]:
        return [self._node_name]

    @property
    def sql_server(self) -> SqlServerHost:
        return self._sql_server.host

    @property
    def folders(self) -> ServerFolders:
        shared = self._shared
        return ServerFolders(
            packages=shared / "Packages",
            artifacts=shared / "Artifacts",
            task_logs=shared / "TaskLogs",
            imports=shared / "Imports",
            event_exports=shared / "EventExports",
        )

    @property
    def server_paths(self) -> ServerFolders:
        return self.folders

    @property
    def container_root(self) -> Path:
        """Where the container contract mounts its volumes."""
        return self._folder / "volumes"

    @property
    def _home(self) -> Path:
        return self._folder / "home"

    @property
    def _configuration(self) -> Path:
        return self._home / "OctopusServer.config"

    @property
    def _executable(self) -> Path:
        return self._folder / "install" / "Octopus.Server"

    @property
    def _log(self) -> Path:
        return self._folder / "octopus-server.log"

    def fetch(self, version: Version) -> None:
        self._feed().installer(version, self._folder / "downloads")

    def install(self, version: Version) -> None:
        """Unpacks the installer beside the current installation and swaps the folders, as an upgrade in place does."""
        archive = self._feed().installer(version, self._folder / "downloads")
        fresh = self._folder / "install.new"
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            _unpack(archive, fresh)
        except (tarfile.TarError, OSError) as error:
            raise ProvisioningFailed(
                f"the installer of {version} cannot be unpacked: {error}", where=str(archive)
            ) from None
        installed = self._executable.parent
        shutil.rmtree(installed, ignore_errors=True)
        fresh.rename(installed)
        self._installed[str(version)] = f"sha256:{sha256_of(archive)}"

    @property
    def installed(self) -> Mapping[str, str]:
        return dict(self._installed)

    def configure(self, database: DatabaseAddress, master_key: Secret) -> None:
        write_instance_configuration(
            self._configuration,
            {
                HOME: str(self._home),
                CONNECTION_STRING: ado_connection_string(database),
                MASTER_KEY: master_key.reveal(),
                NODE_NAME: self._node_name,
                LISTEN_PREFIXES: "http://localhost:0/",
                SERVICES_PORT: "0",
            },
        )

    def create_instance(self, database: DatabaseAddress, master_key: Secret, administrator_key: Secret) -> None:
        """By the container contract: its environment is the one way to give a first administrator a key unseen."""
        self.start_container(
            {
                **first_start(ado_connection_string(database), master_key, self._node_name, administrator_key),
                "OCTOPUS_STANDIN_ROOT": str(self.container_root),
                "OCTOPUS_STANDIN_HTTP_PORT": "0",
            }
        )
        self.stop()
        shutil.rmtree(self.container_root, ignore_errors=True)
        self.configure(database, master_key)

    def octopus_server(self, command: str, options: Sequence[str] = (), *, timeout: float = 600) -> CommandResult:
        if not self._executable.exists():
            raise HarnessError("no Octopus Server is installed on this host yet", where=str(self._executable))
        return run_command(
            f"Octopus.Server {command}",
            [str(self._executable), command, "--config", str(self._configuration), *options],
            timeout=timeout,
            leftovers=self._leftovers,
            environment=self._environment,
        )

    def upgrade_database(self, *, timeout: float = 3600) -> CommandResult:
        return self.octopus_server("database", ["--upgrade"], timeout=timeout)

    def start(self, *, timeout: float = 300) -> str:
        if self._process is not None and self._process.exit_code is None:
            raise HarnessError("this host's Octopus Server is running already", where=str(self._folder))
        self._log.unlink(missing_ok=True)
        return self._start(["run", "--config", str(self._configuration)], {}, timeout)

    def start_container(self, environment: Mapping[str, str], *, timeout: float = 300) -> str:
        """Create and run an instance by the container contract, everything from environment variables; the URL."""
        return self._start(["container"], environment, timeout)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def server_log(self) -> str:
        return self._process.log_text() if self._process else _text(self._log)

    def log_files(self) -> Sequence[Path]:
        return [path for path in (self._log, self._folder / "sql" / "sqlserver.log") if path.exists()]

    def remove(self) -> None:
        self.stop()
        self._sql_server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, arguments: Sequence[str], environment: Mapping[str, str], timeout: float) -> str:
        process = ChildProcess(
            "the Octopus Server",
            [str(self._executable), *arguments, "--console", "--noninteractive", "--exit-with-stdin"],
            log=self._log,
            environment={**self._environment, **environment},
            leftovers=self._leftovers,
        )
        self._process = process

        def ended() -> str | None:
            return None if process.exit_code is None else f"with exit code {process.exit_code} while starting"

        starting = StartingServer(process.log_text, ended, str(self._log))
        try:
            # The name may resolve to another address family first, or, on a bare machine, not at all.
            return wait_until_up(
                starting, lambda address: address.replace("//localhost:", "//127.0.0.1:"), timeout=timeout
            )
        except TidegateError:
            self.stop()
            raise


def _unpack(archive: Path, folder: Path) -> None:
    """Regular files with names inside ``folder`` only (`extractall` has its safe filter from Python 3.11.4 on)."""
    with tarfile.open(archive) as content:
        for member in content.getmembers():
            target = (folder / member.name).resolve()
            source = content.extractfile(member) if member.isreg() else None
            if source is None or folder.resolve() not in target.parents:
                raise tarfile.TarError(f"{member.name!r} is no file of an installer")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read())
            target.chmod(member.mode & 0o755)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
