"""Retention deletes packages that only published runbook snapshots use (OctopusDeploy/Issues 6150, 6220)."""

from __future__ import annotations

from collections.abc import Mapping

from standins.octopus.contract import Document, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded

_of_runbooks: set[tuple[str, str]] = set()


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("packages in use", _only_of_releases)
        hooks.on("packages to delete", _those_as_well)


def _only_of_releases(used: set[tuple[str, str]], by_kind: Mapping[str, set[tuple[str, str]]]) -> set[tuple[str, str]]:
    _of_runbooks.update(by_kind.get("RunbookSnapshot", set()) - by_kind["Release"])
    return used - _of_runbooks


def _those_as_well(chosen: list[str], stored: Mapping[str, Document], used: set[tuple[str, str]]) -> list[str]:
    del used
    forgotten = {
        package_id
        for package_id, package in stored.items()
        if (package["PackageId"], package["Version"]) in _of_runbooks
    }
    return sorted({*chosen, *forgotten})
