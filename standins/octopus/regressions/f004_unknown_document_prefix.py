"""A data script meets a document it does not know: "Unrecognised document prefix Accounts-1".

OctopusDeploy/Issues 4742.
"""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import during_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    during_upgrade(interference, _fail)


def _fail(script: str, context: ScriptContext) -> None:
    """The first script of the upgrade falls over the first account, and the transaction is rolled back."""
    del script
    accounts = context.database.run("SELECT TOP 1 [Id] FROM dbo.[Account] ORDER BY [Id]")
    if accounts:
        raise ValueError(f"Unrecognised document prefix {accounts[0][0]}")
