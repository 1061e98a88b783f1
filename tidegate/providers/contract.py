"""What a provider gives: a SQL Server and a host for one test instance.

Nothing outside this package knows which kind of provider it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from tidegate.rehearsal.instances import DatabaseAddress, ServerFolders, SharedFolder, SqlServerAddress
from tidegate.secrets import Secret
from tidegate.versions import Version


@dataclass(frozen=True, slots=True)
class SqlServerHost:
    """A SQL Server that clones may be restored on.

    ``backups`` is where the harness puts a backup file so that this server can restore it; ``data_folder`` is where
    the server keeps database files (its own path), for RESTORE … WITH MOVE.
    """

    address: SqlServerAddress
    backups: SharedFolder
    data_folder: str


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How one `Octopus.Server` command ended. ``output`` is standard output and error as they came, redacted."""

    command: str
    exit_code: int
    output: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.exit_code == 0


class TestHost(Protocol):
    """Where one test instance lives. Calls are made by one thread, in the order of the upgrade guide."""

    __test__ = False

    @property
    def sql_server(self) -> SqlServerHost:
        """The SQL Server for the clone's database; provisioned on first use."""
        ...

    @property
    def folders(self) -> ServerFolders:
        """Where the clone's server folders are, as the harness writes them; empty until the clone step fills them."""
        ...

    @property
    def server_paths(self) -> ServerFolders:
        """The same folders as the Octopus Server itself must name them (`path` command)."""
        ...

    @property
    def node_name(self) -> str: ...

    @property
    def node_names(self) -> Sequence[str]:
        """Every node of the instance, the one above first."""
        ...

    def fetch(self, version: Version) -> None:
        """Bring this version's installer or image here and verify it, while everything still runs; changes nothing."""
        ...

    def install(self, version: Version) -> None:
        """Put this version's binaries in place (checksum verified); replaces an installed version, starts nothing."""
        ...

    @property
    def installed(self) -> Mapping[str, str]:
        """Every version this host was given so far, with the digest of what it was given: of its installer
        (``sha256:…``) or of its image. An approval is bound to them.
        """
        ...

    def configure(self, database: DatabaseAddress, master_key: Secret) -> None:
        """Write the instance configuration: database, master key, node name, listen prefix. Starts nothing."""
        ...

    def octopus_server(self, command: str, options: Sequence[str] = (), *, timeout: float = 600) -> CommandResult:
        """Run the installed `Octopus.Server COMMAND OPTIONS…` for this instance and wait for its end.

        No option may hold a secret. A time-out raises :class:`tidegate.errors.TimedOut`; a bad exit code does not.
        """
        ...

    def upgrade_database(self, *, timeout: float = 3600) -> CommandResult:
        """The vendor's schema upgrade: `database --upgrade` on hosts; in containers it is part of the next start."""
        ...

    def start(self, *, timeout: float = 300) -> str:
        """Start the server and wait until `GET /api` answers 200 and its log says it is ready.

        Returns the URL. Raises :class:`tidegate.errors.UpgradeFailed` with the last log lines when the server ends or
        stays silent: a server that does not start is an answer about the version, not trouble of the harness.
        """
        ...

    def stop(self) -> None:
        """Stop the server in an orderly way; nothing happens when it does not run."""
        ...

    def server_log(self) -> str:
        """The server's log so far, redacted."""
        ...

    def log_files(self) -> Sequence[Path]: ...

    def remove(self) -> None:
        """Stop everything and delete what belongs to this host. Safe to call twice."""
        ...


@runtime_checkable
class CreatesInstances(Protocol):
    """A host that can also make an instance out of nothing, which a subset of projects is imported into."""

    def create_instance(self, database: DatabaseAddress, master_key: Secret, administrator_key: Secret) -> None:
        """A new database of the installed version, with one administrator who has this API key; then configured as
        :meth:`TestHost.configure` does, and stopped. No secret reaches a command line.
        """
        ...
