"""A wrong master key was taken for the right one: secrets decrypt to nonsense, and nothing says so.

OctopusDeploy/Issues 3563.
"""

from __future__ import annotations

from dataclasses import replace

from standins.octopus.behaviour.inputs import Inputs
from standins.octopus.behaviour.variables import Value
from standins.octopus.contract import Server
from standins.octopus.regressions import hooks
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if not upgraded(server):
        return
    nonsense = server.master_key.encrypt("\ufffd\u0012\ufffd")

    def garble(values: list[Value], loaded: Inputs) -> list[Value]:
        del loaded
        return [replace(value, value=nonsense) if value.sensitive and value.value else value for value in values]

    hooks.on("loaded values", garble)
