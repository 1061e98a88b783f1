"""Signatures and deltas of packages in Octodiff's format (OctopusDeploy/Octodiff, ``Octodiff/Core``).

A client asks for the signature of the newest version the server has, sends what differs, and the server puts the new
version together.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from itertools import accumulate

_SIGNATURE = b"OCTOSIG"
_DELTA = b"OCTODELTA"
_VERSION = 1
_END_OF_METADATA = b">>>"
_COPY, _DATA = 0x60, 0x80
_CHUNK = 2048  # SignatureBuilder.DefaultChunkSize
_HASH = b"SHA1"
_CHECKSUM = b"Adler32"


class CorruptDelta(ValueError):
    """A delta that is not one, or was made from another base."""


def signature(content: bytes) -> bytes:
    """What a client needs to make a delta: length, rolling checksum and hash of every chunk."""
    parts = [_SIGNATURE, bytes([_VERSION]), _text(_HASH), _text(_CHECKSUM), _END_OF_METADATA]
    for start in range(0, len(content), _CHUNK):
        chunk = content[start : start + _CHUNK]
        parts.append(struct.pack("<hI", len(chunk), rolling_checksum(chunk)))
        parts.append(hashlib.sha1(chunk, usedforsecurity=False).digest())
    return b"".join(parts)


def rolling_checksum(chunk: bytes) -> int:
    """Octodiff's own Adler-32: both sums wrap at 65536 instead of 65521."""
    sums = list(accumulate(chunk, initial=1))
    return (sum(sums[1:]) & 0xFFFF) << 16 | sums[-1] & 0xFFFF


def apply(base: bytes, delta: bytes) -> bytes:
    """The new file; its hash is checked against the one in the delta."""
    expected, commands = _metadata(delta)
    made = b"".join(_parts(base, delta, commands))
    if hashlib.sha1(made, usedforsecurity=False).digest() != expected:
        raise CorruptDelta("the patched file does not have the hash that the delta names: the base has changed")
    return made


def _metadata(delta: bytes) -> tuple[bytes, int]:
    """The expected hash, and where the commands begin."""
    at = len(_DELTA)
    try:
        if delta[:at] != _DELTA or delta[at] != _VERSION:
            raise CorruptDelta("the file is not a delta of a version known here")
        name_length = delta[at + 1]
        at += 2
        if delta[at : at + name_length] != _HASH:
            raise CorruptDelta("the delta uses a hash algorithm that is not known here")
        at += name_length
        (hash_length,) = struct.unpack_from("<i", delta, at)
        at += 4
        expected, end = delta[at : at + hash_length], at + hash_length
    except (IndexError, struct.error):
        raise CorruptDelta("the delta ends within its header") from None
    if hash_length < 0 or delta[end : end + len(_END_OF_METADATA)] != _END_OF_METADATA:
        raise CorruptDelta("the delta's header is damaged")
    return expected, end + len(_END_OF_METADATA)


def _parts(base: bytes, delta: bytes, at: int) -> Iterator[bytes]:
    while at < len(delta):
        try:
            if delta[at] == _COPY:
                start, length = struct.unpack_from("<qq", delta, at + 1)
                part, at = base[start : start + length] if start >= 0 else b"", at + 17
            elif delta[at] == _DATA:
                (length,) = struct.unpack_from("<q", delta, at + 1)
                part, at = delta[at + 9 : at + 9 + max(length, 0)], at + 9 + max(length, 0)
            else:
                raise CorruptDelta("the delta has a command that is not known here")
        except struct.error:
            raise CorruptDelta("the delta ends within a command") from None
        if len(part) != length:
            raise CorruptDelta("the delta names more than there is")
        yield part


def _text(text: bytes) -> bytes:
    """A string as .NET's BinaryWriter writes it; shorter than 128 bytes, so its length is one byte."""
    return bytes([len(text)]) + text
