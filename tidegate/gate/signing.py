"""Ed25519 signatures (RFC 8032): private keys by reference, public keys as text that is safe in a settings file."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tidegate.errors import SettingsError
from tidegate.secrets import Secret

_PREFIX: Final = "ed25519:"


class SigningKey:
    """A private key, read from where its reference leads."""

    def __init__(self, reference: Secret) -> None:
        """Raises :class:`SettingsError` when there is no Ed25519 key in PEM (PKCS #8, without a passphrase)."""
        try:
            key = load_pem_private_key(reference.reveal().encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise SettingsError(
                "this is no Ed25519 private key in PEM form without a passphrase",
                where=reference.reference,
                next_step="make one with: openssl genpkey -algorithm ed25519",
            )
        self._key = key

    @property
    def public(self) -> str:
        """The key that others verify with, as ``ed25519:BASE64``."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return _PREFIX + base64.b64encode(raw).decode()

    def sign(self, content: bytes) -> str:
        """The signature in Base64."""
        return base64.b64encode(self._key.sign(content)).decode()

    def __repr__(self) -> str:
        return f"SigningKey({self.public})"


def public_key(text: str) -> str:
    """``text`` when it is a public key. Raises ValueError otherwise."""
    _public(text)
    return text


def signed_by(key: str, signature: str, content: bytes) -> bool:
    """Whether ``signature`` is that of ``content`` by the owner of ``key``; nothing malformed is a signature."""
    try:
        _public(key).verify(base64.b64decode(signature, validate=True), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _public(text: str) -> Ed25519PublicKey:
    if not text.startswith(_PREFIX):
        raise ValueError("write a public key as ed25519:BASE64; `tidegate approval key` prints it")
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix(_PREFIX), validate=True))
    except (ValueError, binascii.Error):
        raise ValueError("this is no Ed25519 public key: 32 bytes in Base64 are expected after ed25519:") from None
