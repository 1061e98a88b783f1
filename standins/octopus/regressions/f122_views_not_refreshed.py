"""A restart in mid-upgrade leaves views of the old schema: the releases page fails with "Invalid column name
'SpaceId'".

OctopusDeploy/Issues 5252. The views are made again with the columns they had before Spaces, whatever the upgrade is.
"""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference

_COLUMNS = (
    "r.[Id], r.[Version], r.[Assembled], r.[ProjectId], r.[ChannelId], r.[ProjectVariableSetSnapshotId], "
    "r.[ProjectDeploymentProcessSnapshotId], r.[JSON]"
)
_OLD = f"""
CREATE VIEW dbo.[Release_WithDeploymentProcess] AS
SELECT {_COLUMNS}, p.[JSON] AS [DeploymentProcessSnapshot_JSON] FROM dbo.[Release] r
LEFT JOIN dbo.[DeploymentProcess] p ON p.[Id] = r.[ProjectDeploymentProcessSnapshotId]
"""


def disturb_schema(interference: Interference, version: Version) -> None:
    if version >= Version(2019, 1, 0):

        def leave_behind(context: ScriptContext) -> None:
            interference.skip_views = True
            _leave_behind(context)

        after_upgrade(interference, leave_behind)


def _leave_behind(context: ScriptContext) -> None:
    context.database.run("DROP VIEW dbo.[Release_WithDeploymentProcess]")
    context.database.run(_OLD)
