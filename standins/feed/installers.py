"""Installers of the Octopus Server stand-in: an archive to unpack, with the same bytes every time."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shlex
import sys
import tarfile
import threading
from pathlib import Path
from typing import Final, final

from standins.octopus.contract import Version

#: Where the package `standins` is found by the installed launcher.
_PACKAGES: Final = Path(__file__).resolve().parents[2]


@final
class Installers:
    """Builds each installer when it is first asked for and keeps it in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def archive(self, version: Version) -> Path:
        """`Octopus.<version>-x64.tar.gz`: the launcher `Octopus.Server` and `release.json`."""
        file = self._folder / f"Octopus.{version}-x64.tar.gz"
        with self._lock:
            if not file.exists():
                partial = file.with_suffix(".partial")
                partial.write_bytes(_build(version))
                partial.rename(file)
        return file

    def checksum(self, version: Version) -> str:
        """The archive's SHA-256, as `sha256sum` prints it."""
        file = self.archive(version)
        return f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"


def _build(version: Version) -> bytes:
    files = {
        "Octopus.Server": (_launcher().encode(), 0o755),
        "release.json": (json.dumps({"Version": str(version)}).encode(), 0o644),
    }
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
    ):
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = mode
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _launcher() -> str:
    return (
        "#!/bin/sh\n"
        "# The Octopus Server stand-in, installed in this folder; release.json beside it says which version it is.\n"
        'folder=$(cd "$(dirname "$0")" && pwd)\n'
        f"PYTHONPATH={shlex.quote(str(_PACKAGES))}${{PYTHONPATH:+:$PYTHONPATH}}\n"
        "export PYTHONPATH\n"
        f'exec {shlex.quote(sys.executable)} -m standins.octopus --install-folder "$folder" "$@"\n'
    )
