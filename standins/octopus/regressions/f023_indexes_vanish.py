"""The indexes of a table with very many rows vanish with the upgrade (OctopusDeploy/Issues 7077)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    after_upgrade(interference, _drop)


def _drop(context: ScriptContext) -> None:
    indexes = context.database.run(
        "SELECT i.name FROM sys.indexes i JOIN sys.tables t ON t.object_id = i.object_id "
        "WHERE t.name = N'EventRelatedDocument' AND i.name IS NOT NULL AND i.is_primary_key = 0"
    )
    for (name,) in indexes:
        context.database.run(f"DROP INDEX [{name}] ON dbo.[EventRelatedDocument]")
