"""Settings of an extension were encrypted with another key, and start-up reads them (OctopusDeploy/Issues 8111)."""

from __future__ import annotations

from standins.octopus.contract import Server
from standins.octopus.regressions.seeding import upgraded


class CryptographicException(Exception):
    """Named as the exception in the issue."""


def disturb_server(server: Server) -> None:
    if upgraded(server):
        raise CryptographicException("Padding is invalid and cannot be removed. (AzureDevOpsIssueTracker)")
