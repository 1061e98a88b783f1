"""The package that gives a release its number is told by another type (OctopusClients 642)."""

from __future__ import annotations

from typing import Any

from standins.octopus.behaviour.documents import mapped
from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_reply, resources


def disturb_server(server: Server) -> None:
    on_reply(server, _change, "GET projects", "GET projects/{id}", "GET projects/all")


def _change(body: Any, call: Call) -> None:
    del call
    for project in resources(body):
        strategy = mapped(project, "VersioningStrategy")
        if "Template" in strategy:
            strategy["Template"] = {"Value": strategy["Template"]}
