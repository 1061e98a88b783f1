"""A main instance, a test host in front of real databases, and what a rehearsal does with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.wire.database_layer.scene import SmallHost
from tests.wire.rehearsal.small_octopus import SmallOctopus
from tidegate.rehearsal.backup_set import take_backup_set
from tidegate.rehearsal.clone import clone_test_instance
from tidegate.rehearsal.instances import BackupSet, MainInstance, TestInstance, UpgradedInstance
from tidegate.rehearsal.maintenance import MainWrites
from tidegate.rehearsal.upgrade import upgrade_test_instance
from tidegate.sqlserver.connection import SqlServer
from tidegate.versions import Version

TARGET = Version(2021, 1, 7500)


def nothing(_: str) -> None:
    """A report that nobody reads."""


@dataclass
class Scene:
    main_api: SmallOctopus
    clone_api: SmallOctopus
    main: MainInstance
    host: SmallHost
    folder: Path
    writes: MainWrites

    def back_up(self) -> BackupSet:
        return take_backup_set(self.main, self.writes, self.folder / "set", nothing, verify_on=self.host.sql_server)

    def clone(self, backup_set: BackupSet) -> TestInstance:
        return clone_test_instance(backup_set, self.main, self.host, nothing, run="test run")

    def upgrade(self, instance: TestInstance, report: Callable[[str], None] = nothing) -> UpgradedInstance:
        return upgrade_test_instance(
            instance, self.host, TARGET, report, main=self.main.identity, logs=self.folder / "logs-of-run"
        )

    def databases(self) -> set[str]:
        with SqlServer(self.host.sql_server.address) as server:
            return {str(name) for (name,) in server.rows("SELECT name FROM sys.databases")}
