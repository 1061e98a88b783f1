"""A snapshot of variables that nobody froze breaks a data script (OctopusDeploy/Issues 2488)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


class InvalidOperationException(Exception):
    """Named as the exception in the issue."""


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0039MoveVariableSnapshots.cs", _move)


def _move(context: ScriptContext) -> None:
    run = context.database.run
    frozen = "SELECT MIN([Id]) FROM dbo.[VariableSet] WHERE [Id] LIKE N'%-s-%'"
    run(f"UPDATE dbo.[VariableSet] SET [IsFrozen] = 0 WHERE [Id] = ({frozen})")
    for (identity,) in run("SELECT [Id] FROM dbo.[VariableSet] WHERE [Id] LIKE N'%-s-%' AND [IsFrozen] = 0"):
        raise InvalidOperationException(f"The snapshot {identity} is not frozen")
