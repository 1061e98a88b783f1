"""A main instance that a cut-over works on, and how it has to be afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.wire.database_layer.main_machine import Machine, RemoteHost
from tidegate.cutover.journal import CutOverJournal
from tidegate.cutover.procedure import Work
from tidegate.cutover.running import Ended, run_cut_over
from tidegate.providers.contract import SqlServerHost
from tidegate.rehearsal.folders import describe_folder
from tidegate.rehearsal.instances import FileEntry, MainInstance, SharedFolder
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.image import DatabaseImage, database_image, image_differences
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.reaper import owned_databases
from tidegate.sqlserver.restore import replace_database
from tidegate.versions import Version, plan, release_knowledge

TARGET = Version(2019, 13, 5)
PLAN = plan(Version(2018, 12, 1), TARGET, release_knowledge())
#: What changes because the server runs: its heartbeat, and how its maintenance mode and draining are written down.
LIVING = ("rows of dbo.OctopusServerNode:", "rows of dbo.Configuration:")


def nothing(_: str) -> None:
    """A report that nobody reads."""


@dataclass
class Looked:
    """Checks that find what a test wants to be found."""

    found: list[str] = field(default_factory=list[str])
    covered: str = "whatever the test says"

    def before(self) -> None:
        """Nothing has to be remembered."""

    def after(self) -> Sequence[str]:
        return self.found


@dataclass
class Standing:
    """A main instance that outlives every attempt on it."""

    main: MainInstance
    machine: Machine
    address: str
    sql: SqlServerHost
    folder: Path
    said: list[str] = field(default_factory=list[str])
    holds: Callable[[], str] = lambda: ""
    checks: Looked = field(default_factory=Looked)

    def work(self, journal: CutOverJournal | None = None) -> Work:
        return Work(
            main=self.main,
            host=RemoteHost(self.address, self.sql, self.main.folders),
            plan=PLAN,
            installers={str(TARGET): f"sha256:{TARGET}"},
            name="abc123",
            folder=self.folder,
            journal=journal or self.journal,
            checks=self.checks,
            report=self.said.append,
        )

    @property
    def journal(self) -> CutOverJournal:
        return CutOverJournal(self.folder / "journal.jsonl")

    def run(self, *, roll_back: bool = False) -> Ended:
        return run_cut_over(self.work(), self.holds, roll_back=roll_back)

    def image(self) -> DatabaseImage:
        with SqlServer(self.main.database.server, self.main.database.name) as server:
            return database_image(server)

    def files(self) -> dict[str, tuple[FileEntry, ...]]:
        return {name: describe_folder(folder) for name, folder in self.main.folders.named().items()}

    def reset(self, backup: SharedFolder) -> None:
        """To the old version the short way, where the way itself is not what is tested."""
        database = self.main.database
        self.machine.act("stop", {})
        with SqlServer(database.server) as server:
            replace_database(server, backup.on_server, database.name, permission=lambda: None, report=nothing)
        self.machine.act("install", {"version": "2018.12.1"})
        self.machine.act("start", {})

    def scratch(self) -> list[OwnedDatabase]:
        with SqlServer(self.sql.address) as server:
            return [one for one in owned_databases(server) if one.purpose == "verify"]


def assert_upgraded(standing: Standing) -> None:
    machine = standing.machine
    assert machine.running
    assert machine.octopus.version == str(TARGET)
    assert not machine.octopus.maintenance
    assert not machine.octopus.recalls("drain")
    with SqlServer(standing.main.database.server, standing.main.database.name) as server:
        assert server.value("SELECT COUNT(*) FROM dbo.SchemaVersions WHERE ScriptName = ?", f"Script {TARGET}") == 1


def assert_old(standing: Standing, before: DatabaseImage, files: dict[str, tuple[FileEntry, ...]]) -> None:
    machine = standing.machine
    assert machine.running
    assert machine.octopus.version == "2018.12.1"
    assert not machine.octopus.maintenance
    assert not machine.octopus.recalls("drain")
    different = [one for one in image_differences(before, standing.image()) if not one.startswith(LIVING)]
    assert different == []
    assert standing.files() == files
    assert standing.scratch() == []
