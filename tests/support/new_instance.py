"""A new Octopus Server instance on a test host, made by the vendor's own commands."""

from __future__ import annotations

from tidegate.octopus.server_folders import path_options
from tidegate.providers.contract import TestHost
from tidegate.versions import Version


def create_instance(host: TestHost, api_key: str, version: Version) -> None:
    """Database, administrator with this API key, licence and server folders; the server is not started."""
    for command, *options in (
        ["database", "--create"],
        ["admin", "--username=admin", "--password=Passw0rd!1", f"--apiKey={api_key}"],
        ["license", "--free"],
        ["path", *path_options(host.server_paths, version)],
    ):
        result = host.octopus_server(command, options)
        assert result.ok, result.output
