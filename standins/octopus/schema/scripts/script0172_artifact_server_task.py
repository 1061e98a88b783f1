"""2019.1: an artifact belongs to a server task instead of to any documents (OctopusDeploy/Issues#5226).

The real script fails on artifacts without a task (#5226, #5497), and so does this one.
"""

from __future__ import annotations

from standins.octopus.schema.context import ScriptContext
from standins.octopus.store.documents import split_list


def run(context: ScriptContext) -> None:
    database = context.database
    database.run("ALTER TABLE dbo.[Artifact] ADD [ServerTaskId] nvarchar(50) NULL")
    owners: list[tuple[str, str]] = []
    for identity, related in database.run("SELECT [Id], [RelatedDocumentIds] FROM dbo.[Artifact]"):
        tasks = [document for document in split_list(related) if document.lower().startswith("servertasks-")]
        if not tasks:
            raise ValueError(f"Artifact {identity} is not related to a server task")
        owners.append((tasks[0], identity))
    database.run_many("UPDATE dbo.[Artifact] SET [ServerTaskId] = ? WHERE [Id] = ?", owners)
    database.run("ALTER TABLE dbo.[Artifact] DROP COLUMN [RelatedDocumentIds]")
    database.run("CREATE INDEX [IX_Artifact_ServerTaskId] ON dbo.[Artifact] ([ServerTaskId])")
