"""2019.1: everything belongs to a space. What existed before goes into the default space."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from standins.octopus.contract import Version
from standins.octopus.schema.context import ScriptContext
from standins.octopus.store.documents import split_list
from standins.octopus.store.kinds import DocumentKind, kinds_of

DEFAULT_SPACE: Final = "Spaces-1"
_BEFORE: Final = kinds_of(Version(2018, 12, 9999))
_AFTER: Final = kinds_of(Version(2019, 1, 0))
#: Tasks about the server rather than about something in a space.
_SYSTEM_TASKS: Final = ("SystemIntegrityCheck", "SyncCommunityActionTemplates", "TestEmail", "ConfigureLetsEncrypt")
_SYSTEM_PREFIXES: Final = ("users-", "teams-", "userroles-", "octopusservernodes-", "apikeys-", "invitations-")


def run(context: ScriptContext) -> None:
    database = context.database
    database.run(
        """
        CREATE TABLE dbo.[Space] (
            [Id] nvarchar(50) NOT NULL,
            [Name] nvarchar(200) NOT NULL,
            [IsDefault] bit NOT NULL,
            [TaskQueueStopped] bit NOT NULL,
            [JSON] nvarchar(max) NOT NULL,
            [DataVersion] rowversion NOT NULL,
            CONSTRAINT [PK_Space_Id] PRIMARY KEY CLUSTERED ([Id]),
            CONSTRAINT [UQ_Space_Name] UNIQUE ([Name])
        )
        """
    )
    database.insert(
        "Space", database.next_id("Spaces"), {"Description": ""}, Name="Default", IsDefault=True, TaskQueueStopped=False
    )
    kinds = [kind for name, kind in _AFTER.items() if kind.space_scoped and name in _BEFORE]
    # Separate batches: SQL Server compiles a batch before it runs, and must know the column by then.
    _batch(context, (f"ALTER TABLE dbo.[{kind.table}] ADD [SpaceId] nvarchar(50) NULL" for kind in kinds))
    _batch(context, (f"UPDATE dbo.[{kind.table}] SET [SpaceId] = N'{DEFAULT_SPACE}'" for kind in kinds))
    _keep_system_documents(context)
    _batch(
        context,
        (
            f"ALTER TABLE dbo.[{kind.table}] ALTER COLUMN [SpaceId] nvarchar(50) NOT NULL"
            for kind in kinds
            if "SpaceId" in kind.required
        ),
    )
    _batch(context, (statement for kind in kinds for statement in _unique_per_space(kind)))


def _batch(context: ScriptContext, statements: Iterable[str]) -> None:
    context.database.run(";\n".join(statements))


def _unique_per_space(kind: DocumentKind) -> Iterable[str]:
    for columns in kind.unique:
        before = [column for column in columns if column != "SpaceId"]
        names = ", ".join(f"[{column}]" for column in columns)
        yield f"ALTER TABLE dbo.[{kind.table}] DROP CONSTRAINT [{kind.constraint_name(before)}]"
        yield f"ALTER TABLE dbo.[{kind.table}] ADD CONSTRAINT [{kind.constraint_name(columns)}] UNIQUE ({names})"


def _keep_system_documents(context: ScriptContext) -> None:
    """Teams stay above spaces (only users and teams are shared, Octopus docs); so do the server's own doings."""
    database = context.database
    database.run("UPDATE dbo.[Team] SET [SpaceId] = NULL")
    names = ", ".join(f"N'{name}'" for name in _SYSTEM_TASKS)
    database.run(f"UPDATE dbo.[ServerTask] SET [SpaceId] = NULL WHERE [Name] IN ({names}) OR [Name] LIKE N'Migration%'")
    events = database.run("SELECT [Id], [RelatedDocumentIds] FROM dbo.[Event]")
    system = [identity for identity, related in events if _is_about_the_server(split_list(related))]
    database.run_many("UPDATE dbo.[Event] SET [SpaceId] = NULL WHERE [Id] = ?", [(identity,) for identity in system])


def _is_about_the_server(related: list[str]) -> bool:
    return bool(related) and all(identity.lower().startswith(_SYSTEM_PREFIXES) for identity in related)
