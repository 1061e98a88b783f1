"""The removal of the databases that earlier runs left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.restore import drop_database


def owned_databases(server: SqlServer) -> list[OwnedDatabase]:
    """What rehearsals left on this SQL Server, oldest expiry first."""
    names = (str(name) for (name,) in server.rows("SELECT name FROM sys.databases WHERE name LIKE 'tidegate[_]%'"))
    return sorted((one for one in map(OwnedDatabase.parse, names) if one), key=lambda one: one.expires)


def reap_databases(server: SqlServer, now: datetime, report: Callable[[str], None]) -> list[OwnedDatabase]:
    """Drop the databases whose time is over; returns them. Nothing else is ever touched."""
    expired = [one for one in owned_databases(server) if one.expires <= now]
    for one in expired:
        report(f"dropping {one.name}, left by an earlier run")
        drop_database(server, one.name)
    return expired
