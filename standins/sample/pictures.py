"""Small PNG pictures for logos, made from a colour and a pattern."""

from __future__ import annotations

import struct
import zlib

_SIDE = 24


def png(seed: int) -> bytes:
    """A picture of 24 × 24 pixels: a coloured field with a mirrored pattern; the same bytes for the same seed."""
    colour = bytes((64 + seed * 37 % 160, 64 + seed * 59 % 160, 64 + seed * 83 % 160))
    rows = bytearray()
    for y in range(_SIDE):
        rows.append(0)  # filter type of the row: none
        for x in range(_SIDE):
            mirrored = min(x, _SIDE - 1 - x) // 4
            filled = (seed >> ((y // 4) * 3 + mirrored) % 31) & 1
            rows += colour if filled else b"\xff\xff\xff"
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(bytes(rows), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
