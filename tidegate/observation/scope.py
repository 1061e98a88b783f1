"""How much of an instance a snapshot looks at, and through whose eyes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tidegate.observation.traffic import Call
from tidegate.octopus.client import OctopusClient
from tidegate.rehearsal.instances import ServerFolders
from tidegate.sqlserver.fingerprints import Bucket


@dataclass(frozen=True, slots=True)
class SnapshotScope:
    """The knobs of a snapshot. Whatever a knob cuts off is stated in the snapshot as a sample.

    Configuration (projects, variables, roles, …) is read completely; history (releases, deployments, tasks, events,
    artifacts) is listed up to a bound, and read item by item for a sample that depends only on ``seed`` and the ids, so
    that two snapshots of the same instance choose the same items.
    """

    workers: int = 8
    page: int = 200
    configuration_items: int = 20_000  # read one by one, for each collection
    history_listed: int = 5_000  # read through lists, for each collection
    history_items: int = 30  # read one by one, for each collection
    history_dependents: int = 8  # of these, how many with everything that hangs on them
    secondary_items: int = 1  # read one by one as each less privileged user, for each collection
    files: int = 40  # logs, artifacts, packages and images each
    largest_file: int = 64 * 2**20  # bytes; larger packages are known by the hash the server states
    query_values: int = 2  # values tried for each filter of a list
    previews: int = 12  # releases × environments whose deployment is previewed
    external_feeds: bool = False  # whether lists of external feeds may be asked for: they reach outside
    table_rows: int = 1_000_000  # tables with more rows are counted, and their contents are not summed
    recorded: int = 2_000  # different calls of recorded traffic that are replayed, the most frequent ones
    slow: float = 0.4  # seconds; slower answers are timed again when the server is idle
    timing_again: float = 15.0  # seconds spent on that at most
    patience: float = 60.0  # seconds a request is repeated while the server is starting or drops connections
    outage: float = 300.0  # seconds the whole server may be away in the middle of a snapshot
    seed: int = 0

    def rank(self, name: str) -> int:
        """The position of ``name`` in the sampling order: it depends on nothing but the seed and the name."""
        return int.from_bytes(hashlib.blake2b(f"{self.seed}:{name}".encode(), digest_size=8).digest())

    def sample(self, names: Iterable[str], size: int) -> list[str]:
        """At most ``size`` of ``names``, the same ones whatever else is among them."""
        return sorted(names, key=self.rank)[:size]


class DatabaseView(Protocol):
    """What a snapshot asks of the database behind an instance."""

    def row_counts(self) -> Mapping[str, int]:
        """Rows of every table."""
        ...

    def contents(self, rows: Mapping[str, int]) -> Mapping[str, Mapping[int, Bucket]]:
        """What these tables hold, as sums in buckets; ``rows`` says how many rows each has. None where the database
        cannot tell."""
        ...

    def views(self) -> Sequence[str]: ...

    def query_view(self, view: str) -> str:
        """Read one row of a view: "" when that works, else SQL Server's message (a stale view fails here)."""
        ...

    def facts(self) -> Mapping[str, str]:
        """What the database is made of, and the state that parts of it are in, by place."""
        ...

    def journal(self) -> Sequence[str]:
        """The names of the schema scripts that have run, in order."""
        ...


@dataclass(frozen=True, slots=True)
class SnapshotSource:
    """One instance as several users see it. The first client named ``administrator`` sees everything."""

    clients: Mapping[str, OctopusClient]
    administrator: str
    database: DatabaseView | None = None
    folders: ServerFolders | None = None
    scope: SnapshotScope = field(default_factory=SnapshotScope)
    #: Ids of users that exist only for the harness; `compare_clone` leaves them out.
    observers: frozenset[str] = frozenset()
    #: An earlier snapshot whose places are asked for again, whether or not lists still show them.
    like: Path | None = None
    #: Calls of recorded traffic, the most frequent first.
    traffic: Sequence[Call] = ()
    #: Whether it is also asked for what only a comparison over an upgrade uses: times, and manners towards strangers
    #: and wrong questions. Where nobody compares them they are needless load, and on a main instance needless alarms.
    thorough: bool = True

    def others(self) -> list[str]:
        return [name for name in self.clients if name != self.administrator]
