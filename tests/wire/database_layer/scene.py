"""A main instance and a test host that are real where the database layer looks: databases, folders, and a small API."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from tests.wire.database_layer.octopus_tables import create_tables, put
from tests.wire.rehearsal.small_octopus import API_KEY, SmallOctopus
from tidegate.providers.contract import CommandResult, SqlServerHost
from tidegate.rehearsal.instances import (
    DatabaseAddress,
    Identity,
    MainInstance,
    ServerFolders,
    SharedFolder,
)
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.identity import database_identity
from tidegate.sqlserver.sanitise import installation_id, prove_sanitised
from tidegate.versions import Version

KEY = base64.b64encode(bytes(range(16))).decode()
NOW = "2021-06-01T10:00:00+00:00"
MAIN_ID = "0b7e5a60-0000-4000-8000-00000000000a"
#: A sensitive variable's plain value: nothing that a rehearsal leaves behind may show it.
CANARY = "canary-sensitive-variable-value"


def sealed(plain: str, key: str = KEY) -> str:
    """A sensitive value as the server stores it."""
    iv = os.urandom(16)
    padder = PKCS7(128).padder()
    encryptor = Cipher(AES(base64.b64decode(key)), CBC(iv)).encryptor()
    text = encryptor.update(padder.update(plain.encode()) + padder.finalize()) + encryptor.finalize()
    return f"{base64.b64encode(text).decode()}|{base64.b64encode(iv).decode()}"


def fill_main(server: SqlServer) -> None:
    """A little of everything that makes a copy dangerous, and a secret to prove the master key with."""
    create_tables(server)
    put(server, "Configuration", "upgradeavailability", {"InstallationId": MAIN_ID})
    put(server, "Configuration", "smtp", {"SmtpHost": "mail.example.com"})
    put(server, "Certificate", "certificate-global", {"CertificateData": sealed("a certificate")}, Name="Octopus")
    variables = {"Variables": [{"Name": "Password", "Type": "Sensitive", "Value": sealed(CANARY)}]}
    put(server, "VariableSet", "variableset-Projects-1", variables, OwnerId="Projects-1", IsFrozen=0)
    put(server, "Project", "Projects-1", Name="Web", AutoCreateRelease=1)
    put(server, "ProjectTrigger", "ProjectTriggers-1", Name="Nightly", IsDisabled=0)
    put(server, "Machine", "Machines-1", Name="web01", IsDisabled=0)
    put(server, "OctopusServerNode", "OctopusServerNodes-MAIN", Name="MAIN", LastSeen=NOW)
    put(server, "ServerTask", "ServerTasks-1", Name="Deploy", State="Queued", QueueTime=NOW, HasPendingInterruptions=0)
    put(server, "OctopusServerInstallationHistory", "H-1", Node="MAIN", Version="2018.12.1", Installed=NOW)
    server.execute("INSERT INTO dbo.SchemaVersions (ScriptName, Applied) VALUES ('Script0001', GETUTCDATE())")


def main_instance(octopus: SmallOctopus, host: SqlServerHost, database: str, folder: Path) -> MainInstance:
    """The main instance whose API is ``octopus``, with files in its folders."""
    folders = ServerFolders(folder / "packages", folder / "artifacts", folder / "logs")
    for name, path in folders.named().items():
        (path / "Spaces-1").mkdir(parents=True)
        (path / "Spaces-1" / f"{name}.bin").write_bytes(name.encode())
    octopus.installation_id = MAIN_ID
    with SqlServer(host.address, database) as server:
        guid = database_identity(server).guid
    return MainInstance(
        url=octopus.url,
        api_key=Secret.generated("the main instance's API key", API_KEY),
        version=Version(2018, 12, 1),
        database=DatabaseAddress(host.address, database),
        folders=folders,
        backup_folder=SharedFolder(host.backups.on_server, host.backups.here),
        master_key=Secret.generated("the main instance's master key", KEY),
        license=None,
        identity=Identity(octopus.url, MAIN_ID, host.address.server, database, guid),
    )


def _nothing(_: DatabaseAddress) -> None:
    """What a server does to its database unless a test says otherwise."""


@dataclass
class SmallHost:
    """A `TestHost` whose server is a small Octopus; it writes down what it is told, in order."""

    sql_server: SqlServerHost
    octopus: SmallOctopus
    root: Path
    node_name: str = "CLONE"
    calls: list[str] = field(default_factory=list[str])
    #: What `database --upgrade` does to the database, and how it ends: one entry for each call.
    upgrades: list[Callable[[DatabaseAddress], CommandResult]] = field(
        default_factory=list[Callable[[DatabaseAddress], CommandResult]]
    )
    #: What the server does to its database while it starts.
    on_start: Callable[[DatabaseAddress], None] = _nothing
    exit_codes: dict[str, int] = field(default_factory=dict[str, int])
    log: str = "Web server is ready to process requests\n"
    database: DatabaseAddress | None = None
    harmless_at_start: bool | None = None

    @property
    def folders(self) -> ServerFolders:
        return ServerFolders(self.root / "packages", self.root / "artifacts", self.root / "logs")

    @property
    def server_paths(self) -> ServerFolders:
        return self.folders

    @property
    def node_names(self) -> Sequence[str]:
        return [self.node_name]

    def fetch(self, version: Version) -> None:
        self.calls.append(f"fetch {version}")

    def install(self, version: Version) -> None:
        self.calls.append(f"install {version}")
        self.octopus.version = str(version)

    @property
    def installed(self) -> Mapping[str, str]:
        return {call.removeprefix("install "): "sha256:0" for call in self.calls if call.startswith("install ")}

    def configure(self, database: DatabaseAddress, master_key: Secret) -> None:
        assert master_key.reveal() == KEY
        self.calls.append("configure")
        self.database = database

    def octopus_server(self, command: str, options: Sequence[str] = (), *, timeout: float = 600) -> CommandResult:
        self.calls.append(" ".join([command, *options]).replace(str(self.root), "ROOT"))
        if command == "path":
            named = {"PackagesDirectory": "packages", "ArtifactsDirectory": "artifacts", "LogsDirectory": "logs"}
            self.octopus.folders = {name: str(self.root / folder) for name, folder in named.items()}
        return CommandResult(f"Octopus.Server {command}", self.exit_codes.get(command, 0), "output of it", 0.1)

    def upgrade_database(self, *, timeout: float = 3600) -> CommandResult:
        assert self.database is not None
        self.calls.append("database --upgrade")
        return self.upgrades.pop(0)(self.database)

    def start(self, *, timeout: float = 300) -> str:
        assert self.database is not None
        self.calls.append("start")
        with SqlServer(self.database.server, self.database.name) as server:
            if self.harmless_at_start is None:
                prove_sanitised(server)
                self.harmless_at_start = True
                self.octopus.maintenance = True  # the backup was taken in maintenance mode, and the copy remembers it
            if not self.octopus.installation_id:
                self.octopus.installation_id = installation_id(server)
        self.on_start(self.database)
        if not self.octopus.nodes:
            self.octopus.nodes = [{"Id": "OctopusServerNodes-CLONE", "Name": "CLONE", "MaxConcurrentTasks": 0}]
        return self.octopus.url

    def stop(self) -> None:
        self.calls.append("stop")

    def server_log(self) -> str:
        return self.log

    def log_files(self) -> Sequence[Path]:
        return []

    def remove(self) -> None:
        self.calls.append("remove")
