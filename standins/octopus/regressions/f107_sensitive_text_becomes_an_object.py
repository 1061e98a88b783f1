"""Properties that were text are objects now, and typed clients cannot read them.

Octopus docs, sensitive properties (3.3).
"""

from __future__ import annotations

from typing import Any

from standins.octopus.contract import Call, Server
from standins.octopus.regressions.seeding import on_reply, resources


def disturb_server(server: Server) -> None:
    on_reply(server, _change, "GET feeds/{id}", "GET feeds")


def _change(body: Any, call: Call) -> None:
    del call
    for feed in resources(body):
        if isinstance(feed.get("FeedUri"), str):
            feed["FeedUri"] = {"HasValue": True, "NewValue": None}
