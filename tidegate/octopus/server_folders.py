"""Which server folders an instance names, and how the `path` command is told others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

from tidegate.octopus.client import OctopusClient
from tidegate.rehearsal.instances import ServerFolders
from tidegate.versions import Version

#: Options of `Octopus.Server path` (Octopus docs, octopus-rest-api/octopus.server.exe-command-line/path) and the
#: versions that know them: Imports came with 2021.1, EventExports with 2023.3 (Octopus docs, server folders).
_OPTIONS: Final = {
    "packages": ("--nugetRepository", Version(2018, 1, 0)),
    "artifacts": ("--artifacts", Version(2018, 1, 0)),
    "task-logs": ("--taskLogs", Version(2018, 1, 0)),
    "imports": ("--imports", Version(2021, 1, 0)),
    "event-exports": ("--eventExports", Version(2023, 3, 0)),
}
#: Names of the same folders in `GET /api/configuration/server-folders/values`; older servers lack some.
_VALUES: Final = {
    "packages": "PackagesDirectory",
    "artifacts": "ArtifactsDirectory",
    "task-logs": "LogsDirectory",
    "imports": "ImportsDirectory",
    "event-exports": "EventExportsDirectory",
}


def path_options(folders: ServerFolders, version: Version) -> list[str]:
    """Options of the `path` command for these folders, as far as this version knows them."""
    return [f"{_OPTIONS[name][0]}={path}" for name, path in folders.named().items() if version >= _OPTIONS[name][1]]


def folders_of(client: OctopusClient) -> Mapping[str, str]:
    """The folders that a server says it uses, under the names of the backup set; empty where it does not say."""
    answer = client.send("GET", "/api/configuration/server-folders/values")
    if not answer.ok:
        return {}  # before 2018.10 the configuration sections are not served
    return {name: str(answer.json[key]) for name, key in _VALUES.items() if answer.json.get(key)}


def other_folders(client: OctopusClient, expected: ServerFolders) -> dict[str, tuple[str, str]]:
    """Folders that a server names differently: name to (found, expected)."""
    found = folders_of(client)
    return {
        name: (found[name], str(path))
        for name, path in expected.named().items()
        if name in found and PurePath(found[name]) != PurePath(str(path))
    }
