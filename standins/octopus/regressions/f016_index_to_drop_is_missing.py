"""A script drops an index that this database never had: error 3701 (OctopusDeploy/Issues 8015)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0351UpdateHalibutMessageQueueClusteredIndex.sql", _drop)


def _drop(context: ScriptContext) -> None:
    context.database.run("DROP INDEX [IX_HalibutMessageQueue_Clustered] ON dbo.[ServerTask]")
