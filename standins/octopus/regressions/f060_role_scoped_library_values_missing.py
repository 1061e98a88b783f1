"""Role-scoped values of library sets are missing from new releases until the set is saved.

OctopusDeploy/Issues 1276.
"""

from __future__ import annotations

from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import Document, Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("snapshot", _without_roles)


def _without_roles(frozen: Document, kind: str) -> Document:
    if kind == "VariableSet" and str(frozen["OwnerId"]).startswith("LibraryVariableSets-"):
        frozen["Variables"] = [entry for entry in listed(frozen, "Variables") if not mapped(entry, "Scope").get("Role")]
    return frozen
