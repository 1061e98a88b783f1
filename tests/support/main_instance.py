"""What the harness knows of a main instance of which only the HTTP API exists."""

from __future__ import annotations

from pathlib import Path

from tidegate.rehearsal.instances import (
    DatabaseAddress,
    Identity,
    MainInstance,
    ServerFolders,
    SharedFolder,
    SqlServerAddress,
)
from tidegate.secrets import Secret
from tidegate.versions import Version


def main_instance(url: str, api_key: str, version: Version, folder: Path) -> MainInstance:
    """Its folders are all ``folder``, and its database is on a host that does not exist."""
    secret = Secret.generated("a test's secret", "canary-2c90aa")
    return MainInstance(
        url=url,
        api_key=Secret.generated("a test's API key", api_key),
        version=version,
        database=DatabaseAddress(SqlServerAddress("nowhere.invalid", "sa", secret), "OctopusDeploy"),
        folders=ServerFolders(folder, folder, folder),
        backup_folder=SharedFolder(str(folder), folder),
        master_key=secret,
        license=None,
        identity=Identity(url, "main-id", "nowhere.invalid", "OctopusDeploy", ""),
    )
