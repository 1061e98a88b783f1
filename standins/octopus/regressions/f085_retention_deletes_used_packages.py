"""The retention run deletes packages that releases still use (OctopusDeploy/Issues 5294)."""

from __future__ import annotations

from collections.abc import Mapping

from standins.octopus.contract import Document, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("packages to delete", _used_ones_too)


def _used_ones_too(chosen: list[str], stored: Mapping[str, Document], used: set[tuple[str, str]]) -> list[str]:
    in_use = {
        package_id for package_id, package in stored.items() if (package["PackageId"], package["Version"]) in used
    }
    return sorted({*chosen, *in_use})
