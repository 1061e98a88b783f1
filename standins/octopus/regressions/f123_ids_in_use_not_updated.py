"""An interrupted upgrade leaves the old IdsInUse view, and runbooks cannot be published (OctopusDeploy/Issues 6242)."""

from __future__ import annotations

from pathlib import Path

from standins.octopus import schema
from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    if version >= Version(2019, 11, 0):

        def leave_behind(context: ScriptContext) -> None:
            interference.skip_views = True
            _leave_behind(context)

        after_upgrade(interference, leave_behind)


def _leave_behind(context: ScriptContext) -> None:
    old = Path(schema.__path__[0]) / "post" / "ids_in_use.sql"
    context.database.run("DROP VIEW dbo.[IdsInUse]")
    context.database.run(old.read_text(encoding="utf-8"))
