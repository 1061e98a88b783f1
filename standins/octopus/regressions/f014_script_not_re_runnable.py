"""A script that ran before cannot run again: its table is there (OctopusDeploy/Issues 7541)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0318IssueTrackerAzureDevOps.sql", _create)


_TABLE = (
    "CREATE TABLE dbo.[AzureDevOpsIssueTracker] "
    "([Id] nvarchar(50) NOT NULL CONSTRAINT [PK_AzureDevOpsIssueTracker_Id] PRIMARY KEY, [JSON] nvarchar(max) NOT NULL)"
)


def _create(context: ScriptContext) -> None:
    context.database.run(_TABLE)  # as an earlier version left it
    context.database.run(_TABLE)
