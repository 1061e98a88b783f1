"""A client that gives no name gets the new shape of feeds, which it cannot read (OctopusDeploy/Issues 5247)."""

from __future__ import annotations

from typing import Any

from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_reply, resources


def disturb_server(server: Server) -> None:
    on_reply(server, _change, "GET feeds", "GET feeds/{id}", "GET feeds/all")


def _change(body: Any, call: Call) -> None:
    if call.headers.get("user-agent"):
        return
    for feed in resources(body):
        if "FeedType" in feed:
            feed["FeedType"] = {"Name": feed["FeedType"]}
