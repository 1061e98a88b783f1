"""Retention deletes releases that are in their environments (OctopusDeploy/Issues 5074, 6979, 7911)."""

from __future__ import annotations

from standins.octopus.contract import Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("releases to delete", _every_second)


def _every_second(chosen: list[str], releases: list[str]) -> list[str]:
    return sorted({*chosen, *sorted(releases)[::2]})
