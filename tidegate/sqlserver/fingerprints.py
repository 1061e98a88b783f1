"""Fingerprints of tables, computed inside SQL Server, and the few rows in which two tables differ.

A row becomes SHA-256 over its values, each with its length or an end mark, so that neither NULL and '' nor
neighbouring values can be confused. Two words of it are added up over all rows, so a fingerprint does not depend on
their order. To find what differs between two tables, rows are first summed in buckets by the hash of their key; only
buckets that differ are read row by row. That takes two round trips to each side, however many rows there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tidegate.errors import HarnessError
from tidegate.sqlserver.connection import SqlServer, quoted
from tidegate.sqlserver.product import product_version

#: Row versions are new in every database; they say nothing about the row.
_LEFT_OUT: Final = frozenset({"timestamp", "rowversion"})
_TEXT: Final = frozenset({"char", "varchar", "nchar", "nvarchar", "text", "ntext", "xml", "sysname"})
_UNICODE: Final = frozenset({"nchar", "nvarchar", "sysname"})
_BINARY: Final = frozenset({"binary", "varbinary", "image"})
_TIMES: Final = frozenset({"date", "time", "datetime", "datetime2", "smalldatetime", "datetimeoffset"})
_PLAIN: Final = frozenset({"bit", "tinyint", "smallint", "int", "bigint", "decimal", "numeric", "uniqueidentifier"})
#: Style 3 writes floating numbers without loss, style 2 money with four decimals, 121 times with all their decimals
#: (Microsoft: CAST and CONVERT).
_STYLES: Final = {"float": 3, "real": 3, "money": 2, "smallmoney": 2}
_KNOWN: Final = _TEXT | _BINARY | _TIMES | _PLAIN | _STYLES.keys()
#: The release of SQL Server 2016; before it HASHBYTES takes 8000 bytes (Microsoft: HASHBYTES).
HASHES_LONG_VALUES: Final = 13
#: Rows a bucket should hold: what is read from one differing bucket.
_BUCKET_ROWS: Final = 250
_MOST_BUCKETS: Final = 32_768
#: Rows read from differing buckets before the answer is cut off.
_MOST_ROWS: Final = 200_000


@dataclass(frozen=True, slots=True)
class TableShape:
    """The columns of a table that enter a fingerprint, and its key."""

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]  # name and type, by name
    key: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"{self.schema}.{self.name}"

    def restricted_to(self, names: Iterable[str]) -> TableShape:
        """The same table with fewer columns: those that another version of it has as well."""
        wanted = {name.lower() for name in names}
        columns = tuple(column for column in self.columns if column[0].lower() in wanted)
        return TableShape(self.schema, self.name, columns, self.key)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Equal fingerprints: the same rows, in whatever order."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """Some rows of a table, chosen by the hash of their key: equal keys are in equal buckets of every database.

    ``keys`` and each of ``columns`` are sums over the rows; ``example`` is the smallest id, of another key its column
    and value, and "" where the key is no text.
    """

    rows: int
    keys: int
    example: str
    columns: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row in which two tables differ; ``kind`` is added, removed or changed."""

    key: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class TableDifference:
    """What two tables do not have in common; ``complete`` is False when there was more than was read."""

    changes: tuple[RowChange, ...]
    complete: bool
    round_trips: int


def table_shapes(server: SqlServer) -> dict[str, TableShape]:
    """Every user table of the connection's database under ``schema.table``, as fingerprints see it."""
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, column, kind in server.rows(
        "SELECT s.name, t.name, c.name, y.name FROM sys.tables t "
        "JOIN sys.schemas s ON s.schema_id = t.schema_id JOIN sys.columns c ON c.object_id = t.object_id "
        "JOIN sys.types y ON y.user_type_id = c.user_type_id WHERE t.is_ms_shipped = 0 "
        "ORDER BY s.name, t.name, c.name"
    ):
        of_table = columns.setdefault((str(schema), str(table)), [])
        if str(kind) not in _LEFT_OUT:
            of_table.append((str(column), str(kind)))
    keys: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in server.rows(
        "SELECT s.name, t.name, c.name FROM sys.indexes i JOIN sys.tables t ON t.object_id = i.object_id "
        "JOIN sys.schemas s ON s.schema_id = t.schema_id "
        "JOIN sys.index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id "
        "JOIN sys.columns c ON c.object_id = x.object_id AND c.column_id = x.column_id "
        "WHERE i.is_primary_key = 1 ORDER BY s.name, t.name, x.key_ordinal"
    ):
        keys.setdefault((str(schema), str(table)), []).append(str(column))
    return {
        f"{schema}.{table}": TableShape(schema, table, tuple(of_table), tuple(keys.get((schema, table), ())))
        for (schema, table), of_table in columns.items()
    }


def fingerprint(server: SqlServer, shape: TableShape) -> Fingerprint:
    """The fingerprint of one table: one scan, one round trip, no row leaves the server."""
    rows, *sums = server.rows(
        f"SELECT COUNT_BIG(*), {_sums('h')} FROM (SELECT {_hash(shape.columns)} AS h FROM {_table(shape)}) r"
    )[0]
    return Fingerprint(int(rows), _digest(rows, sums))


def fingerprints(server: SqlServer, shapes: Mapping[str, TableShape] | None = None) -> dict[str, Fingerprint]:
    """Fingerprints of all tables, or of those given."""
    _require_sha2(server)
    return {name: fingerprint(server, shape) for name, shape in (shapes or table_shapes(server)).items()}


def contents(server: SqlServer, shape: TableShape, count: int) -> dict[int, Bucket]:
    """What a table holds, column by column, in ``count`` buckets: one scan, one round trip, no row leaves the server.

    Two such pictures can be compared when columns were added, when rows were, and without knowing any row: a bucket
    that holds fewer rows has lost some, and in one with the same keys each column can be held against itself. Columns
    of types that have no text, like geography, are left out. Rows without a primary key have all of them for a key.
    """
    _require_sha2(server)
    columns = [column for column in shape.columns if column[1] in _KNOWN]
    types = dict(columns)
    key = [(name, types[name]) for name in shape.key if name in types] or columns
    if not columns:
        return {}
    texts = len(shape.key) == 1 and types.get(shape.key[0]) in _TEXT
    names = [name for name, _ in columns if name not in shape.key]
    hashes = ", ".join(f"{_hash([*key, (name, types[name])])} AS {quoted(f'h {name}')}" for name in names)
    found = server.rows(
        f"SELECT b, COUNT_BIG(*), MIN(e), {', '.join([_sum('k'), *(_sum(quoted(f'h {name}')) for name in names)])} "
        f"FROM (SELECT {_bucket(replace(shape, key=tuple(name for name, _ in key)), count)} AS b, {_hash(key)} AS k, "
        f"{quoted(shape.key[0]) if texts else 'NULL'} AS e{', ' if hashes else ''}{hashes} "
        f"FROM {_table(shape)}) r GROUP BY b"
    )
    prefix = "" if not texts or shape.key[0].lower() == "id" else f"{shape.key[0]} "
    return {
        int(number): Bucket(
            int(rows), int(keys), f"{prefix}{smallest or ''}", dict(zip(names, map(int, sums), strict=True))
        )
        for number, rows, smallest, keys, *sums in found
    }


def find_changes(before: SqlServer, after: SqlServer, table: str) -> TableDifference:
    """The rows of ``schema.table`` that differ between two databases, over the columns that both have.

    Raises :class:`HarnessError` for a table without a primary key: its rows have no names.
    """
    for server in (before, after):
        _require_sha2(server)
    one, other = table_shapes(before)[table], table_shapes(after)[table]
    common = {name.lower() for name, _ in one.columns} & {name.lower() for name, _ in other.columns}
    one, other = one.restricted_to(common), other.restricted_to(common)
    if not one.key or [name.lower() for name in one.key] != [name.lower() for name in other.key]:
        raise HarnessError(f"{table} has no primary key that both databases share, so its rows cannot be told apart")
    rows = int(after.value(f"SELECT COUNT_BIG(*) FROM {_table(other)}"))
    buckets = min(max(rows // _BUCKET_ROWS, 1), _MOST_BUCKETS)
    had, has = _buckets(before, one, buckets), _buckets(after, other, buckets)
    differing = [number for number in sorted({*had, *has}) if had.get(number) != has.get(number)]
    chosen, complete = _within(differing, had, has)
    before_rows = _rows_of(before, one, buckets, chosen)
    after_rows = _rows_of(after, other, buckets, chosen)
    changes = [
        RowChange(key, "removed" if key not in after_rows else "added" if key not in before_rows else "changed")
        for key in sorted({*before_rows, *after_rows})
        if before_rows.get(key) != after_rows.get(key)
    ]
    return TableDifference(tuple(changes), complete, round_trips=2 if chosen else 1)


def _buckets(server: SqlServer, shape: TableShape, count: int) -> dict[int, tuple[int, str]]:
    """Rows and digest of each bucket."""
    found = server.rows(
        f"SELECT b, COUNT_BIG(*), {_sums('h')} FROM (SELECT {_bucket(shape, count)} AS b, {_hash(shape.columns)} AS h "
        f"FROM {_table(shape)}) r GROUP BY b"
    )
    return {int(number): (int(rows), _digest(rows, sums)) for number, rows, *sums in found}


def _rows_of(server: SqlServer, shape: TableShape, count: int, chosen: Sequence[int]) -> dict[tuple[str, ...], bytes]:
    if not chosen:
        return {}
    types = dict(shape.columns)
    keys = ", ".join(_as_text(name, types[name]) for name in shape.key)
    found = server.rows(
        f"SELECT {keys}, {_hash(shape.columns)} FROM {_table(shape)} "
        f"WHERE {_bucket(shape, count)} IN ({', '.join(map(str, chosen))})"
    )
    return {tuple(str(part) for part in key): bytes(digest) for *key, digest in found}


def _within(
    differing: Sequence[int], had: Mapping[int, tuple[int, str]], has: Mapping[int, tuple[int, str]]
) -> tuple[list[int], bool]:
    """As many of the differing buckets as may be read, and whether that is all of them."""
    chosen: list[int] = []
    size = 0
    for number in differing:
        size += max(had.get(number, (0, ""))[0], has.get(number, (0, ""))[0])
        if chosen and size > _MOST_ROWS:
            return chosen, False
        chosen.append(number)
    return chosen, True


def _bucket(shape: TableShape, count: int) -> str:
    types = dict(shape.columns)
    key = _hash(tuple((name, types[name]) for name in shape.key))
    # Three bytes: always positive, and more values than there are buckets.
    return f"CONVERT(int, SUBSTRING({key}, 1, 3)) % {count}"


def _sums(column: str) -> str:
    return ", ".join(_sum(column, start) for start in (1, 5))


def _sum(column: str, start: int = 1) -> str:
    return f"SUM(CONVERT(bigint, CONVERT(int, SUBSTRING({column}, {start}, 4))))"


def _digest(rows: int, sums: Sequence[int | None]) -> str:
    return ":".join(str(int(part or 0)) for part in (rows, *sums))


def _hash(columns: Sequence[tuple[str, str]]) -> str:
    # Text of its own type makes HASHBYTES' input nvarchar(max), which is hashed whole whatever its length.
    values = " + ".join(_framed(name, kind) for name, kind in columns)
    return f"HASHBYTES('SHA2_256', CONVERT(nvarchar(max), N'') + {values})"


def _framed(name: str, kind: str) -> str:
    """Length, colon and text, or a value that holds no semicolon and one behind it; a tilde for NULL."""
    text = _as_text(name, kind)
    if kind in _TEXT:
        # nvarchar(max) in front: two shorter types would be cut off at 4000 characters when they are joined.
        return f"ISNULL(CONVERT(nvarchar(max), DATALENGTH({quoted(name)})) + N':' + {text}, N'~')"
    return f"ISNULL({text}, N'~') + N';'"


def _as_text(name: str, kind: str) -> str:
    column = quoted(name)
    if kind in _TEXT:
        # Columns of different collations cannot be joined; as text of one collation they can, and no character changes.
        text = column if kind in _UNICODE else f"CONVERT(nvarchar(max), {column})"
        return f"{text} COLLATE DATABASE_DEFAULT"
    if kind in _BINARY:
        return f"CONVERT(nvarchar(max), CONVERT(varbinary(max), {column}), 1)"
    if kind in _TIMES:
        return f"CONVERT(nvarchar(40), {column}, 121)"
    if kind in _STYLES:
        return f"CONVERT(nvarchar(60), {column}, {_STYLES[kind]})"
    if kind in _PLAIN:
        return f"CONVERT(nvarchar(60), {column})"
    raise HarnessError(f"column {name} has type {kind}, for which no fingerprint is known")


def _table(shape: TableShape) -> str:
    return f"{quoted(shape.schema)}.{quoted(shape.name)}"


def _require_sha2(server: SqlServer) -> None:
    version, release = product_version(server)
    if release < HASHES_LONG_VALUES:
        raise HarnessError(
            f"SQL Server {version} hashes no values above 8000 bytes, so tables cannot be fingerprinted there",
            where=server.address.server,
            next_step="restore both databases on SQL Server 2016 or newer to compare them",
        )
