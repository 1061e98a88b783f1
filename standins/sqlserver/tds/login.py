"""LOGIN7 [MS-TDS 2.2.6.4] and the features asked for in it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from standins.sqlserver.contract import LoginRequest
from standins.sqlserver.tds.errors import ProtocolError
from standins.sqlserver.tds.packets import DEFAULT_SIZE, LARGEST_SIZE, SMALLEST_SIZE

#: Protocol versions as LOGIN7 writes them, low byte first on the wire.
TDS_7_3: Final = 0x730A0003
TDS_7_3B: Final = 0x730B0003
TDS_7_4: Final = 0x74000004
TDS_8_0: Final = 0x08000000

FEATURE_FEDERATED: Final = 0x02
FEATURE_UTF8: Final = 0x0A
_FEATURES_END: Final = 0xFF

_FIXED = struct.Struct("<6I4BiI")
_FIELD = struct.Struct("<HH")
_FIELDS_AT: Final = 36
#: Up to and with the database file name: TDS 7.2 added two fields behind it.
_HEAD_SIZE: Final = 86

_ODBC: Final = 0x02
_INTEGRATED: Final = 0x80
_READ_ONLY_INTENT: Final = 0x20
_CHANGE_PASSWORD: Final = 0x01
_EXTENSION: Final = 0x10


@dataclass(frozen=True, slots=True)
class Login:
    """What the TDS layer itself needs to know, and the request that goes on to the engine."""

    request: LoginRequest
    tds_version: int
    packet_size: int
    integrated: bool
    changes_password: bool
    features: Mapping[int, bytes]


def parse_login(body: bytes, client_address: str) -> Login:
    if len(body) < _HEAD_SIZE:
        raise ProtocolError(f"LOGIN7 of {len(body)} bytes")
    length, version, packet_size, _, process, _, options1, options2, types, options3, _, language_id = (
        _FIXED.unpack_from(body)
    )
    if length > len(body):
        raise ProtocolError("LOGIN7 is shorter than it says")
    host, user, application, server, library, language, database = (_text(body, i) for i in (0, 1, 3, 4, 6, 7, 8))
    request = LoginRequest(
        user=user,
        password=_unscramble(_field(body, 2)),
        database=database,
        host_name=host,
        application=application,
        server_name=server,
        library=library,
        language=language,
        client_pid=process,
        client_address=client_address,
        options={
            "odbc": bool(options2 & _ODBC),
            "read_only_intent": bool(types & _READ_ONLY_INTENT),
            "option_flags": (options1, options2, types, options3),
            "language_id": language_id,
            "tds_version": version,
        },
    )
    return Login(
        request=request,
        tds_version=version,
        packet_size=min(max(packet_size, SMALLEST_SIZE), LARGEST_SIZE) if packet_size else DEFAULT_SIZE,
        integrated=bool(options2 & _INTEGRATED),
        changes_password=bool(options3 & _CHANGE_PASSWORD),
        features=_features(body) if options3 & _EXTENSION else {},
    )


def _field(body: bytes, index: int, *, unit: int = 2) -> bytes:
    offset, length = _FIELD.unpack_from(body, _FIELDS_AT + index * _FIELD.size)
    end = offset + length * unit
    if length and end > len(body):
        raise ProtocolError(f"LOGIN7 field {index} points outside the packet")
    return body[offset:end]


def _text(body: bytes, index: int) -> str:
    return _field(body, index).decode("utf-16-le", "replace")


def _unscramble(scrambled: bytes) -> str:
    """Each byte had its halves swapped, then every second bit turned [MS-TDS 2.2.6.4, ibPassword]."""
    turned = (byte ^ 0xA5 for byte in scrambled)
    return bytes((byte >> 4 | byte << 4) & 0xFF for byte in turned).decode("utf-16-le", "replace")


def _features(body: bytes) -> Mapping[int, bytes]:
    """The FeatureExt block; the extension field holds only where it begins."""
    pointer = _field(body, 5, unit=1)
    if len(pointer) < 4:
        raise ProtocolError("LOGIN7 extension without an offset")
    at = int.from_bytes(pointer[:4], "little")
    features: dict[int, bytes] = {}
    while at < len(body) and body[at] != _FEATURES_END:
        length = int.from_bytes(body[at + 1 : at + 5], "little")
        end = at + 5 + length
        if end > len(body):
            raise ProtocolError(f"LOGIN7 feature {body[at]:#x} points outside the packet")
        features[body[at]] = body[at + 5 : end]
        at = end
    return features
