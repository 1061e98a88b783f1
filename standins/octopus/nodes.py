"""The rows of a server's node: its settings and its heartbeat."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any, Final

from standins.octopus.contract import Version
from standins.octopus.schema.database import Database
from standins.octopus.store.documents import iso

DEFAULT_TASK_CAP: Final = 5
_STATUS_TABLE: Final = Version(2019, 1, 0)


def heartbeat_seconds() -> float:
    """How often a server gives a sign of life. How often Octopus does is not published: tests may want it faster."""
    return float(os.environ.get("OCTOPUS_STANDIN_HEARTBEAT", "15"))


def node_id(name: str) -> str:
    return f"OctopusServerNodes-{name}"


class NodeRecord:
    """`OctopusServerNode`, with LastSeen and Rank in `OctopusServerNodeStatus` from 2019.1 on."""

    def __init__(self, database: Database, version: Version, name: str) -> None:
        self._database = database
        self._has_status = version >= _STATUS_TABLE
        self._name = name
        self._id = node_id(name)

    def ensure(self, task_cap: int | None = None) -> None:
        """Make the rows if they are missing. A node that was never seen has a heartbeat long ago."""
        now = iso(datetime(2000, 1, 1, tzinfo=UTC))
        others = self._database.run("SELECT COUNT(*) FROM dbo.[OctopusServerNode] WHERE [Id] <> ?", self._id)[0][0]
        rank = "Follower" if others else "Leader"
        if not self._database.run("SELECT 1 FROM dbo.[OctopusServerNode] WHERE [Id] = ?", self._id):
            columns: dict[str, Any] = {
                "Name": self._name,
                "MaxConcurrentTasks": DEFAULT_TASK_CAP,
                "IsInMaintenanceMode": False,
            }
            if not self._has_status:
                columns |= {"LastSeen": now, "Rank": rank}
            self._database.insert("OctopusServerNode", self._id, {}, **columns)
        if self._has_status and not self._database.run(
            "SELECT 1 FROM dbo.[OctopusServerNodeStatus] WHERE [Id] = ?", self._id
        ):
            self._database.insert(
                "OctopusServerNodeStatus", self._id, {}, OctopusServerNodeId=self._id, LastSeen=now, Rank=rank
            )
        if task_cap is not None:
            self.set("MaxConcurrentTasks", task_cap)

    def set(self, column: str, value: int | bool) -> None:
        self._database.run(f"UPDATE dbo.[OctopusServerNode] SET [{column}] = ? WHERE [Id] = ?", value, self._id)

    def seen(self, moment: datetime) -> None:
        table = "OctopusServerNodeStatus" if self._has_status else "OctopusServerNode"
        self._database.run(f"UPDATE dbo.[{table}] SET [LastSeen] = ? WHERE [Id] = ?", iso(moment), self._id)

    def running_tasks(self) -> int:
        states = "(N'Executing', N'Cancelling')"
        sql = f"SELECT COUNT(*) FROM dbo.[ServerTask] WHERE [ServerNodeId] = ? AND [State] IN {states}"
        return int(self._database.run(sql, self._id)[0][0])

    def cancel_tasks(self) -> None:
        """The running server sees the state and stops the work."""
        sql = "UPDATE dbo.[ServerTask] SET [State] = N'Cancelling' WHERE [ServerNodeId] = ? AND [State] = N'Executing'"
        self._database.run(sql, self._id)
