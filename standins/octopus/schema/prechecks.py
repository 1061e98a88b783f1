"""What must be true before the schema is touched; each check is printed as ``- PASS:`` or ``- FAIL:``.

Sources: OctopusDeploy/Issues#3623 (case), #3565 (rights), #6320 and #6395 (SQL Server), #7790 (history), #8241 (nodes),
#7132 (collation), and the upgrade pages of Octopus docs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from standins.octopus.contract import Version
from standins.octopus.nodes import heartbeat_seconds
from standins.octopus.schema.database import Database
from standins.octopus.schema.history import applied_scripts, last_version
from standins.octopus.schema.licence import Licence
from standins.octopus.schema.manifest import scripts_of

_MISSED_BEATS: Final = 8  # how Octopus decides that a node runs is not published: by default two minutes here
_CHECK_NODES: Final = Version(2023, 2, 9755)
_NAME_COLUMNS: Final = Version(2021, 3, 7108)


@dataclass(frozen=True, slots=True)
class Precheck:
    """``failure`` is empty when the condition holds."""

    what: str
    failure: str = ""

    def line(self) -> str:
        return f"- FAIL: {self.failure}" if self.failure else f"- PASS: {self.what}"


class PrecheckFailed(Exception):
    """A condition for upgrading does not hold. Expected, so only the message is shown."""


def run_prechecks(database: Database, version: Version, *, check_license: bool, node: str) -> Sequence[Precheck]:
    has_schema = database.has_table("SchemaVersions")
    checks = [_sql_server(database, version), _case(database), _collation(database, version), _rights(database)]
    if has_schema:
        checks.append(_known_history(database, version))
        if check_license:
            checks.append(_license(database, version))
        # Containers look after the schema at every start, and those of a cluster start one beside the other
        # (OctopusDeploy/helm-charts, a StatefulSet of replicas): nodes that run must be in the way of upgrades only.
        if version >= _CHECK_NODES and last_version(database) != version:
            checks.append(_other_nodes(database, node))
    return checks


def sql_server_floor(version: Version) -> int:
    """The oldest SQL Server by major product version: 2008 is 10, 2016 is 13, 2017 is 14 (table of Octopus docs)."""
    if version < Version(2020, 2, 0):
        return 10
    raised_too_far = version < Version(2020, 2, 18) or Version(2020, 3, 0) <= version < Version(2020, 3, 6)
    return 14 if raised_too_far else 13


def _sql_server(database: Database, version: Version) -> Precheck:
    floor = sql_server_floor(version)
    product = str(database.run("SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128))")[0][0])
    major = int(product.split(".", maxsplit=1)[0])
    names = {10: "2008", 13: "2016", 14: "2017"}
    if major >= floor:
        return Precheck("The SQL Server version is supported")
    return Precheck(
        "",
        f"Octopus Server {version} requires SQL Server {names[floor]} or newer. The server of this database is version "
        f"{product}. Please upgrade SQL Server first",
    )


def _case(database: Database) -> Precheck:
    collation = str(database.run("SELECT CAST(DATABASEPROPERTYEX(DB_NAME(), 'Collation') AS nvarchar(128))")[0][0])
    if "_CI_" in collation.upper():
        return Precheck("The database's collation is case-insensitive")
    return Precheck(
        "", f"The database's collation is {collation}. Octopus Server needs a case-insensitive collation (_CI_)"
    )


def _collation(database: Database, version: Version) -> Precheck:
    rows = database.run(
        "SELECT t.name, c.name, c.collation_name FROM sys.columns c JOIN sys.tables t ON t.object_id = c.object_id "
        "WHERE c.collation_name IS NOT NULL "
        "AND c.collation_name <> CAST(DATABASEPROPERTYEX(DB_NAME(), 'Collation') AS nvarchar(128)) "
        "ORDER BY t.name, c.name"
    )
    if not rows:
        return Precheck("All columns use the default collation of the database")
    message = "Database update prevented: One or more columns in the database are not using the default collation"
    if version >= _NAME_COLUMNS:
        message += ": " + ", ".join(f"{table}.{column} ({collation})" for table, column, collation in rows)
    return Precheck("", message)


def _rights(database: Database) -> Precheck:
    owner = database.run("SELECT IS_MEMBER('db_owner')")[0][0]
    if owner == 1:
        return Precheck("The current user can alter the schema")
    return Precheck("", "The current user cannot alter the schema of the database: it must be a member of db_owner")


def _known_history(database: Database, version: Version) -> Precheck:
    known = {script.name for script in scripts_of(version)}
    extra = [name for name in applied_scripts(database) if name not in known]
    if not extra:
        return Precheck("The upgrade history is known")
    return Precheck(
        "",
        "Unexpected upgrade history detected. You probably need to upgrade to a later version of Octopus Server. "
        f"Extra upgrade script(s) found: {', '.join(extra)}",
    )


def _license(database: Database, version: Version) -> Precheck:
    licence = Licence.stored(database)
    problem = licence.problem_after_upgrade(datetime.now(UTC).date()) if licence else ""
    if not problem:
        return Precheck("The license allows this upgrade")
    return Precheck(
        "",
        "Your Octopus Server would not be compliant with your license if we allowed the upgrade to continue. "
        f"{problem} To upgrade to {version} nevertheless, use 'database --upgrade --skipLicenseCheck'",
    )


def _other_nodes(database: Database, node: str) -> Precheck:
    table = "OctopusServerNodeStatus" if database.has_table("OctopusServerNodeStatus") else "OctopusServerNode"
    key = "[OctopusServerNodeId]" if table == "OctopusServerNodeStatus" else "[Id]"
    since = datetime.now(UTC) - timedelta(seconds=_MISSED_BEATS * heartbeat_seconds())
    rows = database.run(
        f"SELECT n.[Name] FROM dbo.[{table}] s JOIN dbo.[OctopusServerNode] n ON n.[Id] = s.{key} "
        "WHERE s.[LastSeen] > ?",
        since.isoformat(),
    )
    running = [name for (name,) in rows if name.lower() != node.lower()]
    if not running:
        return Precheck("No other node is running")
    return Precheck(
        "", f"The following nodes appear to be running: {', '.join(running)}. Stop all nodes before upgrading"
    )
