"""A row of the configuration has no settings, and start-up reads it (OctopusDeploy/Issues 9251)."""

from __future__ import annotations

import json

from standins.octopus.contract import Server, Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference

_ID = "dynamic-extensions-scripts"


class NullReferenceException(Exception):
    """Named as the exception in the issue."""


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    after_upgrade(interference, _plant)


def _plant(context: ScriptContext) -> None:
    context.database.run("INSERT INTO dbo.[Configuration] ([Id], [JSON]) VALUES (?, N'null')", _ID)


def disturb_server(server: Server) -> None:
    with server.store.transaction() as transaction:
        rows = transaction.execute("SELECT [JSON] FROM dbo.[Configuration] WHERE [Id] = ?", _ID)
    if rows and json.loads(rows[0][0]) is None:
        raise NullReferenceException("Object reference not set to an instance of an object.")
