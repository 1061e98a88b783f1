"""``export-certificate``, ``import-certificate``, ``ssl-certificate``, ``proxy``, as pages of the Octopus docs say."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import Final

from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.invocation import Invocation
from standins.octopus.contract import Version
from standins.octopus.schema.certificate import NotACertificate, pack, store_certificate, stored_certificate, unpack

_TYPE_SINCE: Final = Version(2025, 4, 0)
_PROXY: Final = {
    "proxyEnable": "Octopus.Proxy.UseDefaultProxy",
    "proxyHost": "Octopus.Proxy.ProxyHost",
    "proxyPort": "Octopus.Proxy.ProxyPort",
    "proxyUsername": "Octopus.Proxy.ProxyUsername",
    "proxyPassword": "Octopus.Proxy.ProxyPassword",
}
_STORES: Final = ("My", "WebHosting")


def export_certificate(call: Invocation) -> int:
    target = call.options.get("export-pfx")
    if not target:
        raise ControlledFailure("Please specify the file to export to: --export-pfx")
    sort = call.options.get("type")
    if sort is not None and call.version < _TYPE_SINCE:
        raise ControlledFailure("Unrecognized command line argument: --type")
    if (sort or "tentacle").lower() != "tentacle":
        raise ControlledFailure("The gRPC certificate is not played by this stand-in")
    with call.database() as database:
        certificate = stored_certificate(database)
    if certificate is None:
        raise ControlledFailure("The server has no certificate yet")
    data = base64.b64decode(call.master_key().decrypt(certificate["CertificateData"]))
    content = pack(data, call.options.get("pfx-password"))
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    call.output.info(f"The certificate {certificate['Thumbprint']} has been written to {target}")
    return 0


def import_certificate(call: Invocation) -> int:
    """From a PFX file, or the base64 text of one."""
    source = call.options.get("from-file") or call.options.get("f")
    if not source:
        raise ControlledFailure("Please specify the certificate to import: --from-file")
    try:
        content = Path(source).read_bytes()
    except OSError as error:
        raise ControlledFailure(f"Certificate '{source}' cannot be read: {error.strerror}") from None
    if not content.startswith(b"\x30"):  # a PKCS#12 file is a DER sequence
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error:
            raise ControlledFailure(f"'{source}' is neither a PFX file nor one as base64 text") from None
    try:
        data, thumbprint = unpack(content, call.options.get("pfx-password") or call.options.get("pw"))
    except NotACertificate as problem:
        raise ControlledFailure(f"'{source}' could not be imported: {problem}") from None
    with call.database() as database:
        store_certificate(database, call.master_key(), data, thumbprint)
    call.output.info("The certificate has been imported. The new thumbprint is:")
    call.output.result(thumbprint)
    return 0


def ssl_certificate(call: Invocation) -> int:
    """Notes the binding; the stand-in's portal speaks HTTP."""
    thumbprint = call.options.get("thumbprint")
    if not thumbprint:
        raise ControlledFailure("Please specify the certificate: --thumbprint")
    store = call.options.get("certificate-store") or "My"
    if store not in _STORES:
        raise ControlledFailure(f"The certificate store '{store}' is not supported: use My or WebHosting")
    address = f"{call.options.get('ip-address') or '0.0.0.0'}:{_port(call, 'port', '443')}"  # noqa: S104 - its default
    call.configuration.values["Octopus.WebPortal.SslBinding"] = f"{address};{thumbprint};{store}"
    call.configuration.save()
    call.output.info(f"Bound {address} to the certificate {thumbprint} in {store}")
    return 0


def proxy(call: Invocation) -> int:
    given = {option: call.options.get(option) for option in _PROXY if call.options.get(option) is not None}
    if not given:
        raise ControlledFailure("Please say how to reach the proxy: --proxyEnable, --proxyHost, …")
    if "proxyEnable" in given:
        given["proxyEnable"] = str(call.options.switch("proxyEnable"))
    if "proxyPort" in given:
        _port(call, "proxyPort", "")
    for option, value in given.items():
        secret = option == "proxyPassword"
        call.configuration.values[_PROXY[option]] = call.master_key().encrypt(str(value)) if secret else str(value)
        call.output.info(f"{_PROXY[option]} set" + ("" if secret else f" to: {value}"))
    call.configuration.save()
    return 0


def _port(call: Invocation, option: str, default: str) -> str:
    port = call.options.get(option) or default
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ControlledFailure(f"The value '{port}' of --{option} is not a port")
    return port
