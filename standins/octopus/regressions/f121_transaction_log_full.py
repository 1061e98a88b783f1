"""Rewriting a large table fills the transaction log: error 9002, rolled back (OctopusDeploy/Issues 6983)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0266ReorderVariableSetColumns.sql", _fill)


class SqlException(Exception):
    """Named as the exception in the issue."""


def _fill(context: ScriptContext) -> None:
    (name,) = context.database.run("SELECT DB_NAME()")[0]
    raise SqlException(f"The transaction log for database '{name}' is full due to 'ACTIVE_TRANSACTION'. (9002)")
