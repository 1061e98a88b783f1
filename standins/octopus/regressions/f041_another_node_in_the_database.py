"""Another node works on the database, as when a copy was pointed at it: more nodes than the licence allows.

Octopus docs, troubleshooting high availability.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import after_upgrade
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference
from standins.octopus.store.documents import iso

_ID = "OctopusServerNodes-STRANGER"


def disturb_schema(interference: Interference, version: Version) -> None:
    if version >= Version(2019, 1, 0):
        after_upgrade(interference, _register)


def _register(context: ScriptContext) -> None:
    seen = iso(datetime.now(UTC) + timedelta(hours=1))  # a real one would go on reporting
    insert = context.database.insert
    insert("OctopusServerNode", _ID, {}, Name="STRANGER", MaxConcurrentTasks=5, IsInMaintenanceMode=False)
    insert("OctopusServerNodeStatus", _ID, {}, OctopusServerNodeId=_ID, LastSeen=seen, Rank="Follower")
