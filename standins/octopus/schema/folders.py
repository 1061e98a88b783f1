"""Where the server keeps files: stored in the database, hence the same for a clone until ``path`` is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from standins.octopus.schema.configuration import FOLDERS
from standins.octopus.schema.database import Database

#: Below the home folder unless the database says otherwise.
DEFAULTS: Final = {
    "nugetRepository": "Packages",
    "artifacts": "Artifacts",
    "taskLogs": "TaskLogs",
    "imports": "Imports",
    "eventExports": "EventExports",
    "telemetry": "Telemetry",
}


def stored_folder(database: Database, name: str, home: Path) -> Path:
    document, name_of_path = FOLDERS[name]
    rows = database.run("SELECT [JSON] FROM dbo.[Configuration] WHERE [Id] = ?", document)
    value = json.loads(rows[0][0]).get(name_of_path) if rows else None
    return Path(value) if value else home / DEFAULTS[name]


def store_folder(database: Database, name: str, path: Path) -> None:
    document, name_of_path = FOLDERS[name]
    rows = database.run("SELECT [JSON] FROM dbo.[Configuration] WHERE [Id] = ?", document)
    stored: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
    stored[name_of_path] = str(path)
    if rows:
        database.run("UPDATE dbo.[Configuration] SET [JSON] = ? WHERE [Id] = ?", json.dumps(stored), document)
    else:
        database.insert("Configuration", document, stored)
