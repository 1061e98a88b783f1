"""Packages for the built-in feed: small zip files with the same bytes for the same content."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

_STAMP = (2024, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Archive:
    package: str
    version: str
    content: bytes

    @property
    def file(self) -> str:
        return f"{self.package}.{self.version}.zip"


def archive(package: str, version: str, files: Mapping[str, str]) -> Archive:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _STAMP)
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, text)
    return Archive(package, version, buffer.getvalue())


def application(package: str, version: str) -> Archive:
    """An application with a configuration that is filled in at deployment and a script that shows it."""
    return archive(
        package,
        version,
        {
            "appsettings.json": '{"Environment": "#{Octopus.Environment.Name}", "Greeting": "#{Greeting}"}\n',
            "PostDeploy.sh": (
                f'echo "{package} {version} is in place in $(get_octopusvariable Octopus.Environment.Name)"\n'
            ),
            "www/index.html": f"<h1>{package} {version}</h1>\n",
        },
    )
