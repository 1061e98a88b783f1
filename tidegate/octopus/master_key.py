"""The master key: what Octopus encrypts sensitive values with, and whether a key is the right one.

Octopus stores ``<base64 of AES-128-CBC ciphertext>|<base64 of the IV>`` (public decryptors: HandyPoshScripts,
OctoVarUnsensitifier.ps1). A wrong key usually fails at the padding, but not always: versions before 2017 accepted a
wrong key with a chance of 0.3 % (OctopusDeploy/Issues#3563). So a key is proven by several secrets that turn readable.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast, final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from tidegate.errors import Refused, SettingsError
from tidegate.secrets import Secret

#: The IV is one AES block: 24 base64 characters.
ENCRYPTED: Final = re.compile(r"[A-Za-z0-9+/]{22,}={0,2}\|[A-Za-z0-9+/]{22}==")
_KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class EncryptedValue:
    """A secret as the database has it, and where it stands. ``binary`` secrets need not be text."""

    place: str
    text: str
    binary: bool = False


@final
class MasterKey:
    """A master key that is used, never shown."""

    __slots__ = ("_key",)

    def __init__(self, key: Secret) -> None:
        """Raises :class:`SettingsError` when the secret is no 16 bytes in base64; the value is never repeated."""
        try:
            self._key = base64.b64decode(key.reveal(), validate=True)
        except (binascii.Error, ValueError):
            self._key = b""
        if len(self._key) != _KEY_BYTES:
            raise SettingsError(
                "this is no master key: expected 16 bytes in base64 (24 characters ending with ==)",
                where=key.reference,
                next_step="print it on the main instance with `Octopus.Server show-master-key`",
            )

    def __repr__(self) -> str:
        return "MasterKey(********)"

    def decrypt(self, text: str) -> bytes:
        """The plain value. Raises ``ValueError`` when this key does not fit or the text is no encrypted value."""
        cipher_text, _, iv = text.partition("|")
        decryptor = Cipher(AES(self._key), CBC(base64.b64decode(iv, validate=True))).decryptor()
        padded = decryptor.update(base64.b64decode(cipher_text, validate=True)) + decryptor.finalize()
        unpadder = PKCS7(128).unpadder()
        return unpadder.update(padded) + unpadder.finalize()

    def digest(self, value: EncryptedValue) -> str:
        """A digest of the plain value that says nothing without this key; "" when the key does not open it."""
        if not self.opens(value):
            return ""
        return hmac.new(self._key, self.decrypt(value.text), hashlib.sha256).hexdigest()[:32]

    def opens(self, value: EncryptedValue) -> bool:
        """Whether the value becomes something that was meant: text without control characters, or a certificate."""
        try:
            plain = self.decrypt(value.text)
            if value.binary and _is_der(plain):
                return True
            return all(character.isprintable() or character in "\r\n\t" for character in plain.decode("utf-8"))
        except ValueError:
            return False


def prove_master_key(key: MasterKey, values: Sequence[EncryptedValue], where: str) -> str:
    """A sentence that says which secrets the key opened.

    Raises :class:`Refused` when it opens none: then it is not the key of this database. A few that do not open are
    named in the sentence: they were lost before (OctopusDeploy/Issues#8111), and the clone will show the same.
    """
    opened = [value for value in values if key.opens(value)]
    if not values:
        return "the database holds no encrypted value, so the master key could not be proven"
    # Each wrong key opens a short text with a chance below 1 in 1000; more than half of several never.
    if len(opened) * 2 <= len(values):
        raise Refused(
            f"the master key is not the key of this database: it opens {len(opened)} of {len(values)} encrypted values",
            where=where,
            next_step="print the right one on the main instance with `Octopus.Server show-master-key`",
        )
    lost = [value.place for value in values if value not in opened]
    sentence = f"the master key opens {len(opened)} of {len(values)} encrypted values, among them {opened[0].place}"
    return sentence + (f"; not readable: {', '.join(lost[:5])}" if lost else "")


def encrypted_values(place: str, document: object, *, binary: bool = False) -> Iterator[EncryptedValue]:
    """Every encrypted value in a JSON document, with its path."""
    if isinstance(document, str):
        if ENCRYPTED.fullmatch(document):
            yield EncryptedValue(place, document, binary)
    elif isinstance(document, dict):
        for name, inner in cast("dict[str, object]", document).items():
            yield from encrypted_values(f"{place}.{name}", inner, binary=binary)
    elif isinstance(document, list):
        yield from _of_list(place, cast("list[object]", document), binary)


def _of_list(place: str, items: Iterable[object], binary: bool) -> Iterator[EncryptedValue]:
    for number, inner in enumerate(items):
        yield from encrypted_values(f"{place}[{number}]", inner, binary=binary)


def _is_der(plain: bytes) -> bool:
    """A PKCS#12 or X.509 file begins with an ASN.1 sequence whose length, if stated, fits."""
    if len(plain) < 4 or plain[0] != 0x30:
        return False
    if plain[1] == 0x82:
        return int.from_bytes(plain[2:4]) + 4 == len(plain)
    return plain[1] in {0x80, 0x81, 0x83}
