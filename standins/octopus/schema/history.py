"""Which versions have run on a database, and which schema scripts it has had."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Final

from standins.octopus.contract import Version
from standins.octopus.schema.database import Database
from standins.octopus.store.documents import iso

_JOURNAL: Final = """
IF OBJECT_ID(N'dbo.SchemaVersions', N'U') IS NULL
    CREATE TABLE dbo.[SchemaVersions] (
        [Id] int IDENTITY(1,1) NOT NULL CONSTRAINT [PK_SchemaVersions_Id] PRIMARY KEY,
        [ScriptName] nvarchar(255) NOT NULL,
        [Applied] datetime NOT NULL
    )
"""


def ensure_journal(database: Database) -> None:
    database.run(_JOURNAL)


def applied_scripts(database: Database) -> list[str]:
    """In the order in which they were applied; empty for a database without a schema."""
    if not database.has_table("SchemaVersions"):
        return []
    return [name for (name,) in database.run("SELECT [ScriptName] FROM dbo.[SchemaVersions] ORDER BY [Id]")]


def record_script(database: Database, name: str) -> None:
    database.run("INSERT INTO dbo.[SchemaVersions] ([ScriptName], [Applied]) VALUES (?, GETUTCDATE())", name)


def last_version(database: Database) -> Version | None:
    """Of the newest row of OctopusServerInstallationHistory, as the documented query reads it."""
    if not database.has_table("OctopusServerInstallationHistory"):
        return None
    rows = database.run("SELECT TOP 1 [Version] FROM dbo.[OctopusServerInstallationHistory] ORDER BY [Installed] DESC")
    return Version.parse(rows[0][0]) if rows and rows[0][0] else None


def record_version(database: Database, node: str, version: Version) -> None:
    """One row per node and version, written when a server of this version first uses the database."""
    known = (
        "SELECT TOP 1 [Version] FROM dbo.[OctopusServerInstallationHistory] WHERE [Node] = ? ORDER BY [Installed] DESC"
    )
    rows = database.run(known, node)
    if rows and rows[0][0] == str(version):
        return
    database.insert(
        "OctopusServerInstallationHistory",
        f"OctopusServerInstallationHistory-{uuid.uuid4().hex[:12]}",
        {},
        Node=node,
        Version=str(version),
        Installed=iso(datetime.now(UTC)),
    )
