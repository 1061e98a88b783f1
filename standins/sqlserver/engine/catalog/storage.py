"""Views of indexes, row counts and files."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from standins.sqlserver.engine.catalog.base import Row, view
from standins.sqlserver.engine.model import IndexModel, TableModel
from standins.sqlserver.engine.physical import table_name
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database
    from standins.sqlserver.engine.session import EngineSession

_PAGE = 8192


def _all_indexes(table: TableModel) -> Iterator[tuple[int, IndexModel | None]]:
    """The heap counts as index 0 when no index is clustered."""
    if not any(index.clustered for index in table.indexes):
        yield 0, None
    for index in table.indexes:
        yield index.index_id, index


def _indexes(session: EngineSession, database: Database) -> Iterator[Row]:
    model = session.link.model(database)
    for table in (*model.tables, *model.table_types):
        for number, index in _all_indexes(table):
            if index is None:
                yield (table.object_id, None, 0, 0, "HEAP", 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, None, 0)
                continue
            kind = (1, "CLUSTERED") if index.clustered else (2, "NONCLUSTERED")
            yield (
                table.object_id, index.name, number, *kind, int(index.unique), 1, 0,
                int(index.key_kind == "PRIMARY KEY"),
                int(index.key_kind == "UNIQUE"), 0, 0, 0, 0, 1, 1, int(bool(index.filter)), index.filter or None, 0,
            )  # fmt: skip


def _index_columns(session: EngineSession, database: Database) -> Iterator[Row]:
    model = session.link.model(database)
    for table in (*model.tables, *model.table_types):
        ids = {column.name.lower(): column.column_id for column in table.columns}
        for index in table.indexes:
            for number, column in enumerate(index.columns, 1):
                yield (
                    table.object_id, index.index_id, number, ids[column.name.lower()], number, 0,
                    int(column.descending), 0,
                )  # fmt: skip
            for number, name in enumerate(index.include, len(index.columns) + 1):
                yield table.object_id, index.index_id, number, ids[name.lower()], 0, 0, 0, 1


def row_count(session: EngineSession, database: Database, table: TableModel) -> int:
    row = session.link.execute(f"SELECT count(*) FROM {database.alias}.{quote(table_name(table))}").fetchone()
    return int(row[0]) if row is not None else 0


def _partition_id(table: TableModel, number: int) -> int:
    return (72_057_594_000_000_000 + table.object_id * 256 + number) % (2**63)


def _partitions(session: EngineSession, database: Database) -> Iterator[Row]:
    for table in session.link.model(database).tables:
        rows = row_count(session, database, table)
        for number, _ in _all_indexes(table):
            partition = _partition_id(table, number)
            yield partition, table.object_id, number, 1, partition, rows, 0, 0, "NONE"


def _partition_stats(session: EngineSession, database: Database) -> Iterator[Row]:
    """Page counts are estimates: the file's pages shared out by rows."""
    tables = session.link.model(database).tables
    counts = {table.object_id: row_count(session, database, table) for table in tables}
    total = sum(counts.values()) or 1
    pages = database.path.stat().st_size // _PAGE
    for table in tables:
        rows = counts[table.object_id]
        used = max(1, pages * rows // total) if rows else 0
        for number, _ in _all_indexes(table):
            share = used if number <= 1 else max(1, used // 10) if rows else 0
            yield (
                _partition_id(table, number), table.object_id, number, 1, share, share, share, 0, 0, 0, 0, share,
                share, rows,
            )  # fmt: skip


def file_rows(database: Database) -> Iterator[Row]:
    """Data and log file: file_id, type, type_desc, name, physical_name, size in 8 KB pages."""
    settings = database.settings
    size = max(1, database.path.stat().st_size // _PAGE) if database.path.exists() else 1
    wal = Path(f"{database.path}-wal")
    log = max(1, wal.stat().st_size // _PAGE) if wal.exists() else 1
    yield 1, 0, "ROWS", settings.data_name, str(database.path), size
    yield 2, 1, "LOG", settings.log_name, settings.log_path, log


def _file(row: Row) -> Row:
    number, kind, description, name, path, size = row
    space = 1 if kind == 0 else 0
    limit = -1 if kind == 0 else 268_435_456
    return number, None, kind, description, space, name, path, 0, "ONLINE", size, limit, 8192, 0, 0, 0, 0


def _database_files(session: EngineSession, database: Database) -> Iterator[Row]:
    del session
    return (_file(row) for row in file_rows(database))


def _master_files(session: EngineSession, database: Database) -> Iterator[Row]:
    del database
    for known in session.server.all_databases():
        for row in file_rows(known):
            yield (known.id, *_file(row))


def _recovery_status(session: EngineSession, database: Database) -> Iterator[Row]:
    del database
    for known in session.server.all_databases():
        settings = known.settings
        # A database that RESTORE makes gets a new guid; its family's stays. The files are what tells the two apart.
        own = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{settings.family_guid} {known.path}")).upper()
        yield settings.database_id, own, settings.family_guid or None, None, own, own, None


def _filegroups(session: EngineSession, database: Database) -> Iterator[Row]:
    del session, database
    yield "PRIMARY", 1, "FG", "ROWS_FILEGROUP", 1, 0, None, None, 0, 0


def _allocation_units(session: EngineSession, database: Database) -> Iterator[Row]:
    for row in _partition_stats(session, database):
        yield row[0], 1, "IN_ROW_DATA", row[0], 1, row[11], row[11], row[4]


_FILE = (
    "file_id int, file_guid uniqueidentifier, type tinyint, type_desc nvarchar(60), data_space_id int, name sysname, "
    "physical_name nvarchar(260), state tinyint, state_desc nvarchar(60), size int, max_size int, growth int, "
    "is_media_read_only bit, is_read_only bit, is_sparse bit, is_percent_growth bit"
)

VIEWS = (
    view(
        "sys.indexes",
        "object_id int, name sysname, index_id int, type tinyint, type_desc nvarchar(60), is_unique bit, "
        "data_space_id int, ignore_dup_key bit, is_primary_key bit, is_unique_constraint bit, fill_factor tinyint, "
        "is_padded bit, is_disabled bit, is_hypothetical bit, allow_row_locks bit, allow_page_locks bit, "
        "has_filter bit, "
        "filter_definition nvarchar(max), auto_created bit",
        _indexes,
    ),
    view(
        "sys.index_columns",
        "object_id int, index_id int, index_column_id int, column_id int, key_ordinal tinyint, "
        "partition_ordinal tinyint, is_descending_key bit, is_included_column bit",
        _index_columns,
    ),
    view(
        "sys.partitions",
        "partition_id bigint, object_id int, index_id int, partition_number int, hobt_id bigint, rows bigint, "
        "filestream_filegroup_id smallint, data_compression tinyint, data_compression_desc nvarchar(60)",
        _partitions,
        volatile=True,
    ),
    view(
        "sys.dm_db_partition_stats",
        "partition_id bigint, object_id int, index_id int, partition_number int, in_row_data_page_count bigint, "
        "in_row_used_page_count bigint, in_row_reserved_page_count bigint, lob_used_page_count bigint, "
        "lob_reserved_page_count bigint, row_overflow_used_page_count bigint, row_overflow_reserved_page_count bigint, "
        "used_page_count bigint, reserved_page_count bigint, row_count bigint",
        _partition_stats,
        volatile=True,
    ),
    view(
        "sys.allocation_units",
        "allocation_unit_id bigint, type tinyint, type_desc nvarchar(60), container_id bigint, data_space_id int, "
        "total_pages bigint, used_pages bigint, data_pages bigint",
        _allocation_units,
        volatile=True,
    ),
    view("sys.database_files", _FILE, _database_files, volatile=True),
    view(
        "sys.database_recovery_status",
        "database_id int, database_guid uniqueidentifier, family_guid uniqueidentifier, "
        "last_log_backup_lsn numeric(25,0), recovery_fork_guid uniqueidentifier, "
        "first_recovery_fork_guid uniqueidentifier, fork_point_lsn numeric(25,0)",
        _recovery_status,
        volatile=True,
    ),
    view("sys.master_files", "database_id int, " + _FILE, _master_files, volatile=True),
    view(
        "sys.filegroups",
        "name sysname, data_space_id int, type char(2), type_desc nvarchar(60), is_default bit, is_system bit, "
        "filegroup_guid uniqueidentifier, log_filegroup_id int, is_read_only bit, is_autogrow_all_files bit",
        _filegroups,
    ),
)
