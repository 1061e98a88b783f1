"""What the seeded regressions share: acting only on a database that an older version made, and adding up."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from standins.octopus.behaviour.moments import moment
from standins.octopus.contract import Server, Version

if TYPE_CHECKING:
    from standins.octopus.schema.context import ScriptContext
    from standins.octopus.schema.upgrader import Interference

#: How long the slow ones are slow, and the late ones late.
SECONDS = float(os.environ.get("OCTOPUS_STANDIN_REGRESSION_SECONDS", "4"))


def upgraded(server: Server) -> bool:
    """Whether an older version than the running one made this database: a fresh installation shows no regression."""
    with server.store.transaction() as transaction:
        history = transaction.query("OctopusServerInstallationHistory")
    return any(entry["Version"] and Version.parse(entry["Version"]) < server.version for entry in history)


def upgraded_at(server: Server) -> datetime:
    """When the running version was first installed on this database."""
    with server.store.transaction() as transaction:
        history = transaction.query(
            "OctopusServerInstallationHistory", where={"Version": str(server.version)}, order_by="Installed"
        )
    return (moment(history[0]["Installed"]) if history else None) or server.now()


def after_upgrade(interference: Interference, change: Callable[[ScriptContext], None]) -> None:
    """Run ``change`` at the end of the scripts of an upgrade, inside their transaction."""
    earlier = interference.after_scripts

    def both(context: ScriptContext) -> None:
        if earlier:
            earlier(context)
        if _from_older_version(context):
            change(context)

    interference.after_scripts = both


def during_upgrade(interference: Interference, disturb: Callable[[str, ScriptContext], None]) -> None:
    """Run ``disturb`` before every script of an upgrade."""
    earlier = interference.before_script

    def both(script: str, context: ScriptContext) -> None:
        if earlier:
            earlier(script, context)
        if _from_older_version(context):
            disturb(script, context)

    interference.before_script = both


def _from_older_version(context: ScriptContext) -> bool:
    if not context.database.has_table("OctopusServerInstallationHistory"):
        return False
    rows = context.database.run("SELECT [Version] FROM dbo.[OctopusServerInstallationHistory]")
    return any(row[0] and Version.parse(row[0]) < context.version for row in rows)
