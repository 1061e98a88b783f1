"""The SQLite file of a snapshot: written as answers come, read by the comparison."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tidegate.errors import HarnessError
from tidegate.json_text import parsed
from tidegate.sqlserver.fingerprints import Bucket

FORMAT: Final = "4"

_SCHEMA: Final = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE seen (
    user TEXT NOT NULL, place TEXT NOT NULL, form TEXT NOT NULL, family TEXT NOT NULL, path TEXT NOT NULL,
    status INTEGER NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL, digest TEXT NOT NULL, seconds REAL NOT NULL,
    body TEXT
);
CREATE UNIQUE INDEX seen_key ON seen (user, place, form);
CREATE TABLE counted (user TEXT NOT NULL, place TEXT NOT NULL, family TEXT NOT NULL, number INTEGER NOT NULL,
    complete INTEGER NOT NULL, PRIMARY KEY (user, place)) WITHOUT ROWID;
CREATE TABLE sampled (family TEXT PRIMARY KEY, known INTEGER NOT NULL, taken INTEGER NOT NULL, why TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE tables (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE contents (name TEXT NOT NULL, bucket INTEGER NOT NULL, number INTEGER NOT NULL, keys INTEGER NOT NULL,
    example TEXT NOT NULL, columns TEXT NOT NULL, PRIMARY KEY (name, bucket)) WITHOUT ROWID;
CREATE TABLE views (name TEXT PRIMARY KEY, error TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE journal (position INTEGER PRIMARY KEY, script TEXT NOT NULL);
CREATE TABLE traffic (place TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE facts (place TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sent (family TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (family, name, value))
    WITHOUT ROWID;
CREATE TABLE headers (place TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (place, name))
    WITHOUT ROWID;
"""

#: Headers of any answer that clients and browsers act on (RFC 9110, RFC 9111, RFC 6266, WHATWG Fetch).
ACTED_ON: Final = (
    "content-type", "content-disposition", "content-encoding", "cache-control", "etag", "last-modified", "expires",
    "vary", "link", "location", "access-control-allow-origin", "content-security-policy", "x-content-type-options",
)  # fmt: skip
#: Stands for a header whose text is another one each time.
PRESENT: Final = "(present)"
MOST: Final = 60

#: Forms of a place: read on its own, as an entry of the list named after the colon, a list's ids, a file's digest.
ITEM: Final = "item"
LIST: Final = "list"
FILE: Final = "file"
LISTED: Final = "listed:"
#: The same by the path from before there were spaces.
UNSCOPED: Final = "unscoped"
#: A call of recorded traffic, made to the letter.
RECORDED: Final = "recorded"
#: The time an answer takes when several ask for it at once; there is no body.
TOGETHER: Final = "together"


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that one user saw. ``status`` 0: no answer came, and ``body`` says why."""

    user: str
    place: str
    form: str
    family: str
    path: str
    status: int
    type: str = ""
    size: int = 0
    digest: str = ""
    seconds: float = 0.0
    body: str | None = None

    @property
    def json(self) -> Any:
        return parsed(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Sampled:
    """A family of which only a part was looked at."""

    family: str
    known: int
    taken: int
    why: str


def _told(header: str | None) -> str:
    """What a header says, without what is another thing for each answer."""
    if header is None:
        return ""
    return header if len(header) < MOST and '"' not in header else PRESENT


class SnapshotWriter:
    """Writes one snapshot file; used by one thread."""

    BATCH: Final = 500

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        self._file = file
        # A snapshot that was cut short is written anew, from answers that were kept or not: durability is not needed.
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _SCHEMA)
        self._waiting: list[tuple[Any, ...]] = []
        self._sent: dict[str, set[tuple[str, str]]] = {}

    def __enter__(self) -> Self:
        self._connection.execute("BEGIN")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._flush()
            self._connection.execute("INSERT INTO about VALUES ('format', ?)", (FORMAT,))
            self._connection.execute("COMMIT")
        self._connection.close()
        if kind is not None:
            self._file.unlink()  # half of it can be read by nobody

    def saw(self, seen: Seen) -> None:
        self._waiting.append(
            (
                seen.user, seen.place, seen.form, seen.family, seen.path, seen.status,
                seen.type, seen.size, seen.digest, seen.seconds, seen.body,
            )
        )  # fmt: skip
        if len(self._waiting) >= self.BATCH:
            self._flush()

    def retimed(self, user: str, place: str, form: str, seconds: float) -> None:
        self._flush()
        self._connection.execute(
            "UPDATE seen SET seconds = min(seconds, ?) WHERE user = ? AND place = ? AND form = ?",
            (seconds, user, place, form),
        )

    def unsure(self, user: str, place: str, form: str) -> None:
        """Note that an answer may have waited for others: its seconds, now negative, say at most how long it takes."""
        self._flush()
        self._connection.execute(
            "UPDATE seen SET seconds = -abs(seconds) WHERE user = ? AND place = ? AND form = ?", (user, place, form)
        )

    def counted(self, user: str, place: str, family: str, number: int, *, complete: bool) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO counted VALUES (?, ?, ?, ?, ?)", (user, place, family, number, complete)
        )

    def sampled(self, sample: Sampled) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO sampled VALUES (?, ?, ?, ?)",
            (sample.family, sample.known, sample.taken, sample.why),
        )

    def called(self, place: str, times: int) -> None:
        self._connection.execute(
            "INSERT INTO traffic VALUES (?, ?) ON CONFLICT DO UPDATE SET times = times + excluded.times", (place, times)
        )

    def database(self, tables: Mapping[str, int], views: Mapping[str, str], journal: Iterable[str]) -> None:
        self._connection.executemany("INSERT INTO tables VALUES (?, ?)", tables.items())
        self._connection.executemany("INSERT INTO views VALUES (?, ?)", views.items())
        self._connection.executemany("INSERT INTO journal VALUES (?, ?)", enumerate(journal))

    def contents(self, contents: Mapping[str, Mapping[int, Bucket]]) -> None:
        """What tables hold, as sums over some of their rows each."""
        self._connection.executemany(
            "INSERT INTO contents VALUES (?, ?, ?, ?, ?, ?)",
            [
                (name, number, bucket.rows, bucket.keys, bucket.example, json.dumps(bucket.columns))
                for name, buckets in contents.items()
                for number, bucket in buckets.items()
            ],
        )

    def facts(self, facts: Mapping[str, str]) -> None:
        self._connection.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())

    def headers(self, place: str, headers: Mapping[str, str]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO headers VALUES (?, ?, ?)", [(place, name, value) for name, value in headers.items()]
        )

    def sent(self, family: str, headers: Mapping[str, str]) -> None:
        """Note what the headers of a family's answers say, as far as clients act on them."""
        told = {(name, _told(headers.get(name))) for name in ACTED_ON}
        for name, value in told - self._sent.get(family, set()):
            self._connection.execute("INSERT INTO sent VALUES (?, ?, ?)", (family, name, value))
        self._sent.setdefault(family, set()).update(told)

    def about(self, facts: Mapping[str, Any]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO about VALUES (?, ?)", [(name, json.dumps(value)) for name, value in facts.items()]
        )

    def _flush(self) -> None:
        self._connection.executemany("INSERT OR REPLACE INTO seen VALUES (?,?,?,?,?,?,?,?,?,?,?)", self._waiting)
        self._waiting.clear()


class Snapshot:
    """What one instance showed at one moment, read from its file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            with closing(self.connect()) as connection:
                self.about: dict[str, Any] = {
                    name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM about")
                }
        except sqlite3.DatabaseError as error:
            raise HarnessError(f"this is not a snapshot: {error}", where=str(file)) from None
        if self.about.pop("format", None) != int(FORMAT):
            raise HarnessError(
                "the snapshot was not finished or was written by another version of Tidegate",
                where=str(file),
                next_step="take the snapshot again",
            )

    def connect(self) -> sqlite3.Connection:
        """A read-only connection to the file."""
        return sqlite3.connect(f"{self.file.resolve().as_uri()}?mode=ro", uri=True)

    @property
    def version(self) -> str:
        return str(self.about["version"])

    @property
    def administrator(self) -> str:
        return str(self.about["administrator"])

    @property
    def users(self) -> list[str]:
        return list(self.about["users"])

    @property
    def default_space(self) -> str:
        return str(self.about["default_space"])

    def rows(self, where: str = "1", parameters: Iterable[Any] = ()) -> Iterator[Seen]:
        """What was seen, ordered by user, place and form; ``where`` is an SQL condition on the columns of `Seen`."""
        query = f"SELECT user, place, form, family, path, status, type, size, digest, seconds, body FROM seen WHERE {where} ORDER BY user, place, form"  # noqa: S608, E501 - conditions are literals of this package
        with closing(self.connect()) as connection:
            for row in connection.execute(query, tuple(parameters)):
                yield Seen(*row)

    def one(self, place: str, *, user: str = "", form: str = ITEM) -> Seen | None:
        """What ``user`` (the administrator when left out) saw at ``place``."""
        found = list(self.rows("user = ? AND place = ? AND form = ?", (user or self.administrator, place, form)))
        return found[0] if found else None

    def counts(self) -> dict[tuple[str, str], tuple[int, bool]]:
        """`TotalResults` of each list by user and place, and whether the whole list was read."""
        with closing(self.connect()) as connection:
            rows = connection.execute("SELECT user, place, number, complete FROM counted")
            return {(user, place): (number, bool(complete)) for user, place, number, complete in rows}

    def samples(self) -> list[Sampled]:
        with closing(self.connect()) as connection:
            return [Sampled(*row) for row in connection.execute("SELECT family, known, taken, why FROM sampled")]

    def traffic(self) -> dict[str, int]:
        """How often recorded traffic calls each place that was replayed."""
        with closing(self.connect()) as connection:
            return dict(connection.execute("SELECT place, times FROM traffic"))

    def tables(self) -> dict[str, int]:
        with closing(self.connect()) as connection:
            return dict(connection.execute("SELECT name, number FROM tables"))

    def contents(self) -> dict[str, dict[int, Bucket]]:
        """What tables hold, by bucket; nothing of those that were not summed."""
        found: defaultdict[str, dict[int, Bucket]] = defaultdict(dict)
        with closing(self.connect()) as connection:
            query = "SELECT name, bucket, number, keys, example, columns FROM contents"
            for name, bucket, number, keys, example, columns in connection.execute(query):
                found[name][bucket] = Bucket(number, keys, example, json.loads(columns))
        return dict(found)

    def ends_of_places(self) -> set[str]:
        """The last parts of all places: the ids of everything that anybody saw, and the names of lists."""
        with closing(self.connect()) as connection:
            return {place.rpartition("/")[2] for (place,) in connection.execute("SELECT DISTINCT place FROM seen")}

    def views(self) -> dict[str, str]:
        with closing(self.connect()) as connection:
            return dict(connection.execute("SELECT name, error FROM views"))

    def journal(self) -> list[str]:
        with closing(self.connect()) as connection:
            return [row[0] for row in connection.execute("SELECT script FROM journal ORDER BY position")]

    def facts(self) -> dict[str, str]:
        """What the database was made of, by place; nothing where no database was looked at."""
        with closing(self.connect()) as connection:
            return dict(connection.execute("SELECT place, value FROM facts"))

    def sent(self) -> dict[tuple[str, str], frozenset[str]]:
        """What each header of a family's answers said, "" where an answer had none."""
        found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        with closing(self.connect()) as connection:
            for family, name, value in connection.execute("SELECT family, name, value FROM sent"):
                found[(family, name)].add(value)
        return {key: frozenset(values) for key, values in found.items()}

    def headers(self) -> dict[tuple[str, str], str]:
        with closing(self.connect()) as connection:
            return {(place, name): value for place, name, value in connection.execute("SELECT * FROM headers")}
