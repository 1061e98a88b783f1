"""Deltas of packages, as OctopusDeploy/Octodiff makes and applies them."""

from __future__ import annotations

import hashlib
import struct

import pytest

from standins.octopus.behaviour import octodiff

BASE = bytes(range(256)) * 20


def delta(made: bytes, *commands: bytes) -> bytes:
    digest = hashlib.sha1(made, usedforsecurity=False).digest()
    return b"OCTODELTA\x01\x04SHA1" + struct.pack("<i", len(digest)) + digest + b">>>" + b"".join(commands)


def copy(start: int, length: int) -> bytes:
    return b"\x60" + struct.pack("<qq", start, length)


def data(content: bytes) -> bytes:
    return b"\x80" + struct.pack("<q", len(content)) + content


def test_a_signature_has_a_line_for_every_chunk_of_2048_bytes() -> None:
    made = octodiff.signature(BASE)

    header = b"OCTOSIG\x01\x04SHA1\x07Adler32>>>"
    lengths = [struct.unpack_from("<h", made, at)[0] for at in range(len(header), len(made), 26)]
    assert made.startswith(header)
    assert lengths == [2048, 2048, 1024]
    assert made[-20:] == hashlib.sha1(BASE[4096:], usedforsecurity=False).digest()


def test_the_rolling_checksum_wraps_at_65536() -> None:
    first, second = 1, 0
    for byte in b"\xff" * 2048:
        first = (first + byte) & 0xFFFF
        second = (second + first) & 0xFFFF

    assert octodiff.rolling_checksum(b"\xff" * 2048) == second << 16 | first


def test_copied_and_new_parts_make_the_new_file() -> None:
    wanted = BASE[100:300] + b"new" + BASE[:10]

    made = octodiff.apply(BASE, delta(wanted, copy(100, 200), data(b"new"), copy(0, 10)))

    assert made == wanted


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (b"PK\x03\x04 a whole package", "not a delta"),
        (b"OCTODELTA\x01", "within its header"),
        (delta(b"abc", data(b"abd")), "base has changed"),
        (delta(b"abc", copy(len(BASE), 3)), "more than there is"),
        (delta(b"abc", data(b"abc")[:-1]), "more than there is"),
        (delta(b"abc", b"\x80\x01"), "within a command"),
        (delta(b"abc", b"\x11"), "command that is not known"),
    ],
)
def test_a_broken_delta_is_refused_with_what_is_wrong(broken: bytes, words: str) -> None:
    with pytest.raises(octodiff.CorruptDelta, match=words):
        octodiff.apply(BASE, broken)
