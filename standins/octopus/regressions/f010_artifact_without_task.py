"""An artifact that was created through the API belongs to no task (OctopusDeploy/Issues 5226, 5497)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


class InvalidOperationException(Exception):
    """Named as the exception in the issue."""


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0172ArtifactServerTaskId.cs", _relate)


def _relate(context: ScriptContext) -> None:
    run = context.database.run
    run("UPDATE dbo.[Artifact] SET [ServerTaskId] = NULL WHERE [Id] = (SELECT MAX([Id]) FROM dbo.[Artifact])")
    for identity, task in run("SELECT [Id], [ServerTaskId] FROM dbo.[Artifact]"):
        if not task:
            raise InvalidOperationException(f"{identity} is not related to a server task")
