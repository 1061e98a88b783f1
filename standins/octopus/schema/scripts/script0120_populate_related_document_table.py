"""2018.7: references between documents in a table of their own (OctopusDeploy/Issues#4742, #4786)."""

from __future__ import annotations

from standins.octopus.schema.context import ScriptContext


def run(context: ScriptContext) -> None:
    context.database.run(
        """
        CREATE TABLE dbo.[RelatedDocument] (
            [Id] nvarchar(250) NOT NULL,
            [Table] nvarchar(40) NOT NULL,
            [RelatedDocumentId] nvarchar(250) NOT NULL,
            [RelatedDocumentTable] nvarchar(40) NOT NULL
        )
        CREATE INDEX [IX_RelatedDocument_Id] ON dbo.[RelatedDocument] ([Id])
        CREATE INDEX [IX_RelatedDocument_RelatedDocumentId] ON dbo.[RelatedDocument] ([RelatedDocumentId])
        """
    )
