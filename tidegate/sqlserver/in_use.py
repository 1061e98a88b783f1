"""Who works on a database at this moment besides the harness itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from tidegate.errors import SqlServerFailure
from tidegate.sqlserver.connection import APPLICATION, SqlServer

#: How old a node's last sign of life must be before it counts as gone. Octopus does not publish its own rule; a node
#: reports more often than once a minute.
_SILENT_MINUTES: Final = 5
#: SQL Server numbers for a login without VIEW SERVER STATE.
_NO_PERMISSION: Final = frozenset({297, 300, 371})


def others_at_work(server: SqlServer, own_nodes: Collection[str] = ()) -> list[str]:
    """Programs that hold a session in the connection's database, and nodes that gave a sign of life lately.

    ``own_nodes`` were stopped by the harness: how long ago they were seen says nothing about them, their sessions do.
    """
    return [*_sessions(server), *_nodes(server, {name.lower() for name in own_nodes})]


def _sessions(server: SqlServer) -> list[str]:
    try:
        rows = server.rows(
            "SELECT program_name, host_name, COUNT(*) FROM sys.dm_exec_sessions WHERE is_user_process = 1 "
            "AND session_id <> @@SPID AND database_id = DB_ID() AND ISNULL(program_name, '') <> ? "
            "GROUP BY program_name, host_name ORDER BY host_name, program_name",
            APPLICATION,
        )
    except SqlServerFailure as error:
        if error.number not in _NO_PERMISSION:
            raise
        return []  # such a login sees no sessions but its own; the nodes' signs of life remain
    return [
        f"{count} session{'s' if count != 1 else ''} of {str(program or '').strip() or 'a program without a name'} "
        f"on {str(host or '').strip() or 'an unnamed host'}"
        for program, host, count in rows
    ]


def _nodes(server: SqlServer, own: Collection[str]) -> list[str]:
    """LastSeen moved from the node's row to a table of its own with 2019.1."""
    if server.value("SELECT COL_LENGTH('dbo.OctopusServerNodeStatus', 'LastSeen')"):
        source = "dbo.OctopusServerNodeStatus s JOIN dbo.OctopusServerNode n ON n.Id = s.OctopusServerNodeId"
    elif server.value("SELECT COL_LENGTH('dbo.OctopusServerNode', 'LastSeen')"):
        source = "dbo.OctopusServerNode n JOIN dbo.OctopusServerNode s ON s.Id = n.Id"
    else:
        return []
    rows = server.rows(
        f"SELECT n.Name, DATEDIFF(second, s.LastSeen, SYSDATETIMEOFFSET()) FROM {source} "
        f"WHERE s.LastSeen > DATEADD(minute, -{_SILENT_MINUTES}, SYSDATETIMEOFFSET()) ORDER BY n.Name"
    )
    return [f"node {name}, seen {seconds} s ago" for name, seconds in rows if str(name).lower() not in own]
