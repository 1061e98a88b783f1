"""2022.3: steps and actions get slugs, made of their names (octopus.com/blog/introducing-slugs-config-as-code).

That existing ones get theirs from an upgrade script is told by OctopusDeploy/Issues 7689; its name is not published.
"""

from __future__ import annotations

from typing import Any

from standins.octopus.api.slugs import slugify
from standins.octopus.schema.context import ScriptContext


def run(context: ScriptContext) -> None:
    for table in ("DeploymentProcess", "RunbookProcess"):
        context.database.rewrite(table, give_slugs)


def give_slugs(process: dict[str, Any]) -> bool:
    """Whether anything in the process had none."""
    steps: list[dict[str, Any]] = process.get("Steps") or []
    named = [one for step in steps for one in (step, *(step.get("Actions") or ()))]
    without = [one for one in named if not one.get("Slug")]
    for one in without:
        one["Slug"] = slugify(str(one.get("Name") or ""))
    return bool(without)
