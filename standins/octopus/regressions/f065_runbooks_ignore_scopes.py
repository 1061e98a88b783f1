"""Runbooks do not mind the scopes of variables (OctopusDeploy/Issues 8258; there, of account variables)."""

from __future__ import annotations

from dataclasses import replace

from standins.octopus.behaviour.inputs import Inputs
from standins.octopus.behaviour.variables import Value
from standins.octopus.contract import Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        hooks.on("loaded values", _unscoped)


def _unscoped(values: list[Value], loaded: Inputs) -> list[Value]:
    if loaded.runbook is None:
        return values
    return [replace(value, scope={}) for value in reversed(values)]
