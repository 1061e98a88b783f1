"""A licence in an old format is taken for one that ended in the year 1: the upgrade is refused.

OctopusDeploy/Issues 7266.
"""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.schema.database import Database
from standins.octopus.schema.history import last_version
from standins.octopus.schema.prechecks import PrecheckFailed
from standins.octopus.schema.upgrader import Interference


def disturb_schema(interference: Interference, version: Version) -> None:
    def refuse(database: Database) -> None:
        last = last_version(database)
        if last is not None and last < version:
            raise PrecheckFailed(
                "Your Octopus Server would not be compliant with your license if we allowed the upgrade to continue. "
                "Your subscription expired on 01 January 0001."
            )

    interference.before_checks = refuse
