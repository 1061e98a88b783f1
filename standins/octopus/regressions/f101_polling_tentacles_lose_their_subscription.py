"""Polling Tentacles are left without the subscription they are reached by (OctopusDeploy/Issues 1676)."""

from __future__ import annotations

from typing import Any

from standins.octopus.behaviour.documents import mapped
from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    after_upgrade(interference, _forget)


def _forget(context: ScriptContext) -> None:
    context.database.rewrite("Machine", _without_address)


def _without_address(machine: dict[str, Any]) -> bool:
    """The sample has listening Tentacles only, whose address plays the subscription's part."""
    endpoint = mapped(machine, "Endpoint")
    return "Tentacle" in str(endpoint.get("CommunicationStyle")) and endpoint.pop("Uri", None) is not None
