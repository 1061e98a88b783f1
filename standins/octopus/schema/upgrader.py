"""Brings a database's schema to a version: pre-checks, always-run scripts, new scripts, then the views."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.octopus.contract import Version
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.database import Database
from standins.octopus.schema.history import applied_scripts, ensure_journal, record_script, record_version
from standins.octopus.schema.manifest import Script, scripts_of, views_of
from standins.octopus.schema.prechecks import PrecheckFailed, run_prechecks, sql_server_floor

Log = Callable[[str], None]

_LOCK: Final = "OctopusServerDatabaseUpgrade"
_RENAMED_DRIVER: Final = Version(2020, 1, 0)  # "Executing Database Server script" is the wording of later DbUp
_COMPATIBILITY: Final = Version(2020, 2, 15)  # always-run pre-scripts came with the repair of OctopusDeploy/Issues#6452


class UpgradeFailed(Exception):
    """The schema upgrade failed and was rolled back. ``hint`` is the closing message."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.hint = (
            "We encountered an error during the schema upgrade. The schema upgrade was stopped and rolled back, so "
            "nothing has been changed in your database. To get going again you can reinstall the previous version of "
            "Octopus Server, or fix the problem and run 'Octopus.Server database --upgrade' once more."
        )


@dataclass(slots=True)
class Interference:
    """How a seeded regression may disturb an upgrade: scripts of its own, and leaving out the views."""

    before_checks: Callable[[Database], None] | None = None
    extra_scripts: Sequence[Script] = ()
    before_script: Callable[[str, ScriptContext], None] | None = None
    after_scripts: Callable[[ScriptContext], None] | None = None
    before_views: Callable[[], None] | None = None
    skip_views: bool = False


def pending_scripts(database: Database, version: Version) -> list[Script]:
    done = set(applied_scripts(database))
    return [script for script in scripts_of(version) if script.name not in done]


@dataclass(frozen=True, slots=True)
class Upgrader:
    """One upgrade of one database by one server."""

    database: Database
    version: Version
    home: Path
    node: str
    log: Log
    interference: Interference

    def run(self, *, check_license: bool) -> bool:
        """Whether any script had to be run."""
        with self._alone():
            self._check(check_license)
            self._always_run()
            ensure_journal(self.database)
            pending = pending_scripts(self.database, self.version)
            if pending:
                pending += self.interference.extra_scripts
                self._execute(pending)
                if self.interference.before_views:
                    self.interference.before_views()
                if not self.interference.skip_views:
                    self._post_upgrade()
            else:
                self.log("No new scripts need to be executed - completing.")
            record_version(self.database, self.node, self.version)
        return bool(pending)

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Only one schema upgrade at a time (since August 2017, OctopusDeploy/Issues#3626)."""
        lock = (
            "DECLARE @result int; EXEC @result = sp_getapplock @Resource = N'%s', @LockMode = N'Exclusive', "
            "@LockOwner = N'Session', @LockTimeout = 0; SELECT @result"
        )
        if self.database.run(lock % _LOCK)[0][0] < 0:
            raise PrecheckFailed("Another process is upgrading this database at the moment.")
        try:
            yield
        finally:
            self.database.run(f"EXEC sp_releaseapplock @Resource = N'{_LOCK}', @LockOwner = N'Session'")

    def _check(self, check_license: bool) -> None:
        if self.interference.before_checks:
            self.interference.before_checks(self.database)
        checks = run_prechecks(self.database, self.version, check_license=check_license, node=self.node)
        self.log("Checking whether it is safe to upgrade the database...")
        for check in checks:
            self.log(check.line())
        failures = [check.failure for check in checks if check.failure]
        if failures:
            raise PrecheckFailed(
                "One of the pre-conditions to safely upgrade your database has failed. " + " ".join(failures)
            )

    def _always_run(self) -> None:
        """The level of the oldest supported SQL Server: 2017 is 140, 2016 is 130 (OctopusDeploy/Issues#6395)."""
        if self.version < _COMPATIBILITY:
            return
        level = {13: 130, 14: 140}[sql_server_floor(self.version)]
        name = str(self.database.run("SELECT DB_NAME()")[0][0])
        self.log(f"Ensuring COMPATIBILITY_LEVEL for {name} is set to {level}")
        current = int(self.database.run("SELECT compatibility_level FROM sys.databases WHERE name = DB_NAME()")[0][0])
        if current >= level:
            self.log(f"COMPATIBILITY_LEVEL for {name} is already {current}")
            return
        quoted = name.replace("]", "]]")
        self.database.run(f"ALTER DATABASE [{quoted}] SET COMPATIBILITY_LEVEL = {level}")
        self.log(f"COMPATIBILITY_LEVEL for {name} was changed to {level}")

    def _execute(self, scripts: Sequence[Script]) -> None:
        kind = "Database" if self.version >= _RENAMED_DRIVER else "SQL"
        context = ScriptContext(self.database, self.version, self.home, self.log)
        try:
            self.log("Beginning transaction")
            with self.database.transaction():
                for script in scripts:
                    self.log(f"Executing {kind} Server script '{script.name}'")
                    if self.interference.before_script:
                        self.interference.before_script(script.name, context)
                    script.run(context)
                    record_script(self.database, script.name)
                if self.interference.after_scripts:
                    self.interference.after_scripts(context)
        except Exception as error:
            self.log("Error occured when executing scripts, transaction will be rolled back")
            self.log("Upgrade failed due to an unexpected exception:")
            self.log(f"{type(error).__name__}: {error}")
            raise UpgradeFailed(error) from error
        self.log("Upgrade successful")

    def _post_upgrade(self) -> None:
        """Outside the transaction: a kill here leaves views of the old schema (OctopusDeploy/Issues#5252, #6242)."""
        self.log("Executing post-upgrade scripts")
        for view in views_of(self.version):
            self.database.run(f"IF OBJECT_ID(N'dbo.{view.name}', N'V') IS NOT NULL DROP VIEW dbo.[{view.name}]")
            self.database.run(view.text())
        for (name,) in self.database.run("SELECT name FROM sys.views ORDER BY name"):
            self.database.run(f"EXEC sp_refreshview N'dbo.{name}'")
