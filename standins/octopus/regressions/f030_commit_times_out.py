"""The commit of the one big transaction times out, and everything is rolled back (OctopusDeploy/Issues 5059)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


class SqlException(Exception):
    """Named as the exception in the issue."""


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    after_upgrade(interference, _wait_too_long)


def _wait_too_long(context: ScriptContext) -> None:
    del context
    raise SqlException("Timeout expired.  The timeout period elapsed prior to completion of the operation (COMMIT).")
