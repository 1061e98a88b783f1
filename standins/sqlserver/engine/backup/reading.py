"""RESTORE HEADERONLY, FILELISTONLY, LABELONLY and VERIFYONLY."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from standins.sqlserver.contract import Column, Sink, SqlServerError, SqlType
from standins.sqlserver.engine.backup import container, failures
from standins.sqlserver.engine.backup.container import BackupSet, Media
from standins.sqlserver.engine.backup.progress import Progress
from standins.sqlserver.engine.product import Product
from standins.sqlserver.engine.values import row_decoder
from standins.sqlserver.tsql import types

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

_N, _I, _S, _T, _B, _D = types.SYSNAME, types.INT, types.SMALLINT, types.TINYINT, types.BIT, types.DATETIME
_LSN, _SIZE, _GUID = types.decimal(25, 0), types.decimal(20, 0), types.GUID
_NO_GUID = "00000000-0000-0000-0000-000000000000"


@contextmanager
def opened(path: Path, statement: str) -> Generator[BinaryIO]:
    """The file, with everything that can be wrong with it as SQL Server's errors."""
    try:
        stream = path.open("rb")
    except OSError as error:
        raise failures.failed(statement, failures.cannot_open(path, error)) from None
    with stream:
        try:
            yield stream
        except container.DamagedMedia:
            raise failures.failed(statement, failures.incorrectly_formed(path)) from None
        except container.TruncatedSet:
            raise failures.failed(statement, failures.read_ended(path)) from None
        except container.DamagedSet as error:
            raise failures.failed(statement, failures.damaged()) from error
        except OSError as error:
            raise failures.failed(statement, failures.cannot_open(path, error)) from None


def choose(sets: list[BackupSet], position: int, path: Path, statement: str) -> BackupSet:
    """Set number ``position`` of the file."""
    if not 1 <= position <= len(sets):
        raise failures.failed(statement, failures.no_such_set(position, path))
    return sets[position - 1]


def refuse_newer(found: BackupSet, product: Product, statement: str) -> None:
    """A database never goes back to an older server."""
    if found.header.database_version > product.database_version:
        theirs = ".".join(
            f"{int(part):02d}" if i < 2 else part for i, part in enumerate(found.header.product_version.split(".")[:3])
        )
        ours = ".".join(f"{part:02d}" if i < 2 else str(part) for i, part in enumerate(product.version))
        raise failures.failed(statement, failures.too_new(theirs, ours))


class BackupReader:
    """The statements that look into a backup file."""

    def __init__(self, session: EngineSession, path: Path) -> None:
        self._session = session
        self._path = path

    def header_only(self, position: int | None, sink: Sink) -> None:
        statement = "RESTORE HEADERONLY"
        with opened(self._path, statement) as stream:
            sets, _ = container.read_sets(stream)
        if position is not None:
            sets = [choose(sets, position, self._path, statement)]
        self._send(_HEADER_COLUMNS, [self._header_row(found) for found in sets], sink)

    def file_list(self, position: int, sink: Sink) -> None:
        statement = "RESTORE FILELIST"
        with opened(self._path, statement) as stream:
            sets, _ = container.read_sets(stream)
        header = choose(sets, position, self._path, statement).header
        rows = [
            (
                item.logical_name, item.physical_name, item.kind, "PRIMARY" if item.kind == "D" else None,
                str(item.size), "35184372080640" if item.kind == "D" else "2199023255552", number, "0", None,
                item.unique_id,
                None, None, item.size if item.kind == "D" else 0, 512, 1 if item.kind == "D" else 0, None,
                str(header.database_backup_lsn), _NO_GUID, False, True, None, None,
            )
            for number, item in enumerate(header.files, 1)
        ]  # fmt: skip
        self._send(_FILE_COLUMNS, rows, sink)

    def label_only(self, sink: Sink) -> None:
        with opened(self._path, "RESTORE LABELONLY") as stream:
            media = container.read_media(stream)
            sets, _ = container.read_sets(stream)
        compressed = any(found.header.compressed for found in sets)
        self._send(_LABEL_COLUMNS, [self._label_row(media, compressed)], sink)

    def verify(self, position: int, stats: int, sink: Sink) -> None:
        statement = "VERIFY DATABASE"
        with opened(self._path, statement) as stream:
            sets, _ = container.read_sets(stream)
            found = choose(sets, position, self._path, statement)
            refuse_newer(found, self._session.server.product, statement)
            progress = Progress(self._session, sink, found.trailer.size, stats, "RESTORE VERIFYONLY")
            done = 0
            for data in container.read_data(stream, found):
                done += len(data)
                progress.at(done)
        sink.info(SqlServerError(3262, f"The backup set on file {position} is valid.", 0, 1))
        sink.done(None)

    # --- rows ----------------------------------------------------------------------------------------------------

    @staticmethod
    def _send(columns: tuple[tuple[str, SqlType], ...], rows: list[tuple[Any, ...]], sink: Sink) -> None:
        described = [Column(name, kind) for name, kind in columns]
        decode = row_decoder(described)
        assert decode is not None
        sink.columns(described)
        for row in rows:
            sink.row(decode(row))
        sink.done(len(rows), select=True)

    def _header_row(self, found: BackupSet) -> tuple[Any, ...]:
        h, t = found.header, found.trailer
        major, minor, build = (int(part) for part in h.product_version.split(".")[:3])
        kind, description = (1, "Database") if h.kind == "D" else (2, "Transaction Log")
        return (
            h.name, h.description, kind, h.expires, int(h.compressed), found.position, 2, h.user, h.server, h.database,
            h.database_version, h.created, str(t.size), str(h.first_lsn), str(h.last_lsn), str(h.checkpoint_lsn),
            str(h.database_backup_lsn), h.started, t.finished, 52, 0, 1033, 196_609, h.compatibility_level, 4608, major,
            minor, build, h.machine, 512, h.family_guid, h.family_guid, h.collation, h.family_guid, 0, 0,
            int(h.read_only), int(h.single_user), int(h.checksums), 0, 0, 0, 0, int(h.copy_only), h.family_guid, None,
            h.recovery, None, None, description, h.backup_set_guid, t.stored, 0, None, None, None,
        )  # fmt: skip

    @staticmethod
    def _label_row(media: Media, compressed: bool) -> tuple[Any, ...]:
        return (
            media.name, media.media_set_id, 1, 1, media.family_id, 1, 0, media.description, "Microsoft SQL Server",
            4608,
            media.created, 1, int(compressed),
        )  # fmt: skip


#: "RESTORE HEADERONLY (Transact-SQL)", Microsoft Learn; in this order.
_HEADER_COLUMNS: tuple[tuple[str, SqlType], ...] = (
    ("BackupName", _N), ("BackupDescription", types.nvarchar(255)), ("BackupType", _S), ("ExpirationDate", _D),
    ("Compressed", _T), ("Position", _S), ("DeviceType", _T), ("UserName", _N), ("ServerName", _N), ("DatabaseName",
    _N),
    ("DatabaseVersion", _I), ("DatabaseCreationDate", _D), ("BackupSize", _SIZE), ("FirstLSN", _LSN), ("LastLSN", _LSN),
    ("CheckpointLSN", _LSN), ("DatabaseBackupLSN", _LSN), ("BackupStartDate", _D), ("BackupFinishDate", _D),
    ("SortOrder", _S), ("CodePage", _S), ("UnicodeLocaleId", _I), ("UnicodeComparisonStyle", _I),
    ("CompatibilityLevel", _T), ("SoftwareVendorId", _I), ("SoftwareVersionMajor", _I), ("SoftwareVersionMinor", _I),
    ("SoftwareVersionBuild", _I), ("MachineName", _N), ("Flags", _I), ("BindingID", _GUID), ("RecoveryForkID", _GUID),
    ("Collation", _N), ("FamilyGUID", _GUID), ("HasBulkLoggedData", _B), ("IsSnapshot", _B), ("IsReadOnly", _B),
    ("IsSingleUser", _B), ("HasBackupChecksums", _B), ("IsDamaged", _B), ("BeginsLogChain", _B),
    ("HasIncompleteMetaData", _B), ("IsForceOffline", _B), ("IsCopyOnly", _B), ("FirstRecoveryForkID", _GUID),
    ("ForkPointLSN", _LSN), ("RecoveryModel", types.nvarchar(60)), ("DifferentialBaseLSN", _LSN),
    ("DifferentialBaseGUID", _GUID), ("BackupTypeDescription", types.nvarchar(60)), ("BackupSetGUID", _GUID),
    ("CompressedBackupSize", types.BIGINT), ("containment", _T), ("KeyAlgorithm", types.nvarchar(32)),
    ("EncryptorThumbprint", SqlType("varbinary", 20)), ("EncryptorType", types.nvarchar(32)),
)  # fmt: skip

#: "RESTORE FILELISTONLY (Transact-SQL)", Microsoft Learn.
_FILE_COLUMNS: tuple[tuple[str, SqlType], ...] = (
    ("LogicalName", _N), ("PhysicalName", types.nvarchar(260)), ("Type", SqlType("char", 1)), ("FileGroupName", _N),
    ("Size", _SIZE), ("MaxSize", _SIZE), ("FileId", types.BIGINT), ("CreateLSN", _LSN), ("DropLSN", _LSN),
    ("UniqueId", _GUID), ("ReadOnlyLSN", _LSN), ("ReadWriteLSN", _LSN), ("BackupSizeInBytes", types.BIGINT),
    ("SourceBlockSize", _I), ("FileGroupId", _I), ("LogGroupGUID", _GUID), ("DifferentialBaseLSN", _LSN),
    ("DifferentialBaseGUID", _GUID), ("IsReadOnly", _B), ("IsPresent", _B), ("TDEThumbprint", SqlType("varbinary", 32)),
    ("SnapshotUrl", types.nvarchar(360)),
)  # fmt: skip

#: "RESTORE LABELONLY (Transact-SQL)", Microsoft Learn.
_LABEL_COLUMNS: tuple[tuple[str, SqlType], ...] = (
    ("MediaName", _N), ("MediaSetId", _GUID), ("FamilyCount", _I), ("FamilySequenceNumber", _I), ("MediaFamilyId",
    _GUID),
    ("MediaSequenceNumber", _I), ("MediaLabelPresent", _T), ("MediaDescription", types.nvarchar(255)),
    ("SoftwareName", _N), ("SoftwareVendorId", _I), ("MediaDate", _D), ("Mirror_Count", _I), ("IsCompressed", _B),
)  # fmt: skip
