"""The server's X.509 certificate: encrypted in the database, it proves that a master key is the right one."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from standins.octopus.crypto import MasterKey, WrongMasterKey
from standins.octopus.schema.configuration import CERTIFICATE
from standins.octopus.schema.database import Database

#: The subject Octopus gives its own certificate (Tentacle's trust pages, Octopus docs).
_SUBJECT: Final = "Octopus Portal"


def stored_certificate(database: Database) -> dict[str, Any] | None:
    rows = database.run("SELECT [JSON] FROM dbo.[Configuration] WHERE [Id] = ?", CERTIFICATE)
    return json.loads(rows[0][0]) if rows else None


def store_new_certificate(database: Database, key: MasterKey) -> str:
    """The new certificate's thumbprint."""
    data, thumbprint = _make()
    store_certificate(database, key, data, thumbprint)
    return thumbprint


def store_certificate(database: Database, key: MasterKey, data: bytes, thumbprint: str) -> None:
    """``data`` is a PKCS#12 file without a password."""
    document = {
        "Name": _SUBJECT,
        "Thumbprint": thumbprint,
        "SignatureAlgorithmName": "sha256RSA",
        "CertificateData": key.encrypt(base64.b64encode(data).decode("ascii")),
    }
    if stored_certificate(database) is None:
        database.insert("Configuration", CERTIFICATE, document)
    else:
        database.run("UPDATE dbo.[Configuration] SET [JSON] = ? WHERE [Id] = ?", json.dumps(document), CERTIFICATE)


class NotACertificate(ValueError):
    """A file that holds no certificate with its private key, or not under this password."""


def pack(data: bytes, password: str | None) -> bytes:
    """The same certificate and key, under a password."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - slow to import
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415

    key, certificate, _ = pkcs12.load_key_and_certificates(data, None)
    protection = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return pkcs12.serialize_key_and_certificates(None, cast("Any", key), certificate, None, protection)


def unpack(content: bytes, password: str | None) -> tuple[bytes, str]:
    """(the PKCS#12 file without its password, the thumbprint)."""
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - slow to import
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415

    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(content, password.encode() if password else None)
    except ValueError as error:
        raise NotACertificate(str(error)) from error
    if key is None or certificate is None:
        raise NotACertificate("it holds no certificate with its private key")
    plain = serialization.NoEncryption()
    data = pkcs12.serialize_key_and_certificates(None, cast("Any", key), certificate, None, plain)
    return data, certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - a thumbprint is the SHA-1


def verify_master_key(database: Database, key: MasterKey) -> None:
    """Raises ``WrongMasterKey``. Decrypting is no proof (OctopusDeploy/Issues#3563): it must be a certificate."""
    document = stored_certificate(database)
    if document is None:
        return
    data = base64.b64decode(key.decrypt(document["CertificateData"]), validate=False)
    if not data.startswith(b"\x30"):  # a PKCS#12 file is a DER sequence
        raise WrongMasterKey("the master key does not decrypt the server's certificate")


def _make() -> tuple[bytes, str]:
    from cryptography import x509  # noqa: PLC0415 - slow to import, and needed once in the life of a database
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _SUBJECT)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=100 * 365))
        .sign(key, hashes.SHA256())
    )
    data = pkcs12.serialize_key_and_certificates(None, key, certificate, None, serialization.NoEncryption())
    return data, certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - a thumbprint is the SHA-1
