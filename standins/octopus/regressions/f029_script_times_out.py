"""A script of the upgrade takes longer than the database may, each time it is tried (OctopusDeploy/Issues 4786)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


class SqlException(Exception):
    """Named as the exception in the issue."""


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0120PopulateRelatedDocumentTable.cs", _wait_too_long)


def _wait_too_long(context: ScriptContext) -> None:
    del context
    raise SqlException(
        "Execution Timeout Expired.  The timeout period elapsed prior to completion of the operation or the server "
        "is not responding."
    )
