"""FeedId in deployment processes rewritten as an object instead of a string (OctopusDeploy/Issues 6685)."""

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
    context.database.rewrite("DeploymentProcess", _as_objects)


def _as_objects(process: dict[str, Any]) -> bool:
    changed = False
    for step in listed(process, "Steps"):
        for action in listed(step, "Actions"):
            for package in listed(action, "Packages"):
                if isinstance(package.get("FeedId"), str):
                    package["FeedId"] = {"Value": package["FeedId"]}
                    changed = True
            properties = mapped(action, "Properties")
            feed = properties.get("Octopus.Action.Package.FeedId")
            if isinstance(feed, str):
                properties["Octopus.Action.Package.FeedId"] = {"Value": feed}
    return changed
