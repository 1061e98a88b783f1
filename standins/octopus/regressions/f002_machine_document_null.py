"""A data script meets a machine without a document: a null reference (OctopusDeploy/Issues 4509)."""

from __future__ import annotations

import json

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


class NullReferenceException(Exception):
    """Named as the exception in the issue."""


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0045AddDefaultMachinePolicyToExistingTentacles.cs", _add_policy)


def _add_policy(context: ScriptContext) -> None:
    run = context.database.run
    run("UPDATE dbo.[Machine] SET [JSON] = N'null' WHERE [Id] = (SELECT MIN([Id]) FROM dbo.[Machine])")
    for identity, text in run("SELECT [Id], [JSON] FROM dbo.[Machine]"):
        if json.loads(text) is None:
            raise NullReferenceException(f"Object reference not set to an instance of an object: {identity}")
