"""Two snapshots side by side: what both saw, what only one saw. Streamed, so size does not matter."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tidegate.observation.fetching import NOT_NOW
from tidegate.observation.store import LISTED, Snapshot

#: Statuses that say nothing about a place: no answer, not now, and a log-in that was lost on the way.
UNKNOWN: Final = NOT_NOW | {0, 401}


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing as the earlier and as the later snapshot saw it."""

    user: str
    place: str
    form: str
    family: str
    before_status: int
    before_type: str
    before_size: int
    before_digest: str
    before_body: str | None
    after_status: int
    after_type: str
    after_size: int
    after_digest: str
    after_body: str | None


@dataclass(frozen=True, slots=True)
class Single:
    """One thing that only one of two snapshots saw."""

    user: str
    place: str
    form: str
    family: str
    status: int
    body: str | None


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one route took, in seconds; at most so long where it is not ``sure``: it may have waited for others."""

    user: str
    place: str
    family: str
    before: float
    after: float
    sure: tuple[bool, bool] = (True, True)  # before, after


_BOTH: Final = """
SELECT b.user, b.place, b.form, b.family, b.status, b.type, b.size, b.digest, b.body,
    a.status, a.type, a.size, a.digest, a.body
FROM b.seen b JOIN a.seen a ON a.user = b.user AND a.place = b.place AND a.form = {form}
WHERE {condition}
"""


class SideBySide:
    """Queries over two snapshots."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def differing(self) -> Iterator[Pair]:
        """What both saw and did not see alike, to the letter."""
        condition = "a.status <> b.status OR a.body IS NOT b.body OR (b.form = 'file' AND (a.digest <> b.digest OR a.type <> b.type))"  # noqa: E501
        for row in self._connection.execute(_BOTH.format(form="b.form", condition=condition)):
            yield Pair(*row)

    def without_space(self) -> Iterator[Pair]:
        """What the earlier snapshot read before there were spaces, and the later one through the same old path."""
        condition = "b.form IN ('item', 'list') AND NOT EXISTS (SELECT 1 FROM b.seen x WHERE x.form = 'unscoped')"
        for row in self._connection.execute(_BOTH.format(form="'unscoped'", condition=condition)):
            yield Pair(*row)

    def reformed(self) -> Iterator[Pair]:
        """What was a list and is none any more, or the other way round; an error is none."""
        condition = "b.form IN ('item', 'list') AND a.form <> b.form"
        for row in self._connection.execute(
            _BOTH.format(form="iif(b.form = 'item', 'list', 'item')", condition=condition)
        ):
            yield Pair(*row)

    def unanswered(self) -> Iterator[tuple[str, str, str]]:
        """User, place and family of what the earlier snapshot asked for without learning anything."""
        statuses = ", ".join(map(str, sorted(UNKNOWN)))
        yield from self._connection.execute(
            f"SELECT DISTINCT user, place, family FROM b.seen WHERE status IN ({statuses}) ORDER BY place"  # noqa: S608
        )

    def gone(self) -> Iterator[Single]:
        """What only the earlier snapshot saw."""
        yield from self._only("b", "a")

    def new(self) -> Iterator[Single]:
        """What only the later snapshot saw."""
        yield from self._only("a", "b")

    def timings(self) -> Iterator[Timing]:
        query = """
            SELECT b.user, b.place, b.family, b.seconds, a.seconds
            FROM b.seen b JOIN a.seen a ON a.user = b.user AND a.place = b.place AND a.form = b.form
            WHERE b.form IN ('item', 'list', 'file', 'together') AND b.seconds <> 0 AND a.seconds <> 0
        """
        for user, place, family, before, after in self._connection.execute(query):
            yield Timing(user, place, family, abs(before), abs(after), (before > 0, after > 0))

    def families(self) -> dict[str, int]:
        """How many items of each family both snapshots saw as the same user sees them most."""
        query = """
            SELECT family, max(number) FROM (SELECT family, count(DISTINCT place) number FROM a.seen
            WHERE (form = 'item' OR form LIKE ?) AND status BETWEEN 200 AND 299 GROUP BY family, user) GROUP BY family
        """
        return dict(self._connection.execute(query, (f"{LISTED}%",)))

    def _only(self, here: str, there: str) -> Iterator[Single]:
        query = f"""
            SELECT user, place, form, family, status, body FROM {here}.seen s
            WHERE form <> 'together' AND NOT EXISTS (
                SELECT 1 FROM {there}.seen t WHERE t.user = s.user AND t.place = s.place
                AND (t.form = s.form OR (s.form IN ('item', 'list') AND t.form IN ('item', 'list'))))
        """  # noqa: S608 - both names are literals of this module
        for row in self._connection.execute(query):
            yield Single(*row)


@contextmanager
def side_by_side(before: Snapshot, after: Snapshot) -> Generator[SideBySide]:
    """Both files in one read-only connection."""
    connection = sqlite3.connect("file::memory:", uri=True)
    try:
        for name, snapshot in (("b", before), ("a", after)):
            connection.execute(f"ATTACH ? AS {name}", (f"{snapshot.file.resolve().as_uri()}?mode=ro",))
        yield SideBySide(connection)
    finally:
        connection.close()
