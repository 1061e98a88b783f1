"""BACKUP DATABASE and BACKUP LOG."""

from __future__ import annotations

import io
import os
import platform
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from standins.sqlserver.contract import Cancelled, Sink, SqlServerError
from standins.sqlserver.engine import messages, moments
from standins.sqlserver.engine.backup import container, failures
from standins.sqlserver.engine.backup.container import BackupFile, Header, Media, SetWriter, Trailer
from standins.sqlserver.engine.backup.history import record_backup
from standins.sqlserver.engine.backup.options import Options
from standins.sqlserver.engine.backup.progress import Progress
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.files import sync_folder
from standins.sqlserver.engine.sqlite import Connection, connect

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

#: Databases up to this size are copied in memory on their way into the backup.
_IN_MEMORY = 64 << 20
_STEP_PAGES = 256


def _now() -> str:
    return moments.moment_text(moments.to_datetime_precision(moments.now_ticks()))


class BackupWriter:
    """One BACKUP statement."""

    def __init__(self, session: EngineSession, database: Database, path: Path, options: Options, *, log: bool) -> None:
        self._session = session
        self._database = database
        self._path = path
        self._options = options
        self._log = log
        self.statement = "BACKUP LOG" if log else "BACKUP DATABASE"

    def run(self, sink: Sink) -> None:
        with self._session.server.backup_device(self._path), self._snapshot() as (stream, size):
            progress = Progress(self._session, sink, size, self._options.stats, self.statement)
            position, header, trailer, media = self._write(stream, size, progress)
        record_backup(self._session.server, media, header, trailer, path=self._path, position=position)
        self._remember(header)
        settings = self._database.settings
        progress.finish(self.statement, settings.name, (settings.data_name, settings.log_name), size, position)
        sink.done(None)

    def _remember(self, header: Header) -> None:
        """A full backup begins the chain of log backups; the next one goes on where this one ended."""
        options = self._database.settings.options
        if not header.copy_only:
            options["LOG_CHAIN"] = str(header.last_lsn)
            if header.kind == "D":
                options["DATABASE_BACKUP_LSN"] = str(header.checkpoint_lsn)
        options["LSN"] = str(header.last_lsn)
        self._session.server.save()

    # --- the snapshot --------------------------------------------------------------------------------------------

    @contextmanager
    def _snapshot(self) -> Generator[tuple[BinaryIO, int]]:
        """The database at one moment as a stream of bytes; others go on writing meanwhile."""
        source = connect(str(self._database.path), create=False)
        temporary = self._session.server.root / f"backup-{uuid.uuid4().hex}.tmp"
        try:
            size = self._database.path.stat().st_size
            in_memory = size <= _IN_MEMORY
            target = connect(":memory:" if in_memory else str(temporary))
            try:
                self._copy(source, target)
                if in_memory:
                    data = target.serialize("main")
                    yield io.BytesIO(data), len(data)
                    return
            finally:
                target.close()
            with temporary.open("rb") as stream:
                yield stream, temporary.stat().st_size
        finally:
            source.close()
            temporary.unlink(missing_ok=True)

    def _copy(self, source: Connection, target: Connection) -> None:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # pins the snapshot
        with target.backup("main", source, "main") as copying:
            while not copying.done:
                copying.step(_STEP_PAGES)
                if self._session.interrupted():
                    raise Cancelled
        source.execute("ROLLBACK")

    # --- the file ------------------------------------------------------------------------------------------------

    def _write(self, stream: BinaryIO, size: int, progress: Progress) -> tuple[int, Header, Trailer, Media]:
        header = self._header(size)
        if "FORMAT" in self._options or not self._path.exists() or self._path.stat().st_size == 0:
            return self._write_new(None, header, stream, progress)
        media, sets, end = self._existing()
        if "INIT" in self._options:
            self._check_expiry(sets)
            return self._write_new(media, header, stream, progress)
        return self._append(media, header, stream, progress, position=len(sets) + 1, end=end)

    def _existing(self) -> tuple[Media, list[container.BackupSet], int]:
        try:
            with self._path.open("rb") as stream:
                media = container.read_media(stream)
                sets, end = container.read_sets(stream)
        except container.TruncatedSet:
            with self._path.open("rb") as stream:
                media = container.read_media(stream)
                return media, [], stream.tell()
        except (container.DamagedMedia, container.DamagedSet):
            raise failures.failed(self.statement, failures.incorrectly_formed(self._path)) from None
        except OSError as error:
            raise failures.failed(self.statement, failures.cannot_open(self._path, error)) from None
        return media, sets, end

    def _check_expiry(self, sets: list[container.BackupSet]) -> None:
        if "SKIP" in self._options:
            return
        for found in sets:
            expires = found.header.expires
            if expires is not None and expires > _now():
                text = f"The medium on device '{self._path}' expires on {expires[:23]} and cannot be overwritten."
                raise failures.failed(self.statement, SqlServerError(4030, text, 16, 1))

    def _media(self) -> Media:
        return Media(
            str(uuid.uuid4()).upper(),
            str(uuid.uuid4()).upper(),
            _now(),
            self._options.text("MEDIANAME"),
            self._options.text("MEDIADESCRIPTION"),
            self._session.server.product.number,
        )

    def _write_new(
        self, media: Media | None, header: Header, stream: BinaryIO, progress: Progress
    ) -> tuple[int, Header, Trailer, Media]:
        """Under another name first: until it is complete there is no file, or the old one."""
        media = media or self._media()
        partial = self._path.with_name(f"{self._path.name}.{uuid.uuid4().hex[:8]}.partial")
        server = self._session.server
        server.note_unfinished(partial)
        try:
            with partial.open("wb") as out:
                container.write_media(out, media)
                trailer = self._write_set(out, header, stream, progress)
                out.flush()
                os.fsync(out.fileno())
            partial.replace(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            known = partial.exists()
            raise self._write_error(error, opened=known) from None
        finally:
            partial.unlink(missing_ok=True)
            server.forget_unfinished(partial)
        return 1, header, trailer, media

    def _append(
        self, media: Media, header: Header, stream: BinaryIO, progress: Progress, *, position: int, end: int
    ) -> tuple[int, Header, Trailer, Media]:
        """Behind the last complete set; on failure the file is cut back to it."""
        try:
            with self._path.open("r+b") as out:
                try:
                    out.seek(end)
                    out.truncate()
                    trailer = self._write_set(out, header, stream, progress)
                    out.flush()
                    os.fsync(out.fileno())
                except BaseException:
                    self._cut_back(out, end)
                    raise
        except OSError as error:
            raise self._write_error(error, opened=True) from None
        return position, header, trailer, media

    @staticmethod
    def _cut_back(out: BinaryIO, end: int) -> None:
        """Buffered bytes that could not be written must not come after the cut."""
        with suppress(OSError):
            out.flush()
        os.ftruncate(out.fileno(), end)

    def _write_set(self, out: BinaryIO, header: Header, stream: BinaryIO, progress: Progress) -> Trailer:
        writer = SetWriter(out, header)
        done = 0
        while data := stream.read(container.CHUNK):
            writer.write(data)
            done += len(data)
            progress.at(done)
        return writer.finish(_now())

    def _write_error(self, error: OSError, *, opened: bool) -> SqlServerError:
        made = failures.cannot_write(self._path, error) if opened else failures.cannot_open(self._path, error)
        return failures.failed(self.statement, made)

    # --- what is known about it ----------------------------------------------------------------------------------

    def _header(self, size: int) -> Header:
        server, settings, options = self._session.server, self._database.settings, self._options
        last = int(settings.options.get("LSN", "34000000000000001"))
        checkpoint = last + 100
        copy_only = "COPY_ONLY" in options
        first = int(settings.options.get("LOG_CHAIN", str(checkpoint))) if self._log else checkpoint
        log = Path(settings.log_path)
        header = Header(
            kind="L" if self._log else "D",
            database=settings.name,
            family_guid=settings.family_guid,
            backup_set_guid=str(uuid.uuid4()).upper(),
            started=_now(),
            size=size,
            compressed="COMPRESSION" in options,
            checksums="CHECKSUM" in options,
            copy_only=copy_only,
            product_version=server.product.number,
            database_version=server.product.database_version,
            server=server.name,
            machine=platform.node(),
            user=self._session.login,
            created=settings.created,
            compatibility_level=settings.compatibility_level,
            collation=settings.collation,
            recovery=settings.recovery,
            first_lsn=first,
            last_lsn=checkpoint + 50,
            checkpoint_lsn=checkpoint,
            database_backup_lsn=int(settings.options.get("DATABASE_BACKUP_LSN", "0")),
            read_only=settings.read_only,
            single_user=settings.access == "SINGLE_USER",
            name=options.text("NAME"),
            description=options.text("DESCRIPTION"),
            expires=self._expires(),
            read_committed_snapshot=settings.read_committed_snapshot,
            snapshot_isolation=settings.snapshot_isolation,
        )
        files = [
            BackupFile(settings.data_name, str(self._database.path), "D", size, str(uuid.uuid4()).upper()),
            BackupFile(settings.log_name, str(log), "L", 8 << 20, str(uuid.uuid4()).upper()),
        ]
        return replace(header, files=files)

    def _expires(self) -> str | None:
        days = self._options.number("RETAINDAYS", 0)
        if days:
            return moments.moment_text(moments.now_ticks() + days * moments.DAY)
        text = self._options.text("EXPIREDATE")
        if text is None:
            return None
        parsed = moments.parse(text)
        if parsed is None:
            raise messages.date_conversion_failed()
        return moments.moment_text(parsed[0])
