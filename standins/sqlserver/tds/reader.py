"""Reads little-endian fields out of a request and never past its end."""

from __future__ import annotations

import struct
from collections.abc import Callable

from standins.sqlserver.tds.errors import ProtocolError
from standins.sqlserver.tds.wiretypes import decode_utf16

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_U64 = struct.Struct("<Q").unpack_from


class Reader:
    """A cursor over the body of a request, which may still be arriving.

    ``more`` supplies the next piece of a request that is read while it comes in (bulk loads), and ``b""`` at its end.
    """

    __slots__ = ("_at", "_data", "_more")

    def __init__(self, data: bytes, at: int = 0, more: Callable[[], bytes] | None = None) -> None:
        self._data = data
        self._at = at
        self._more = more

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            self._refill(count)
            end = count
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def u8(self) -> int:
        at = self._at
        if at >= len(self._data):
            self._refill(1)
            at = 0
        self._at = at + 1
        return self._data[at]

    def u16(self) -> int:
        at = self._field(2)
        return _U16(self._data, at)[0]

    def u32(self) -> int:
        at = self._field(4)
        return _U32(self._data, at)[0]

    def u64(self) -> int:
        at = self._field(8)
        return _U64(self._data, at)[0]

    def _field(self, count: int) -> int:
        """Steps over a field and says where it begins; the data may be replaced by longer ones meanwhile."""
        at = self._at
        if at + count > len(self._data):
            self._refill(count)
            at = 0
        self._at = at + count
        return at

    def text(self, characters: int) -> str:
        return decode_utf16(self.take(characters * 2))

    def short_text(self) -> str:
        """B_VARCHAR: its length in characters in one byte."""
        count = self.u8()
        return self.text(count) if count else ""

    @property
    def at_end(self) -> bool:
        if self._at < len(self._data):
            return False
        if self._more is None:
            return True
        self._data, self._at = self._more(), 0
        return not self._data

    def peek(self) -> int:
        """The next byte, or -1 at the end."""
        if self._at < len(self._data):
            return self._data[self._at]
        return -1 if self.at_end else self._data[self._at]

    def _refill(self, count: int) -> None:
        pieces = [self._data[self._at :]]
        have = len(pieces[0])
        while have < count:
            piece = self._more() if self._more is not None else b""
            if not piece:
                raise ProtocolError(f"request ends {count - have} bytes early")
            pieces.append(piece)
            have += len(piece)
        self._data, self._at = b"".join(pieces), 0
