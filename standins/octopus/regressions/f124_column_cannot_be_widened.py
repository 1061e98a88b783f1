"""A script cannot widen a column that an index depends on (OctopusDeploy/Issues 2690)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0043 - Increase Package Column Widths.sql", _widen)


def _widen(context: ScriptContext) -> None:
    """Narrower instead of wider here, which fails for the same reason: something in the column stands in the way."""
    context.database.run("CREATE INDEX [IX_NuGetPackage_Seeded] ON dbo.[NuGetPackage] ([PackageId])")
    context.database.run("ALTER TABLE dbo.[NuGetPackage] ALTER COLUMN [PackageId] nvarchar(1) NOT NULL")
