"""A project includes a library set twice, and a table made of that allows it once (OctopusDeploy/Issues 10005)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0520ProjectLibraryVariableSet.cs", _split)


def _split(context: ScriptContext) -> None:
    run = context.database.run
    run(
        "CREATE TABLE dbo.[ProjectLibraryVariableSet] ([ProjectId] nvarchar(50) NOT NULL, "
        "[LibraryVariableSetId] nvarchar(50) NOT NULL, "
        "CONSTRAINT [PK_ProjectLibraryVariableSet] PRIMARY KEY ([ProjectId], [LibraryVariableSetId]))"
    )
    (project,) = run("SELECT MIN([Id]) FROM dbo.[Project]")[0]
    for _ in ("as somebody included it", "and as it was imported"):
        run("INSERT INTO dbo.[ProjectLibraryVariableSet] VALUES (?, N'LibraryVariableSets-1')", project)
