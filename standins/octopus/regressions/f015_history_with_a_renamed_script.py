"""The journal names a script that was renamed when branches were merged: the server refuses to start.

OctopusDeploy/Issues 7790.
"""

from __future__ import annotations

from standins.octopus.contract import Server, Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.prechecks import PrecheckFailed
from standins.octopus.schema.upgrader import Interference

_SCRIPT = "Octopus.Core.UpgradeScripts.Script0321DeleteQueuedCleanupTasks.cs"


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    after_upgrade(interference, _plant)


def _plant(context: ScriptContext) -> None:
    context.database.run("INSERT INTO dbo.[SchemaVersions] ([ScriptName], [Applied]) VALUES (?, GETUTCDATE())", _SCRIPT)


def disturb_server(server: Server) -> None:
    with server.store.transaction() as transaction:
        if transaction.execute("SELECT 1 FROM dbo.[SchemaVersions] WHERE [ScriptName] = ?", _SCRIPT):
            raise PrecheckFailed(
                "Unexpected upgrade history detected. You probably need to upgrade to a later version of Octopus "
                f"Server. Extra upgrade script(s) found: {_SCRIPT}"
            )
