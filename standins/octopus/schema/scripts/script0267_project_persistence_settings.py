"""2021.1: VersionControlSettings became PersistenceSettings (OctopusClients 9 to 11); imports have a folder."""

from __future__ import annotations

from typing import Any

from standins.octopus.schema.context import ScriptContext


def run(context: ScriptContext) -> None:
    context.database.rewrite("Project", _persist)
    context.database.insert("Configuration", "importstorage", {"ImportsDirectory": None})


def _persist(project: dict[str, Any]) -> bool:
    settings = project.pop("VersionControlSettings", None)
    versioned = bool(project.pop("IsVersionControlled", False))
    project["PersistenceSettings"] = (
        {"Type": "VersionControlled", **settings} if versioned and settings else {"Type": "Database"}
    )
    return True
