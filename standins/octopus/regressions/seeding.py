"""What the seeded regressions share: acting only on a database that an older version made, and adding up."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from standins.octopus.behaviour.documents import listed
from standins.octopus.behaviour.moments import moment
from standins.octopus.contract import ApiError, Call, Document, Reply, Route, Server, Version
from standins.octopus.regressions import hooks
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.manifest import Script
from standins.octopus.schema.upgrader import Interference

#: How long the slow ones are slow, and the late ones late.
SECONDS = float(os.environ.get("OCTOPUS_STANDIN_REGRESSION_SECONDS", "4"))


def upgraded(server: Server) -> bool:
    """Whether an older version than the running one made this database: a fresh installation shows no regression."""
    with server.store.transaction() as transaction:
        history = transaction.query("OctopusServerInstallationHistory")
    return any(entry["Version"] and Version.parse(entry["Version"]) < server.version for entry in history)


def upgraded_at(server: Server) -> datetime:
    """When the running version was first installed on this database."""
    with server.store.transaction() as transaction:
        history = transaction.query(
            "OctopusServerInstallationHistory", where={"Version": str(server.version)}, order_by="Installed"
        )
    return (moment(history[0]["Installed"]) if history else None) or server.now()


def after_upgrade(interference: Interference, change: Callable[[ScriptContext], None]) -> None:
    """Run ``change`` at the end of the scripts of an upgrade, inside their transaction."""
    earlier = interference.after_scripts

    def both(context: ScriptContext) -> None:
        if earlier:
            earlier(context)
        if _from_older_version(context):
            change(context)

    interference.after_scripts = both


def during_upgrade(interference: Interference, disturb: Callable[[str, ScriptContext], None]) -> None:
    """Run ``disturb`` before every script of an upgrade."""
    earlier = interference.before_script

    def both(script: str, context: ScriptContext) -> None:
        if earlier:
            earlier(script, context)
        if _from_older_version(context):
            disturb(script, context)

    interference.before_script = both


@dataclass(frozen=True, slots=True)
class SeededScript(Script):
    """A script of the product that is told here by its name and by what it stumbles over."""

    act: Callable[[ScriptContext], None] | None = None

    def run(self, context: ScriptContext) -> None:
        if self.act is not None and _from_older_version(context):
            self.act(context)


def with_script(interference: Interference, name: str, act: Callable[[ScriptContext], None]) -> None:
    """Run one more script at the end of an upgrade, under the name it has in the issue.

    ``act`` first plants the data that the script did not expect; all of it is rolled back when the script fails.
    """
    script = SeededScript(f"Octopus.Core.UpgradeScripts.{name}", act=act)
    interference.extra_scripts = [*interference.extra_scripts, script]


def on_request(server: Server, act: Callable[[Call], None], *routes: str) -> None:
    """Let ``act`` see calls of these routes ("GET releases/{id}") of an upgraded server, to refuse or delay them."""
    wanted = frozenset(routes)

    def asked(route: Route, call: Call) -> None:
        if f"{route.method} {route.path}" in wanted:
            act(call)

    if upgraded(server):
        hooks.on("request", asked)


def on_reply(server: Server, change: Callable[[Any, Call], None], *routes: str) -> None:
    """Let ``change`` edit the bodies that these routes of an upgraded server answer with."""
    wanted = frozenset(routes)

    def answered(reply: Reply, route: Route, call: Call) -> Reply:
        if f"{route.method} {route.path}" in wanted:
            change(reply.body, call)
        return reply

    if upgraded(server):
        hooks.on("reply", answered)


def resources(body: Any) -> list[Document]:
    """The resources of an answer: the one it is, or those of its page or array."""
    entries = cast("list[Any]", body) if isinstance(body, list) else [body, *listed(body, "Items")]
    return [cast("Document", entry) for entry in entries if isinstance(entry, dict)]


def refusal(status: int, *sentences: str) -> ApiError:
    """The error body of the product with these sentences."""
    return ApiError(status, "There was a problem with your request.", list(sentences))


def _from_older_version(context: ScriptContext) -> bool:
    if not context.database.has_table("OctopusServerInstallationHistory"):
        return False
    rows = context.database.run("SELECT [Version] FROM dbo.[OctopusServerInstallationHistory]")
    return any(row[0] and Version.parse(row[0]) < context.version for row in rows)
