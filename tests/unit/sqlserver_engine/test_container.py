"""Backup files: what was written is read back, and nothing that was damaged is."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standins.sqlserver.engine.backup import container
from standins.sqlserver.engine.backup.container import BackupFile, Header, Media, SetWriter

MEDIA = Media("A" * 36, "B" * 36, "2024-01-01 00:00:00.0000000")


def header(*, compressed: bool = False, size: int = 0) -> Header:
    return Header(
        kind="D", database="x", family_guid="G", backup_set_guid="S", started="2024-01-01 00:00:00.0000000", size=size,
        compressed=compressed, checksums=True, copy_only=False, product_version="15.0.4375.4", database_version=904,
        server="S", machine="M", user="sa", created="2024-01-01 00:00:00.0000000", compatibility_level=150,
        collation="C", recovery="FULL", first_lsn=1, last_lsn=2, checkpoint_lsn=1, database_backup_lsn=0,
        files=[BackupFile("x", "/x.mdf", "D", size, "U"), BackupFile("x_log", "/x.ldf", "L", 1, "V")],
    )  # fmt: skip


def written(*parts: list[bytes], compressed: bool = False) -> bytes:
    stream = io.BytesIO()
    container.write_media(stream, MEDIA)
    for chunks in parts:
        writer = SetWriter(stream, header(compressed=compressed, size=sum(map(len, chunks))))
        for chunk in chunks:
            writer.write(chunk)
        writer.finish("2024-01-01 00:00:01.0000000")
    return stream.getvalue()


def contents(data: bytes) -> list[bytes]:
    stream = io.BytesIO(data)
    sets, _ = container.read_sets(stream)
    return [b"".join(container.read_data(stream, found)) for found in sets]


CHUNKS = st.lists(st.binary(min_size=1, max_size=300), max_size=4)


@given(st.lists(CHUNKS, min_size=1, max_size=3), st.booleans())
def test_sets_are_read_back(parts: list[list[bytes]], compressed: bool) -> None:
    data = written(*parts, compressed=compressed)
    assert contents(data) == [b"".join(chunks) for chunks in parts]
    assert container.read_media(io.BytesIO(data)) == MEDIA


@settings(max_examples=300)
@given(st.data(), CHUNKS, st.booleans())
def test_one_flipped_bit_anywhere_is_found(data: st.DataObject, chunks: list[bytes], compressed: bool) -> None:
    good = written(chunks, compressed=compressed)
    place = data.draw(st.integers(0, len(good) * 8 - 1))
    bad = bytearray(good)
    bad[place // 8] ^= 1 << place % 8
    with pytest.raises((container.DamagedMedia, container.DamagedSet)):
        contents(bytes(bad))


@settings(max_examples=300)
@given(st.data(), CHUNKS, st.booleans())
def test_a_file_cut_anywhere_holds_no_set(data: st.DataObject, chunks: list[bytes], compressed: bool) -> None:
    good = written(chunks, compressed=compressed)
    bare = len(written())
    cut = data.draw(st.integers(0, len(good) - 1))
    if cut == bare:  # the media header alone: a file without any set
        assert contents(good[:cut]) == []
    else:
        with pytest.raises((container.DamagedMedia, container.DamagedSet)):
            contents(good[:cut])


@given(st.data(), CHUNKS, CHUNKS)
def test_an_unfinished_second_set_leaves_the_first(
    data: st.DataObject, first: list[bytes], second: list[bytes]
) -> None:
    one, both = written(first), written(first, second)
    cut = data.draw(st.integers(len(one), len(both) - 1))
    assert contents(both[:cut]) == [b"".join(first)]
    _, end = container.read_sets(io.BytesIO(both[:cut]))
    assert end == len(one)
