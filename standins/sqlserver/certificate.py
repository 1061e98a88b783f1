"""The TLS certificate a server makes for itself at start, as SQL Server does when it is given none."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_LIFETIME: Final = timedelta(days=365)
#: ALPN name of TDS 8, which tells it from TDS inside TLS inside TDS.
_TDS_8: Final = "tds/8.0"


@dataclass(frozen=True, slots=True)
class ServerTls:
    """TLS for handshakes inside TDS packets, and for strict clients, with one certificate (PEM) for both."""

    in_packets: ssl.SSLContext
    strict: ssl.SSLContext
    certificate: bytes


def server_tls() -> ServerTls:
    """Makes a certificate and the two ways to use it.

    Inside packets TLS is held at 1.2 without tickets: there the server speaks last, so nothing encrypted can arrive
    glued to the last handshake packet.
    """
    certificate, key = _self_signed()
    with tempfile.TemporaryDirectory() as folder:  # load_cert_chain() reads files only
        chain = Path(folder) / "chain.pem"
        chain.touch(mode=0o600)
        chain.write_bytes(key + certificate)
        in_packets, strict = _context(chain), _context(chain)
    in_packets.maximum_version = ssl.TLSVersion.TLSv1_2
    strict.set_alpn_protocols([_TDS_8])
    strict.num_tickets = 0
    return ServerTls(in_packets, strict, certificate)


def _context(chain: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(chain)
    return context


def _self_signed() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "SSL_Self_Signed_Fallback")]
    )  # SQL Server's name for its own
    now = datetime.now(UTC)
    loopback = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), *loopback]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
