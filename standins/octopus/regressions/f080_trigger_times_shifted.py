"""The times of existing scheduled triggers are shifted by fourteen hours (OctopusDeploy/Issues 7634)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from standins.octopus.behaviour.documents import mapped
from standins.octopus.behaviour.moments import iso, moment
from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    after_upgrade(interference, _shift)


def _shift(context: ScriptContext) -> None:
    context.database.rewrite("ProjectTrigger", _later)


def _later(trigger: dict[str, Any]) -> bool:
    schedule = mapped(trigger, "Filter")
    start = moment(schedule.get("StartTime"))
    if start is None:
        return False
    schedule["StartTime"] = iso(start + timedelta(hours=14))
    return True
