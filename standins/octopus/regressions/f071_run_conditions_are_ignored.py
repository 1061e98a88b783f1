"""Steps run although the condition they have says not to (OctopusDeploy/Issues 9325)."""

from __future__ import annotations

from standins.octopus.contract import Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    """The issue is about child steps; the sample's run on targets only, which a clone must not reach."""
    if upgraded(server):
        hooks.on("reason to skip", _none)


def _none(reason: str) -> str:
    del reason
    return ""
