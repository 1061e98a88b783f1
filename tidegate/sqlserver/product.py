"""Which SQL Server answers."""

from __future__ import annotations

from tidegate.sqlserver.connection import SqlServer


def product_version(server: SqlServer) -> tuple[str, int]:
    """The server's version as it says it (``15.0.2000.5``), and the number of its release (15 is SQL Server 2019)."""
    version = str(server.value("SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion'))"))
    return version, int(version.partition(".")[0])
