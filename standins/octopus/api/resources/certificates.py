"""Certificates of users, and the server's own."""

from __future__ import annotations

import base64
from datetime import UTC, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from standins.octopus.api import hooks
from standins.octopus.api.access import require_for
from standins.octopus.api.crud import body_of, create_from, find_item, present_one
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.rendering import render, resource, slice_page
from standins.octopus.behaviour import events
from standins.octopus.behaviour.documents import listed
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

#: The document of the server's own certificate, which Tentacles trust; it survives upgrades (OctopusDeploy/Issues
#: 6558).
GLOBAL = "certificate-global"


def _read(data: bytes, password: str | None) -> tuple[str, x509.Certificate, bool, list[x509.Certificate]]:
    """Format, certificate, whether there is a private key, and the rest of the chain."""
    secret = password.encode() if password else None
    if b"-----BEGIN" in data:
        chain = x509.load_pem_x509_certificates(data)
        return "Pem", chain[0], b"PRIVATE KEY-----" in data, chain[1:]
    try:
        key, certificate, more = pkcs12.load_key_and_certificates(data, secret)
    except ValueError:
        return "Der", x509.load_der_x509_certificate(data), False, []
    if certificate is None:
        raise ValueError("it holds no certificate")
    return "Pkcs12", certificate, key is not None, list(more)


def _part(name: x509.Name, oid: x509.ObjectIdentifier) -> str | None:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else None


def _thumbprint(certificate: x509.Certificate) -> str:
    # A thumbprint is the SHA-1 of the certificate: a name for it, not a protection.
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303


def _algorithm(certificate: x509.Certificate) -> str:
    digest = certificate.signature_hash_algorithm
    return f"{digest.name if digest else 'unknown'}RSA"


def describe(data: bytes, password: str | None) -> Document:
    """The properties the server reads out of certificate data."""
    try:
        kind, certificate, has_key, chain = _read(data, password)
    except (ValueError, TypeError) as error:
        raise ApiError(400, "Certificate Invalid.", [f"The certificate could not be read: {error}"]) from error
    subject, issuer = certificate.subject, certificate.issuer
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
    except x509.ExtensionNotFound:
        names = []
    return {
        "CertificateDataFormat": kind,
        "SubjectDistinguishedName": subject.rfc4514_string(),
        "SubjectCommonName": _part(subject, NameOID.COMMON_NAME),
        "SubjectOrganization": _part(subject, NameOID.ORGANIZATION_NAME),
        "IssuerDistinguishedName": issuer.rfc4514_string(),
        "IssuerCommonName": _part(issuer, NameOID.COMMON_NAME),
        "IssuerOrganization": _part(issuer, NameOID.ORGANIZATION_NAME),
        "SelfSigned": subject == issuer,
        "Thumbprint": _thumbprint(certificate),
        "NotAfter": iso(certificate.not_valid_after_utc),
        "NotBefore": iso(certificate.not_valid_before_utc),
        "HasPrivateKey": has_key,
        "Version": certificate.version.value + 1,
        "SerialNumber": f"{certificate.serial_number:X}",
        "SignatureAlgorithmName": _algorithm(certificate),
        "SubjectAlternativeNames": [f"DNS Name={name}" for name in names],
        "CertificateChain": [
            {
                "SubjectDistinguishedName": entry.subject.rfc4514_string(),
                "IssuerDistinguishedName": entry.issuer.rfc4514_string(),
                "Thumbprint": _thumbprint(entry),
                "NotAfter": iso(entry.not_valid_after_utc),
                "NotBefore": iso(entry.not_valid_before_utc),
                "SerialNumber": f"{entry.serial_number:X}",
                "SignatureAlgorithmName": _algorithm(entry),
                "Version": entry.version.value + 1,
            }
            for entry in chain
        ],
        "Subject": subject.rfc4514_string(),
    }


def _data(call: Call, document: Document) -> tuple[bytes, str | None]:
    """The certificate data in clear: the client sends it in base64, the store holds it encrypted."""
    sealed, password = document.get("CertificateData"), document.get("Password")
    if not sealed:
        raise ApiError(400, "No Certificate Data was provided.")
    key = call.server.master_key
    try:
        return base64.b64decode(key.decrypt(sealed), validate=False), key.decrypt(password) if password else None
    except ValueError as error:  # binascii.Error is one; a text that is no ASCII is another
        raise ApiError(400, "Certificate Invalid.", ["The certificate data is not base64."]) from error


def _prepare(call: Call, document: Document, existing: Document | None) -> None:
    if existing is None or document.get("CertificateData") != existing.get("CertificateData"):
        document.update(describe(*_data(call, document)))
    if existing is None:
        document["Created"] = iso(call.server.now())
        document["Archived"] = None
    else:
        for name in ("Created", "Archived", "ReplacedBy", "Subject"):
            document[name] = document.get(name) or existing.get(name)


def _show(call: Call, shown: list[Document], stored: list[Document]) -> None:
    now = iso(call.server.now())
    for item, document in zip(shown, stored, strict=True):
        item["IsExpired"] = str(document.get("NotAfter")) < now


def _narrow(call: Call, certificates: list[Document]) -> list[Document]:
    """``archived=true`` lists the archived ones, ``search`` looks at names, subjects and thumbprints."""
    archived = call.query.get("archived", "").lower() == "true"
    words = call.query.get("search", "").lower()
    found = [entry for entry in certificates if entry["Id"] != GLOBAL and bool(entry.get("Archived")) == archived]
    if "ids" in call.query:
        found = [entry for entry in certificates if entry["Id"] != GLOBAL]
    if words:
        found = [
            entry
            for entry in found
            if any(words in str(entry.get(name) or "").lower() for name in ("Name", "Subject", "Thumbprint"))
        ]
    tenant = call.query.get("tenant")
    return [entry for entry in found if tenant in listed(entry, "TenantIds")] if tenant else found


hooks.register("Certificate", prepare=_prepare, show=_show, narrow=_narrow)


def _certificate(call: Call, permission: str) -> Document:
    certificate = find_item(call, "Certificate", call.path["id"])
    require_for(call, resource(call, "Certificate"), permission, certificate)
    return certificate


def archive(call: Call) -> Reply:
    certificate = _certificate(call, "CertificateDelete")
    call.transaction.update("Certificate", {**certificate, "Archived": iso(call.server.now())})
    return Reply({})


def unarchive(call: Call) -> Reply:
    certificate = _certificate(call, "CertificateDelete")
    if certificate.get("ReplacedBy"):
        raise ApiError(400, "You cannot unarchive a certificate that has been replaced.")
    call.transaction.update("Certificate", {**certificate, "Archived": None})
    return Reply({})


def replace(call: Call) -> Reply:
    """The certificate keeps its id and name with new data; the old data goes on as an archived certificate."""
    certificate = _certificate(call, "CertificateEdit")
    body = {name.lower(): value for name, value in body_of(call).items()}
    if not body.get("certificatedata"):
        raise ApiError(400, "No Certificate Data was provided.")
    encrypt = call.server.master_key.encrypt
    password = body.get("password")
    renewed = {
        **certificate,
        "CertificateData": encrypt(str(body["certificatedata"])),
        "Password": encrypt(str(password)) if password else None,
    }
    renewed.update(describe(*_data(call, renewed)))
    call.transaction.update("Certificate", renewed)
    old = {**certificate, "Archived": iso(call.server.now()), "ReplacedBy": certificate["Id"]}
    del old["Id"]
    replaced = call.transaction.insert("Certificate", old)
    events.modified(call, "Certificate", renewed, certificate)
    return Reply(present_one(call, "Certificate", replaced))


def export(call: Call) -> Reply:
    certificate = _certificate(call, "CertificateView")
    data, _password = _data(call, certificate)
    wanted = call.query.get("format", "").lower()
    if wanted not in ("", "pem", "der", "pkcs12"):
        raise ApiError(400, "Invalid format option.")
    if call.query.get("includeprivatekey", "").lower() == "true":
        require_for(call, resource(call, "Certificate"), "CertificateExportPrivateKey", certificate)
    if wanted in ("", str(certificate.get("CertificateDataFormat")).lower()):
        return Reply(data, media_type="application/octet-stream")
    _, found, _, _ = _read(data, _password)
    encoding = serialization.Encoding.PEM if wanted == "pem" else serialization.Encoding.DER
    if wanted == "pkcs12":
        raise ApiError(400, "Invalid format option.")
    return Reply(found.public_bytes(encoding), media_type="application/octet-stream")


def usages(call: Call) -> Reply:
    """Projects and library sets with a variable that holds the certificate."""
    certificate = _certificate(call, "CertificateView")
    owners = {
        variables["OwnerId"]
        for variables in call.transaction.query("VariableSet", where={"IsFrozen": False}, space=call.space)
        if any(variable.get("Value") == certificate["Id"] for variable in listed(variables, "Variables"))
    }
    projects = call.transaction.load_many(
        "Project", [document_id for document_id in owners if document_id.startswith("Projects-")]
    )
    libraries = call.transaction.load_many(
        "LibraryVariableSet", [document_id for document_id in owners if document_id.startswith("LibraryVariableSets-")]
    )
    return Reply(
        {
            "ProjectUsages": [render(call, "Project", project) for project in projects],
            "LibraryVariableSetUsages": [render(call, "LibraryVariableSet", library) for library in libraries],
            "TenantUsages": [],
            "DeploymentTargetUsages": [],
        }
    )


def generate(call: Call) -> Reply:
    """A self-signed certificate made by the server."""
    body = {name.lower(): value for name, value in body_of(call).items()}
    common, organization = body.get("subjectcommonname"), body.get("subjectorganization")
    if not (common or organization):
        raise ApiError(400, "Please supply either the common name or organization.")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    parts = ((NameOID.COMMON_NAME, common), (NameOID.ORGANIZATION_NAME, organization))
    try:
        name = x509.Name([x509.NameAttribute(oid, str(value)) for oid, value in parts if value])
    except ValueError as error:  # X.520 has room for 64 characters
        raise invalid(str(error)) from error
    now = call.server.now().astimezone(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    data = pkcs12.serialize_key_and_certificates(None, key, certificate, None, serialization.NoEncryption())
    wanted = {**body_of(call), "CertificateData": {"HasValue": True, "NewValue": base64.b64encode(data).decode()}}
    return Reply(present_one(call, "Certificate", create_from(call, "Certificate", wanted)))


# -- the server's own ------------------------------------------------------------------------------------------------


def _own(call: Call) -> Document:
    """Thumbprint and public part of the certificate that Tentacles know the server by."""
    document = call.transaction.load("Certificate", GLOBAL) or call.transaction.load("Configuration", GLOBAL)
    if document is None:
        raise not_found(GLOBAL)
    return {
        "Id": GLOBAL,
        "Name": document.get("Name") or "Global certificate",
        "Thumbprint": document["Thumbprint"],
        "SignatureAlgorithm": document.get("SignatureAlgorithmName") or "sha256RSA",
        "Links": {
            "Self": f"/api/configuration/certificates/{GLOBAL}",
            "PublicCer": f"/api/configuration/certificates/{GLOBAL}/public-cer",
        },
    }


def own_certificates(call: Call) -> Reply:
    return Reply(slice_page(call, "CertificateConfiguration", [_own(call)]))


def own_certificate(call: Call) -> Reply:
    if call.path.get("id", GLOBAL).lower() != GLOBAL:
        raise not_found(call.path["id"])
    return Reply(_own(call))


def own_public(call: Call) -> Reply:
    document = call.transaction.load("Certificate", GLOBAL) or call.transaction.load("Configuration", GLOBAL)
    if call.path["id"].lower() != GLOBAL or document is None:
        raise not_found(call.path["id"])
    data, password = _data(call, document)
    _, certificate, _, _ = _read(data, password)
    return Reply(certificate.public_bytes(serialization.Encoding.DER), media_type="application/octet-stream")


ROUTES = (
    Route("POST", "certificates/{id}/archive", archive, "space", "CertificateDelete", operation="archiveCertificate"),
    Route(
        "POST", "certificates/{id}/unarchive", unarchive, "space", "CertificateDelete", operation="unarchiveCertificate"
    ),
    Route("POST", "certificates/{id}/replace", replace, "space", "CertificateEdit", operation="replaceCertificate"),
    Route("GET", "certificates/{id}/export", export, "space", "CertificateView", operation="exportCertificate"),
    Route(
        "GET",
        "certificates/{id}/usages",
        usages,
        "space",
        "CertificateView",
        "2019.1",
        operation="getCertificateUsages",
    ),
    Route("GET", "certificates/{id}/usage", usages, "space", "CertificateView", "", "2019.1"),
    Route(
        "POST",
        "certificates/generate",
        generate,
        "space",
        "CertificateCreate",
        "2020.1",
        operation="generateCertificate",
    ),
    Route(
        "GET",
        "certificates/certificate-global",
        own_certificate,
        "system",
        "",
        "2020.1",
        operation="getGlobalCertificate",
    ),
    Route("GET", "configuration/certificates", own_certificates, "system", "", operation="indexServerCertificates"),
    Route(
        "GET", "configuration/certificates/{id}", own_certificate, "system", "", operation="getServerCertificateById"
    ),
    Route(
        "GET",
        "configuration/certificates/{id}/public-cer",
        own_public,
        "system",
        "",
        operation="getServerCertificatePublicPart",
    ),
)
