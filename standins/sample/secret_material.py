"""Secrets of the sample: derived from the seed, so that a harness can look for them in whatever a run leaves behind."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID

#: Fixed, so that the same seed gives the same certificates whenever it is used.
_NOT_BEFORE = datetime(2024, 1, 1, tzinfo=UTC)


def secret(seed: int, name: str) -> str:
    """24 letters and digits, looking like a password and like nothing else in a log."""
    digest = hashlib.sha256(f"sample:{seed}:{name}".encode()).digest()
    return "S3-" + base64.b32encode(digest).decode()[:21]


def password(seed: int, user: str) -> str:
    """Passes any password rule: long, mixed, with digits and a sign."""
    return f"Pw-{secret(seed, 'password:' + user)}-x9!"


def certificate(seed: int, common_name: str, days: int) -> tuple[str, str]:
    """A self-signed certificate with its key as base64 of a PKCS#12 file, and the file's password."""
    number = int.from_bytes(hashlib.sha256(f"sample:{seed}:{common_name}".encode()).digest()) >> 1
    key = ec.derive_private_key(number, ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme Corporation"),
        ]
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(number >> 128)
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_BEFORE + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(common_name)]), critical=False)
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )
    word = secret(seed, "certificate:" + common_name)
    content = pkcs12.serialize_key_and_certificates(
        common_name.encode(), key, built, None, BestAvailableEncryption(word.encode())
    )
    return base64.b64encode(content).decode(), word
