"""The instance configuration file of an Octopus Server: where the database is, and the master key.

Writing it keeps both off the command line, where every user of the machine could read them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from tidegate.rehearsal.instances import DatabaseAddress

#: Keys as `show-configuration` prints them (OctopusDSC, cOctopusServer).
CONNECTION_STRING: Final = "Octopus.Storage.ExternalDatabaseConnectionString"
MASTER_KEY: Final = "Octopus.Storage.MasterKey"
NODE_NAME: Final = "Octopus.Storage.NodeName"
HOME: Final = "Octopus.Home"
LISTEN_PREFIXES: Final = "Octopus.WebPortal.ListenPrefixes"
SERVICES_PORT: Final = "Octopus.Communications.ServicesPort"


def write_instance_configuration(file: Path, values: Mapping[str, str]) -> None:
    """Replace ``file`` by these keys; only its owner may read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(instance_configuration(values))
    partial.replace(file)


def instance_configuration(values: Mapping[str, str]) -> bytes:
    """The content of such a file."""
    root = ET.Element("octopus-settings")
    for key, value in values.items():
        ET.SubElement(root, "set", key=key).text = value
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def read_instance_configuration(file: Path) -> dict[str, str]:
    """The keys of such a file; two of them are secrets."""
    return {str(one.get("key")): one.text or "" for one in ET.parse(file).getroot().iter("set")}  # noqa: S314 -- of our own making


def ado_connection_string(database: DatabaseAddress) -> str:
    """The database as Octopus's configuration writes it (ADO.NET); holds the password, so it goes into files only."""
    server = database.server
    parts = {
        "Server": server.server,
        "Database": database.name,
        "User Id": server.user,
        "Password": server.password.reveal(),
        "Encrypt": str(server.encrypt),
        "TrustServerCertificate": str(server.trust_server_certificate),
    }
    return ";".join(f"{key}={_quoted(value)}" for key, value in parts.items())


def _quoted(value: str) -> str:
    if any(mark in value for mark in ";'\"= "):
        return '"' + value.replace('"', '""') + '"'
    return value
