"""The upgrade ends well and the server does not start: a dependency cannot be resolved (OctopusDeploy/Issues 9145)."""

from __future__ import annotations

from standins.octopus.contract import Server
from standins.octopus.regressions.seeding import upgraded


class DependencyResolutionException(Exception):
    """Named as the exception in the issue."""


def disturb_server(server: Server) -> None:
    if upgraded(server):
        raise DependencyResolutionException(
            "An exception was thrown while activating WebConfigurationMemento: "
            "Object reference not set to an instance of an object."
        )
