"""What must hold before a schema is changed: the database is there, it is new enough, nobody else works on it."""

from __future__ import annotations

from collections.abc import Collection

from tidegate.errors import Refused, SqlServerFailure, TimedOut, Unreachable, UpgradeFailed
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.in_use import others_at_work
from tidegate.sqlserver.inspect import judge_sql_server, sql_server_facts
from tidegate.versions import Version, release_knowledge
from tidegate.waiting import wait_until

#: SQL Server notices the end of a client's connection a moment after the client is gone. Seconds.
_LINGER = 10.0


def assert_sql_server_suffices(database: DatabaseAddress, target: Version) -> None:
    """Raise :class:`UpgradeFailed` for a SQL Server that the target refuses, before anything is stopped for it."""
    floor = release_knowledge().floor(target)
    with SqlServer(database.server, database.name) as server:
        facts = sql_server_facts(server)
    if judge_sql_server(facts, floor, target):
        raise UpgradeFailed(
            f"Octopus Server {target} needs SQL Server {floor.sql_server} or newer, this is {facts.product_version}",
            where=database.server.server,
            next_step="move the database to a newer SQL Server first (docs, installation/requirements)",
        )


def assert_nobody_works(database: DatabaseAddress, own_nodes: Collection[str]) -> None:
    """Raise :class:`Refused` while anybody but the harness uses the database.

    Upgrading the schema under a running node is "highly destructive" (OctopusDeploy/Issues#8241); servers refuse it
    themselves only since 2023.2.9755. ``own_nodes`` are the nodes that the harness has stopped.
    """
    working: list[str] = []
    with SqlServer(database.server, database.name) as server:

        def alone() -> bool:
            working[:] = others_at_work(server, own_nodes)
            return not working

        try:
            wait_until(alone, timeout=_LINGER, what="everybody to leave the database", poll=0.2)
        except TimedOut:
            raise Refused(
                f"the database {database.name} is still in use: {'; '.join(working)}",
                where=database.server.server,
                next_step="stop every node and whatever else uses the database, and its watchdog, then begin again",
            ) from None


def assert_database_answers(database: DatabaseAddress) -> None:
    """Raise :class:`Unreachable` when the database is gone: then nothing that failed says anything about Octopus."""
    try:
        with SqlServer(database.server, database.name) as server:
            server.value("SELECT 1")
    except (Unreachable, Refused, SqlServerFailure) as error:
        raise Unreachable(
            f"the database {database.name} does not answer any more: {error.what}",
            where=database.server.server,
            next_step="bring SQL Server back, then look at the state of the instance before anything is started",
        ) from None
