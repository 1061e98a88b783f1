"""The "Run a Docker container" step falls back to the built-in feed (OctopusDeploy/Issues 8419)."""

from __future__ import annotations

from typing import Any

from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    after_upgrade(interference, _rewrite)


def _rewrite(context: ScriptContext) -> None:
    context.database.rewrite("DeploymentProcess", _fall_back)


def _fall_back(process: dict[str, Any]) -> bool:
    changed = False
    for step in listed(process, "Steps"):
        for action in listed(step, "Actions"):
            if action.get("ActionType") != "Octopus.DockerRun":
                continue
            for package in listed(action, "Packages"):
                changed = changed or package.get("FeedId") != "feeds-builtin"
                package["FeedId"] = "feeds-builtin"
            mapped(action, "Properties")["Octopus.Action.Package.FeedId"] = "feeds-builtin"
    return changed
