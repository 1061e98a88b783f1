"""What a user may configure. One class a section of the settings file; every default works for the embedded run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from tidegate.checks.finding import Severity
from tidegate.gate.policy import REQUIRED_CHECKS
from tidegate.gate.signing import public_key
from tidegate.rehearsal.budget import Budget
from tidegate.secrets import Secret
from tidegate.settings.hosts import HostSettings, MainOnHostSettings
from tidegate.settings.section import HttpUrl, Section
from tidegate.versions import Version


class DatabaseSettings(Section):
    """The main instance's database and the login for backup and inspection."""

    server: str = Field(description='as ODBC writes it: "host", "host,port" or "host\\\\instance"')
    name: str
    user: str
    password: Secret
    encrypt: bool = True
    trust_server_certificate: bool = False


class FolderSettings(Section):
    """The main instance's server folders, as this machine can read them."""

    packages: Path
    artifacts: Path
    task_logs: Path
    imports: Path | None = None
    event_exports: Path | None = None


class BackupFolderSettings(Section):
    """The folder through which backups travel: its name on the SQL Server, and here when that differs."""

    on_server: str
    here: Path | None = None

    @property
    def local(self) -> Path:
        return self.here or Path(self.on_server)


class EmbeddedNodeSettings(Section):
    """One more node of an embedded main instance."""

    folder: Path
    url: HttpUrl = Field(description="how this node itself is reached")


class EmbeddedMainHostSettings(Section):
    """The machine of an embedded main instance; with ``other_nodes`` that of the node which leads."""

    provider: Literal["embedded"] = "embedded"
    folder: Path = Field(description="the folder of an embedded main instance, as `tidegate lab` made it")
    url: HttpUrl | None = Field(default=None, description="how it is reached itself, where [main] url is another's")
    other_nodes: tuple[EmbeddedNodeSettings, ...] = ()


class MainInContainerSettings(Section):
    """The container that the main instance runs in, on this machine's Docker engine, or one for each of its nodes."""

    provider: Literal["containers"]
    container: str = Field(default="", description="its name, or")
    nodes: tuple[str, ...] = Field(
        default=(), description="the names of all nodes' containers, the leading one first, or"
    )
    service: str = Field(default="", description="its service in Docker Compose, and where that is not enough")
    project: str = Field(default="", description="the Compose project")

    @model_validator(mode="after")
    def _named_once(self) -> MainInContainerSettings:
        if sum(map(bool, (self.container, self.service, self.nodes))) != 1:
            raise ValueError("name the main instance's container, its service, or the containers of all its nodes")
        if len(set(self.nodes)) < len(self.nodes):
            raise ValueError("a node is named twice")
        return self


def _provider_of(told: Any) -> str:
    """Which machine of the main instance is described: the embedded one, unless something else is said."""
    if isinstance(told, Mapping):
        return str(cast("Mapping[str, Any]", told).get("provider", "embedded"))
    return str(getattr(told, "provider", ""))


#: The machine that the main instance runs on, for its cut-over; a rehearsal needs none.
MainHostSettings = Annotated[
    Annotated[EmbeddedMainHostSettings, Tag("embedded")]
    | Annotated[MainInContainerSettings, Tag("containers")]
    | Annotated[MainOnHostSettings, Tag("host")],
    Discriminator(
        _provider_of,
        custom_error_type="provider",
        custom_error_message='provider: a cut-over knows machines of the kinds "embedded", "containers" and "host"',
    ),
]


class MainSettings(Section):
    """The main instance. Without this section an embedded sample instance plays its part."""

    url: HttpUrl
    api_key: Secret
    master_key: Secret
    license: Secret | None = None
    database: DatabaseSettings
    folders: FolderSettings
    backup_folder: BackupFolderSettings
    host: MainHostSettings | None = None


class EmbeddedSettings(Section):
    """The sample main instance that is made when no main instance is configured."""

    version: Version = Version(2018, 12, 1)
    size: Literal["s", "m", "l"] = "s"
    seed: int = 1


class UpgradeSettings(Section):
    """Where the upgrade goes. ``via`` names versions that the path must touch, in order."""

    target: Version = Version(2021, 1, 7500)
    via: tuple[Version, ...] = ()
    budget_minutes: float = Field(default=30, gt=0, description="a schema upgrade may take this long, and")
    budget_minutes_per_gb: float = Field(default=10, ge=0, description="this much more for each gigabyte of data")

    @property
    def budget(self) -> Budget:
        return Budget(self.budget_minutes * 60, self.budget_minutes_per_gb * 60)


class FeedSettings(Section):
    """Where versions are listed and installers come from; without a URL the embedded feed plays Octopus's downloads."""

    url: HttpUrl | None = None


class TestInstanceSettings(Section):
    """Where the clone lives and what becomes of it afterwards."""

    __test__ = False

    provider: Literal["embedded", "containers", "host"] = "embedded"
    sql_server: Literal["same", "container"] = Field(
        default="same", description="container: only the SQL Server is a container, whatever the provider"
    )
    nodes: int = Field(default=1, ge=1, le=8, description="nodes over one database")
    keep: Literal["never", "on-failure", "always"] = "never"
    approach: Literal["clone", "subset"] = Field(
        default="clone", description="subset: chosen projects in a fresh instance instead of everything"
    )
    projects: tuple[str, ...] = Field(default=(), description='of a subset: "Project", or "Space/Project"')
    export_from_main: bool = Field(
        default=False,
        description="you agree that an export runs on the main instance, before 2021.1 in maintenance mode",
    )

    @model_validator(mode="after")
    def _whole_approach(self) -> TestInstanceSettings:
        if self.approach == "clone" and (self.projects or self.export_from_main):
            raise ValueError('projects and export_from_main belong to approach = "subset"')
        if self.approach == "subset" and not self.projects:
            raise ValueError('approach = "subset" needs projects, such as ["Storefront", "Other space/Billing"]')
        if self.approach == "subset" and self.provider == "host":
            raise ValueError(
                "a subset on hosts is not available: the key of a fresh instance's first administrator would have to "
                "be given on a command line, where others can read it"
            )
        if self.approach == "subset" and not self.export_from_main:
            raise ValueError(
                "a subset is exported on the main instance: a server task that stays in its history, a file that is "
                "deleted once it is fetched, and before 2021.1 maintenance mode meanwhile; set export_from_main = true "
                "to agree"
            )
        return self


class ContainerSettings(Section):
    """Images of the servers, and what their containers may use."""

    accept_eula: bool = Field(default=False, description="you accept the licences of the images' makers")
    octopus_image: str = Field(
        default="octopusdeploy/octopusdeploy:{version}", description="{version} stands for the version to run"
    )
    sql_server_image: str = "mcr.microsoft.com/mssql/server:2019-latest"
    gateway_image: str = Field(default="python:3.13-slim", description="any image with Python 3.7 or newer")
    backups: Path | None = Field(
        default=None, description="a folder, perhaps a share, through which backups travel instead of one of the run's"
    )
    sql_server_memory: int | None = Field(default=None, ge=2000, description="MiB; SQL Server needs 2000 at least")
    start_timeout: int = Field(default=300, ge=10, description="seconds until a server must answer")
    lifetime: int = Field(default=48, ge=1, description="hours after which kept or forgotten containers are reaped")
    free_disk: int = Field(default=10, ge=0, description="GiB that must be free before anything is started")

    @field_validator("octopus_image")
    @classmethod
    def _names_the_version(cls, name: str) -> str:
        if "{version}" not in name:
            raise ValueError("must contain {version}: every version has an image of its own")
        return name

    def octopus_image_of(self, version: Version) -> str:
        return self.octopus_image.replace("{version}", str(version))


class SqlServerSettings(Section):
    """How this machine talks to any SQL Server."""

    odbc_driver: str = Field(default="", description="a driver's registered name or the path of its library")
    login_timeout: int = Field(default=15, ge=1, le=600, description="seconds")


class ScriptSettings(Section):
    """One of the organisation's own API scripts. It finds OCTOPUS_URL and OCTOPUS_API_KEY in its environment."""

    name: str
    command: tuple[str, ...] = Field(min_length=1)
    timeout: int = Field(default=60, ge=1, description="seconds")


class IntegrationSettings(Section):
    """What else talks to the main instance and must go on working."""

    scripts: tuple[ScriptSettings, ...] = ()
    traffic: tuple[Path, ...] = Field(default=(), description="recorded calls: HAR files or access logs")


class PolicySettings(Section):
    """What the verdict demands."""

    blocking: tuple[Severity, ...] = (Severity.BREAKING, Severity.DEGRADED)
    required_checks: tuple[str, ...] = Field(default=REQUIRED_CHECKS, min_length=1)
    waivers: Path | None = None
    maximum_age: int = Field(default=168, ge=1, description="hours from the copy of the main instance to its upgrade")
    maximum_drift: int = Field(default=0, ge=0, description="audit events that matter, from the copy to the upgrade")
    outage_window: int | None = Field(default=None, ge=1, description="minutes the upgrade's own steps may take")
    recovery_time_objective: int | None = Field(default=None, ge=1, description="minutes")
    approvals: int = Field(default=1, ge=1, description="approvers that must say yes")
    separation_of_duties: bool = False
    subset_is_enough: bool = Field(default=False, description="a rehearsal of a subset may open the cut-over")


class ApproverSettings(Section):
    """Somebody whose signature counts, and the names under which they may have run a rehearsal."""

    name: str = Field(min_length=1)
    key: Annotated[str, AfterValidator(public_key)]
    logins: tuple[str, ...] = ()


class EvidenceSettings(Section):
    """``key`` is an Ed25519 key that a run signs its evidence with, so that nobody can invent a run."""

    key: Secret | None = None


class ApprovalSettings(Section):
    """Who may approve. ``rehearsed_by`` names who runs the rehearsal where the environment does not tell; where
    ``runners`` are named, only runs signed with one of these keys can be approved.
    """

    approvers: tuple[ApproverSettings, ...] = ()
    runners: tuple[Annotated[str, AfterValidator(public_key)], ...] = ()
    rehearsed_by: str = ""

    @model_validator(mode="after")
    def _each_once(self) -> ApprovalSettings:
        for what, values in {
            "name": [one.name.casefold() for one in self.approvers],
            "key": [one.key for one in self.approvers],
        }.items():
            if len(set(values)) < len(values):
                raise ValueError(f"two approvers have the same {what}: one person would count twice")
        return self


class ReportSettings(Section):
    """Where runs leave their results."""

    folder: Path = Path("reports")
    pdf: bool = Field(default=True, description="also lay out the change-board document as PDF, where WeasyPrint is")


class Settings(Section):
    """The whole configuration of a run."""

    main: MainSettings | None = None
    embedded: EmbeddedSettings = EmbeddedSettings()
    upgrade: UpgradeSettings = UpgradeSettings()
    feed: FeedSettings = FeedSettings()
    test_instance: TestInstanceSettings = TestInstanceSettings()
    containers: ContainerSettings = ContainerSettings()
    host: HostSettings | None = None
    sql_server: SqlServerSettings = SqlServerSettings()
    integrations: IntegrationSettings = IntegrationSettings()
    policy: PolicySettings = PolicySettings()
    evidence: EvidenceSettings = EvidenceSettings()
    approval: ApprovalSettings = ApprovalSettings()
    reports: ReportSettings = ReportSettings()

    @model_validator(mode="after")
    def _embedded_needs_no_main(self) -> Settings:
        if self.main is not None and "embedded" in self.model_fields_set:
            raise ValueError("[main] and [embedded] exclude each other: the embedded instance plays the main instance")
        return self

    @property
    def package(self) -> str:
        """How the names of the installers end that are installed here: on Windows it is the MSI."""
        machines = [self.host, self.main.host if self.main else None]
        windows = any(getattr(machine, "system", "linux") == "windows" for machine in machines)
        return "msi" if windows else "tar.gz"
