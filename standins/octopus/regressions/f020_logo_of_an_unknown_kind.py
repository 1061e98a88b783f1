"""A project's logo has an image type that start-up does not know (OctopusDeploy/Issues 6779, 6759)."""

from __future__ import annotations

from standins.octopus.contract import Server
from standins.octopus.regressions.seeding import upgraded


class ArgumentException(Exception):
    """Named as the exception in the issue."""


def disturb_server(server: Server) -> None:
    if upgraded(server):
        raise ArgumentException("'image/svg' is not a valid image mime type.")
