"""The master key: what every sensitive value in the database is encrypted with.

AES-128 in CBC mode, stored as ``<base64 ciphertext>|<base64 IV>`` (public decryptors of Octopus databases split it so).
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field
from typing import Final

_SIZE: Final = 16


class WrongMasterKey(Exception):
    """Something could not be decrypted with this key."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """128 random bits. Its text form is what ``show-master-key`` prints and ``MASTER_KEY`` takes."""

    raw: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> MasterKey:
        return cls(os.urandom(_SIZE))

    @classmethod
    def parse(cls, text: str) -> MasterKey:
        try:
            raw = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != _SIZE:
            # The text a configuration copied from another machine gives, OctopusDeploy/Issues#7271.
            raise ValueError("Unable to parse configuration key 'Octopus.Storage.MasterKey' as a 'Byte[]'")
        return cls(raw)

    def text(self) -> str:
        return base64.b64encode(self.raw).decode("ascii")

    def encrypt(self, plain: str) -> str:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - slow to import

        vector = os.urandom(_SIZE)
        data = plain.encode()
        padding = _SIZE - len(data) % _SIZE
        encryptor = Cipher(algorithms.AES(self.raw), modes.CBC(vector)).encryptor()
        sealed = encryptor.update(data + bytes([padding]) * padding) + encryptor.finalize()
        return f"{base64.b64encode(sealed).decode('ascii')}|{base64.b64encode(vector).decode('ascii')}"

    def decrypt(self, sealed: str) -> str:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - slow to import

        text, bar, vector = sealed.partition("|")
        try:
            data, initial = base64.b64decode(text, validate=True), base64.b64decode(vector, validate=True)
            decryptor = Cipher(algorithms.AES(self.raw), modes.CBC(initial)).decryptor()
            padded = decryptor.update(data) + decryptor.finalize()
        except (binascii.Error, ValueError) as error:
            raise WrongMasterKey("the value is not an encrypted text") from error
        padding = padded[-1] if padded else 0
        if not bar or not 1 <= padding <= _SIZE or padded[-padding:] != bytes([padding]) * padding:
            raise WrongMasterKey("the master key does not decrypt this value")
        try:
            return padded[:-padding].decode()
        except UnicodeDecodeError as error:
            # A wrong key leaves valid padding once in 256 times: OctopusDeploy/Issues#3563.
            raise WrongMasterKey("the master key does not decrypt this value") from error


def is_sealed(text: str) -> bool:
    """Whether this has the form of an encrypted text."""
    sealed, bar, vector = text.partition("|")
    if not bar or len(vector) != 24:
        return False
    try:
        return (
            len(base64.b64decode(vector, validate=True)) == _SIZE
            and len(base64.b64decode(sealed, validate=True)) % _SIZE == 0
        )
    except (binascii.Error, ValueError):
        return False
