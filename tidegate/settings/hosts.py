"""Machines that Octopus Server is installed on, and how they are reached."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from tidegate.secrets import Secret
from tidegate.settings.section import HttpUrl, Section


def _one_line(text: str) -> str:
    if any(ord(mark) < 32 for mark in text):
        raise ValueError("must not hold control characters")
    return text


def _no_option(text: str) -> str:
    if text.startswith("-") or any(mark.isspace() for mark in text):
        raise ValueError("write a name as ssh takes it: no spaces, and no dash in front")
    return _one_line(text)


def _path_on_a_machine(text: str) -> str:
    if not (text.startswith("/") or text[1:3] in {":\\", ":/"}):
        raise ValueError("write the whole path, beginning with / or a drive letter")
    return _one_line(text)


Name = Annotated[str, AfterValidator(_no_option)]
#: A path as another machine names it.
FarPath = Annotated[str, AfterValidator(_path_on_a_machine)]
SystemName = Literal["linux", "windows"]


class ReachSettings(Section):
    """A machine, and how the OpenSSH client gets to it. What is left out is said by the client's own configuration."""

    address: Name = Field(default="", description="as ssh names it; without one it is this machine")
    user: Name = ""
    port: int | None = Field(default=None, ge=1, le=65535)
    identity_file: Path | None = Field(default=None, description="the private key; nothing else is tried then")
    known_hosts: Path | None = Field(default=None, description="the file that names the machine's key")
    ssh_config: Path | None = Field(default=None, description="read instead of the user's own configuration")
    system: SystemName = "linux"

    @model_validator(mode="after")
    def _ssh_has_an_address(self) -> ReachSettings:
        named = [name for name in ("user", "port", "identity_file", "known_hosts", "ssh_config") if getattr(self, name)]
        if named and not self.address:
            raise ValueError(f"{', '.join(named)}: needs an address; this machine is reached without ssh")
        return self


class SharedServerFolderSettings(Section):
    """A folder that the host and this machine both see; a run's server folders are made in it."""

    on_host: FarPath
    here: Path | None = None

    @property
    def local(self) -> Path:
        return self.here or Path(self.on_host)


class CloneBackupSettings(Section):
    """A folder that the SQL Server of the clone and this machine both see; a run's backups are put into it."""

    on_server: FarPath
    here: Path | None = None

    @property
    def local(self) -> Path:
        return self.here or Path(self.on_server)


class CloneSqlServerSettings(Section):
    """A SQL Server that is there already, with a login that may create databases; the clone's is made on it."""

    server: str = Field(min_length=1, description='as this machine and the host both reach it: "host,port"')
    user: str
    password: Secret
    encrypt: bool = True
    trust_server_certificate: bool = False
    backups: CloneBackupSettings
    data_folder: FarPath | None = Field(default=None, description="for database files; default: the server's own")


class HostSettings(ReachSettings):
    """The machine that the test instance is installed on, and the SQL Server of its database."""

    folder: FarPath = Field(description="on the host; everything a run puts there is in a folder of its own below it")
    install_folder: FarPath | None = Field(
        default=None, description="Windows: where the MSI installs to, when not to its default"
    )
    url: HttpUrl = Field(
        default="http://127.0.0.1:0", description="how the test instance is reached from here; port 0: any that is free"
    )
    server_folders: SharedServerFolderSettings
    sql_server: CloneSqlServerSettings
    free_disk: int = Field(default=10, ge=0, description="GiB that must be free on the host before anything is started")
    lifetime: int = Field(default=48, ge=1, description="hours after which kept or forgotten test instances are reaped")

    @model_validator(mode="after")
    def _fits_the_system(self) -> HostSettings:
        if self.system == "windows" and not urlsplit(self.url).port:
            raise ValueError("url: a server on Windows needs a port of its own, such as http://octopus-test:8080")
        if self.system == "linux" and self.install_folder:
            raise ValueError("install_folder: on Linux each run installs below folder; leave it out")
        return self


class OtherNodeSettings(Section):
    """One more node of a main instance that is a cluster; what is left out is as in `[main.host]`."""

    url: HttpUrl = Field(description="how this node itself is reached from here, not the load balancer before it")
    address: Name | None = None
    user: Name | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    identity_file: Path | None = None
    known_hosts: Path | None = None
    ssh_config: Path | None = None
    install_folder: FarPath | None = None
    home: FarPath | None = None
    instance: str | None = None
    work_folder: FarPath | None = None
    watchdog: bool | None = None


class MainOnHostSettings(ReachSettings):
    """The machine of the main instance, whose server is an installed service there; with ``other_nodes`` that of the
    node which leads."""

    provider: Literal["host"]
    url: HttpUrl | None = Field(default=None, description="how it is reached itself, where [main] url is another's")
    install_folder: FarPath = Field(description="where Octopus Server is installed; on Linux it is replaced as a whole")
    home: FarPath = Field(description="the instance's home folder (Octopus.Home): its Logs are in it")
    instance: str = "OctopusServer"
    work_folder: FarPath = Field(description="for installers and their logs")
    watchdog: bool = Field(default=False, description="Windows: a scheduled task starts the service when it stops")
    other_nodes: tuple[OtherNodeSettings, ...] = Field(default=(), description="all others of a cluster")

    @property
    def nodes(self) -> tuple[MainOnHostSettings, ...]:
        """A machine for each node, the leading one first."""
        alone = self.model_copy(update={"other_nodes": ()})
        others = [alone.model_copy(update=one.model_dump(exclude_none=True)) for one in self.other_nodes]
        return (alone, *others)

    @model_validator(mode="after")
    def _nodes_are_different(self) -> MainOnHostSettings:
        places = [(one.address, one.port, one.instance) for one in self.nodes]
        if len(set(places)) < len(places):
            raise ValueError("other_nodes: two nodes are the same instance on the same machine")
        return self
