"""How long a schema upgrade may take before it counts as hanging."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds that any database gets, and seconds for each gigabyte (2^30 bytes) of data on top of that.

    Octopus's documentation says 1 to 30 minutes and names no upper bound; its Helm chart gives a server half an hour to
    start on an older database. So half an hour is the least, and big databases get more.
    """

    least: float = 1800.0
    per_gigabyte: float = 600.0

    def seconds(self, database_bytes: int) -> float:
        return self.least + self.per_gigabyte * database_bytes / (1 << 30)
