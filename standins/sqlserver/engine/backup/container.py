"""The format of a backup file.

::

    file    = magic, record(media), set…
    set     = "SET1", record(header), chunk…, chunk of length 0, "END1", record(trailer)
    record  = length (u32), CRC-32 (u32), JSON
    chunk   = length (u32), CRC-32 of length and bytes (u32), bytes
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO

import orjson

MAGIC = b"TIDEGATE BACKUP\x01"
_SET, _END = b"SET1", b"END1"
_FRAME = struct.Struct("<II")
CHUNK = 1 << 20
_LARGEST_RECORD = 1 << 20


class DamagedMedia(Exception):
    """The file is no backup file, or its beginning is damaged."""


class DamagedSet(Exception):
    """A backup set whose bytes are not what was written. ``offset`` is how far into the database it was good."""

    def __init__(self, offset: int = 0) -> None:
        super().__init__(offset)
        self.offset = offset


class TruncatedSet(DamagedSet):
    """The file ends inside a backup set."""


@dataclass(frozen=True, slots=True)
class Media:
    media_set_id: str
    family_id: str
    created: str
    name: str | None = None
    description: str | None = None
    product: str = ""


@dataclass(frozen=True, slots=True)
class BackupFile:
    """One file of the database as it was."""

    logical_name: str
    physical_name: str
    kind: str
    size: int
    unique_id: str


@dataclass(frozen=True, slots=True)
class Header:
    """What is known before the data: who, what, when. ``kind`` is D (database) or L (log)."""

    kind: str
    database: str
    family_guid: str
    backup_set_guid: str
    started: str
    size: int
    compressed: bool
    checksums: bool
    copy_only: bool
    product_version: str
    database_version: int
    server: str
    machine: str
    user: str
    created: str
    compatibility_level: int
    collation: str
    recovery: str
    first_lsn: int
    last_lsn: int
    checkpoint_lsn: int
    database_backup_lsn: int
    read_only: bool = False
    single_user: bool = False
    name: str | None = None
    description: str | None = None
    expires: str | None = None
    read_committed_snapshot: bool = False
    snapshot_isolation: bool = False
    files: list[BackupFile] = field(default_factory=list[BackupFile])


@dataclass(frozen=True, slots=True)
class Trailer:
    finished: str
    size: int
    stored: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BackupSet:
    """A complete set in a file; ``data`` is where its chunks begin."""

    position: int
    header: Header
    trailer: Trailer
    data: int


# --- writing ---------------------------------------------------------------------------------------------------


def write_media(stream: BinaryIO, media: Media) -> None:
    stream.write(MAGIC)
    _write_record(stream, media)


def _write_record(stream: BinaryIO, record: Media | Header | Trailer) -> None:
    data = orjson.dumps(asdict(record))
    stream.write(_FRAME.pack(len(data), zlib.crc32(data)) + data)


class SetWriter:
    """Writes one set; without :meth:`finish` it is incomplete and will not be read."""

    def __init__(self, stream: BinaryIO, header: Header) -> None:
        self._stream = stream
        self._compressed = header.compressed
        self._hash = hashlib.sha256()
        self._size = 0
        self._stored = 0
        stream.write(_SET)
        _write_record(stream, header)

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._size += len(data)
        body = zlib.compress(data, 1) if self._compressed else data
        self._stored += len(body)
        self._stream.write(_FRAME.pack(len(body), _chunk_crc(body)))
        self._stream.write(body)

    def finish(self, finished: str) -> Trailer:
        trailer = Trailer(finished, self._size, self._stored, self._hash.hexdigest())
        self._stream.write(_FRAME.pack(0, _chunk_crc(b"")) + _END)
        _write_record(self._stream, trailer)
        return trailer


def _chunk_crc(body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(len(body).to_bytes(4, "little")))


# --- reading ---------------------------------------------------------------------------------------------------


def read_media(stream: BinaryIO) -> Media:
    """The media header at the beginning of the file."""
    stream.seek(0)
    if stream.read(len(MAGIC)) != MAGIC:
        raise DamagedMedia
    try:
        return Media(**_read_record(stream))
    except DamagedSet:
        raise DamagedMedia from None


def read_sets(stream: BinaryIO) -> tuple[list[BackupSet], int]:
    """All complete sets, and the offset where the last of them ends.

    An incomplete set at the end is what a crash during an append leaves: it does not count. A set that is damaged in
    its structure ends the list with an error, because what comes after it cannot be trusted.
    """
    read_media(stream)
    sets: list[BackupSet] = []
    while True:
        begin = stream.tell()
        try:
            found = _read_set(stream, len(sets) + 1)
        except TruncatedSet:
            if not sets:
                raise
            return sets, begin
        if found is None:
            return sets, begin
        sets.append(found)


def _read_set(stream: BinaryIO, position: int) -> BackupSet | None:
    mark = stream.read(4)
    if not mark:
        return None
    if len(mark) < 4:
        raise TruncatedSet
    if mark != _SET:
        raise DamagedSet
    header = _read_header(stream)
    data = stream.tell()
    _skip_chunks(stream)
    if _exactly(stream, 4) != _END:
        raise DamagedSet
    return BackupSet(position, header, Trailer(**_read_record(stream)), data)


def _skip_chunks(stream: BinaryIO) -> None:
    """To the end of the data, by the lengths; the bytes are checked when they are used."""
    while True:
        length, _ = _FRAME.unpack(_exactly(stream, _FRAME.size))
        if length > 2 * CHUNK:
            raise DamagedSet
        if not length:
            return
        stream.seek(length - 1, 1)
        _exactly(stream, 1)


def _read_header(stream: BinaryIO) -> Header:
    content = _read_record(stream)
    content["files"] = [BackupFile(**item) for item in content["files"]]
    return Header(**content)


def _read_record(stream: BinaryIO) -> dict[str, Any]:
    length, crc = _FRAME.unpack(_exactly(stream, _FRAME.size))
    if length > _LARGEST_RECORD:
        raise DamagedSet
    data = _exactly(stream, length)
    if zlib.crc32(data) != crc:
        raise DamagedSet
    return orjson.loads(data)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise TruncatedSet
    return data


def read_data(stream: BinaryIO, found: BackupSet) -> Iterator[bytes]:
    """The database's bytes, every chunk checked, and the whole at the end."""
    stream.seek(found.data)
    digest = hashlib.sha256()
    done = 0
    while True:
        length, crc = _FRAME.unpack(_exactly(stream, _FRAME.size))
        if length > 2 * CHUNK:
            raise DamagedSet(done)
        body = _exactly(stream, length)
        if _chunk_crc(body) != crc:
            raise DamagedSet(done)
        if not length:
            break
        data = _inflated(body, done) if found.header.compressed else body
        digest.update(data)
        done += len(data)
        yield data
    if done != found.trailer.size or digest.hexdigest() != found.trailer.sha256:
        raise DamagedSet(done)


def _inflated(body: bytes, done: int) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error:
        raise DamagedSet(done) from None
