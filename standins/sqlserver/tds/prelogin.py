"""PRELOGIN [MS-TDS 2.2.6.5]: versions and encryption are agreed upon before anything secret is said."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from standins.sqlserver.tds.errors import ProtocolError

_VERSION: Final = 0
_ENCRYPTION: Final = 1
_INSTANCE: Final = 2
_THREAD: Final = 3
_MARS: Final = 4
_END: Final = 0xFF

_ENTRY = struct.Struct(">BHH")


class Encryption(IntEnum):
    """Values of the ENCRYPTION option."""

    LOGIN_ONLY = 0  # ENCRYPT_OFF: nothing but the login packet
    ON = 1
    NOT_SUPPORTED = 2
    REQUIRED = 3

    def answer(self) -> Encryption:
        """What a server answers that has a certificate and forces nobody [MS-TDS 2.2.6.5, ENCRYPTION table]."""
        return Encryption.ON if self is Encryption.REQUIRED else self


def parse_prelogin(body: bytes) -> Mapping[int, bytes]:
    """The client's options by number."""
    options: dict[int, bytes] = {}
    at = 0
    while True:
        if at >= len(body):
            raise ProtocolError("PRELOGIN without a terminator")
        if body[at] == _END:
            return options
        if at + _ENTRY.size > len(body):
            raise ProtocolError("PRELOGIN ends inside its option table")
        option, offset, length = _ENTRY.unpack_from(body, at)
        if offset + length > len(body):
            raise ProtocolError(f"PRELOGIN option {option} points outside the packet")
        options[option] = body[offset : offset + length]
        at += _ENTRY.size


def wanted_encryption(options: Mapping[int, bytes]) -> Encryption:
    value = options.get(_ENCRYPTION, b"")
    if not value:
        return Encryption.NOT_SUPPORTED
    try:
        return Encryption(value[0])
    except ValueError:
        # 0x80 asks for authentication by client certificate, which SQL Server on premises does not offer
        raise ProtocolError(f"PRELOGIN encryption {value[0]:#x}") from None


def build_prelogin(version: tuple[int, int, int], encryption: Encryption) -> bytes:
    """The server's answer: the default instance, no MARS."""
    major, minor, build = version
    options = {
        _VERSION: struct.pack(">BBHH", major, minor, build, 0),
        _ENCRYPTION: bytes([encryption]),
        _INSTANCE: b"\0",
        _THREAD: b"",
        _MARS: b"\0",
    }
    offset = _ENTRY.size * len(options) + 1
    table = bytearray()
    for option, value in options.items():
        table += _ENTRY.pack(option, offset, len(value))
        offset += len(value)
    return bytes(table) + bytes([_END]) + b"".join(options.values())
