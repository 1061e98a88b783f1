"""May this server run on this database as it is?"""

from __future__ import annotations

from typing import Final

from standins.octopus.contract import Version
from standins.octopus.schema.database import Database
from standins.octopus.schema.history import applied_scripts, last_version
from standins.octopus.schema.manifest import scripts_of

#: From 2020.3 a server refuses a database that a newer one has used: OctopusDeploy/Issues#6366.
_REFUSES_NEWER: Final = Version(2020, 3, 0)


class Incompatible(Exception):
    """The server must not touch this database."""


def check_compatibility(database: Database, version: Version) -> None:
    last = last_version(database)
    if version < _REFUSES_NEWER or last is None or last <= version:
        return
    raise Incompatible(
        f"Octopus Server {version} was stopped to protect your data: the database was last used by Octopus Server "
        f"{last}, which is newer, and running an older version could corrupt it. You have these options: "
        f"1) install Octopus Server {last} or newer; "
        f"2) restore a backup of the database that is compatible with Octopus Server {version}; "
        "3) at your own risk, use --skipDatabaseCompatibilityCheck."
    )


def check_schema(database: Database, version: Version) -> None:
    done = applied_scripts(database)
    if not done:
        raise Incompatible("The database has no Octopus schema yet. Run 'Octopus.Server database --create' first.")
    missing = [script.name for script in scripts_of(version) if script.name not in set(done)]
    if missing:
        raise Incompatible(
            f"The database schema is older than Octopus Server {version} needs: {len(missing)} upgrade script(s) have "
            "not been run. Run 'Octopus.Server database --upgrade' first, or use --skipDatabaseSchemaUpgradeCheck."
        )
