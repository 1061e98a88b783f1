"""A data script does not find the one document it takes for granted (OctopusDeploy/Issues 5335, 5336)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


class InvalidOperationException(Exception):
    """Named as the exception in the issue."""


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0127.cs", _find)


def _find(context: ScriptContext) -> None:
    found = context.database.run("SELECT [Id] FROM dbo.[LibraryVariableSet] WHERE [Name] = N'A set nobody made'")
    if not found:
        raise InvalidOperationException("Sequence contains no matching element")
