"""The things a rehearsal passes on: instances, folders, the backup set, the upgraded instance.

Each is made in one place and never changed afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tidegate.secrets import Secret
from tidegate.versions import Version


@dataclass(frozen=True, slots=True)
class SqlServerAddress:
    """A SQL Server and how to log in to it."""

    server: str  # "host,port" as ODBC and ADO.NET write it
    user: str
    password: Secret
    encrypt: bool = True
    trust_server_certificate: bool = False
    odbc_driver: str = ""  # a registered name or a path; empty: choose by itself
    login_timeout: int = 15  # seconds


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """One database on one SQL Server."""

    server: SqlServerAddress
    name: str


@dataclass(frozen=True, slots=True)
class ServerFolders:
    """Server folders as the harness can read (and, on a test instance, write) them."""

    packages: Path
    artifacts: Path
    task_logs: Path
    imports: Path | None = None
    event_exports: Path | None = None

    def named(self) -> dict[str, Path]:
        """The folders there are, under the names of the backup set."""
        every = {
            "packages": self.packages,
            "artifacts": self.artifacts,
            "task-logs": self.task_logs,
            "imports": self.imports,
            "event-exports": self.event_exports,
        }
        return {name: path for name, path in every.items() if path is not None}


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells two instances apart, so that a destructive call can prove which one it talks to."""

    url: str
    installation_id: str
    sql_server: str
    database: str
    database_guid: (
        str  # sys.database_recovery_status.database_guid, or service_broker_guid: changes with a restore; "" unknown
    )


@dataclass(frozen=True, slots=True)
class SharedFolder:
    """A folder that SQL Server and the harness both see, perhaps under two names. Backups travel through it."""

    on_server: str
    here: Path


@dataclass(frozen=True, slots=True)
class MainInstance:
    """The production instance: read, never changed except for what `MainWrites` journals."""

    url: str
    api_key: Secret
    version: Version
    database: DatabaseAddress
    folders: ServerFolders
    backup_folder: SharedFolder
    master_key: Secret
    license: Secret | None
    identity: Identity


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a folder manifest."""

    path: str  # relative, with forward slashes
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DatabaseBackup:
    """A database backup that was verified by restoring it."""

    file: SharedFolder  # the .bak itself, under both names
    sha256: str
    size: int
    database: str
    finished: datetime
    first_lsn: str
    row_counts: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class MainMark:
    """How far the main instance was when it was copied; what is not in here was not rehearsed.

    ``audited`` is when the newest audit event happened by the main instance's own clock (None: there was none), and
    ``newest`` the ids of the events of that moment. ``schema`` is the digest of the journal of schema scripts.
    """

    version: Version
    schema: str
    scripts: int
    audited: datetime | None
    newest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepTiming:
    """How long one of the vendor's steps took, in seconds."""

    step: str
    seconds: float


@dataclass(frozen=True, slots=True)
class BackupSet:
    """Everything a rollback of the main instance needs, with proof that it can be used."""

    folder: Path
    version: Version
    database: DatabaseBackup
    manifests: dict[str, tuple[FileEntry, ...]]
    master_key: Secret
    license: Secret | None
    key_proof: str  # which known secret the master key opened; never the secret
    taken: datetime
    mark: MainMark
    timings: tuple[StepTiming, ...] = ()  # what lay inside the outage


@dataclass(frozen=True, slots=True)
class TestInstance:
    """A sanitised clone and the way to it; the harness may write to it."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    url: str
    api_key: Secret
    version: Version
    database: DatabaseAddress
    folders: ServerFolders
    master_key: Secret
    identity: Identity


@dataclass(frozen=True, slots=True)
class UpgradedInstance:
    """The test instance after one hop or more, and what the upgrade said and took."""

    instance: TestInstance
    from_version: Version
    scripts: tuple[str, ...]  # journal entries the upgrade added, in order
    timings: tuple[StepTiming, ...]
    log: Path
