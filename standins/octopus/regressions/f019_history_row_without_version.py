"""A row of the installation history has no version, and start-up reads it (OctopusDeploy/Issues 5679, 5682)."""

from __future__ import annotations

from standins.octopus.contract import Server, Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


class ArgumentNullException(Exception):
    """Named as the exception in the issue."""


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    after_upgrade(interference, _plant)


def _plant(context: ScriptContext) -> None:
    context.database.run("ALTER TABLE dbo.[OctopusServerInstallationHistory] ALTER COLUMN [Version] nvarchar(50) NULL")
    oldest = "SELECT MIN([Installed]) FROM dbo.[OctopusServerInstallationHistory]"
    context.database.run(
        f"UPDATE dbo.[OctopusServerInstallationHistory] SET [Version] = NULL WHERE [Installed] = ({oldest})"
    )


def disturb_server(server: Server) -> None:
    with server.store.transaction() as transaction:
        history = transaction.query("OctopusServerInstallationHistory")
    if any(entry["Version"] is None for entry in history):
        raise ArgumentNullException("Value cannot be null. (Parameter 'input')")
