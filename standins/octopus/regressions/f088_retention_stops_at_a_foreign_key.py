"""Retention cannot delete an old deployment because of a foreign key, and stops (OctopusDeploy/Issues 8970)."""

from __future__ import annotations

from standins.octopus.contract import Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


class SqlException(Exception):
    """Named as the exception in the issue."""


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("releases to delete", _stop)


def _stop(chosen: list[str], releases: list[str]) -> list[str]:
    del chosen, releases
    raise SqlException(
        'The DELETE statement conflicted with the REFERENCE constraint "FK_DeploymentHistory_Deployment".'
    )
