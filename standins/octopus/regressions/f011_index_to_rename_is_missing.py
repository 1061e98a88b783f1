"""A script renames an index that this database has lost (OctopusDeploy/Issues 5913)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0203RenamePackageMetadata.sql", _rename)


def _rename(context: ScriptContext) -> None:
    context.database.run(
        "EXEC sp_rename N'dbo.NuGetPackage.IX_PackageMetadata_PackageId', N'IX_BuildInformation_PackageId', N'INDEX'"
    )
