"""Instances: a name, a configuration file each, and the list of them on this machine."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from standins.octopus.command.failures import ControlledFailure

DEFAULT_NAME: Final = "OctopusServer"
HOME: Final = "Octopus.Home"
CONNECTION_STRING: Final = "Octopus.Storage.ExternalDatabaseConnectionString"
MASTER_KEY: Final = "Octopus.Storage.MasterKey"
NODE_NAME: Final = "Octopus.Storage.NodeName"
LISTEN_PREFIXES: Final = "Octopus.WebPortal.ListenPrefixes"
SERVICES_PORT: Final = "Octopus.Communications.ServicesPort"

_DOCUMENT: Final = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(slots=True)
class InstanceConfiguration:
    """The file of one instance: ``<octopus-settings><set key="…">value</set>…``. Only its owner may read it."""

    path: Path
    values: dict[str, str] = field(default_factory=dict[str, str], repr=False)

    @classmethod
    def read(cls, path: Path) -> InstanceConfiguration:
        try:
            root = ET.parse(path).getroot()  # noqa: S314 - the administrator's own file
        except FileNotFoundError:
            raise ControlledFailure(f"The configuration file '{path}' does not exist") from None
        except ET.ParseError as error:
            raise ControlledFailure(f"The configuration file '{path}' is damaged: {error}") from None
        return cls(path, {entry.get("key", ""): entry.text or "" for entry in root.iter("set")})

    def save(self) -> None:
        root = ET.Element("octopus-settings")
        for key in sorted(self.values):
            ET.SubElement(root, "set", key=key).text = self.values[key]
        ET.indent(root)
        _write_private(self.path, ET.tostring(root, encoding="utf-8", xml_declaration=True))

    @property
    def home(self) -> Path:
        return Path(self.values.get(HOME) or self.path.parent)

    @property
    def node_name(self) -> str:
        return self.values.get(NODE_NAME) or os.uname().nodename.upper()

    def required(self, key: str, what: str) -> str:
        value = self.values.get(key)
        if not value:
            raise ControlledFailure(f"{what} has not been configured: '{key}' has no value in '{self.path}'")
        return value


def _write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    partial.replace(path)


def registry_folder() -> Path:
    """`/etc/octopus` in the real product. The stand-in must not need root, so it keeps to the home folder."""
    if told := os.environ.get("OCTOPUS_SERVER_CONFIGURATION_DIRECTORY"):
        return Path(told) / "Instances"
    if root := os.environ.get("OCTOPUS_STANDIN_ROOT"):
        return Path(root) / "etc" / "octopus"
    return Path.home() / ".octopus-standin" / "Instances"


def registered_instances() -> Iterator[tuple[str, Path]]:
    for file in sorted(registry_folder().glob("*.config")):
        entry = json.loads(file.read_text(encoding="utf-8"))
        yield entry["Name"], Path(entry["ConfigurationFilePath"])


def register(name: str, configuration: Path) -> None:
    entry = {"Name": name, "ConfigurationFilePath": str(configuration)}
    _write_private(_entry_file(name), json.dumps(entry).encode())


def unregister(name: str) -> bool:
    file = _entry_file(name)
    found = file.exists()
    file.unlink(missing_ok=True)
    return found


def _entry_file(name: str) -> Path:
    return registry_folder() / f"{_DOCUMENT.sub('_', name)}.config"


def find_configuration(instance: str | None, config: str | None) -> Path:
    if config:
        return Path(config)
    wanted = instance or DEFAULT_NAME
    for name, path in registered_instances():
        if name.lower() == wanted.lower():
            return path
    raise ControlledFailure(f"Instance {wanted} has not been configured on this machine")
