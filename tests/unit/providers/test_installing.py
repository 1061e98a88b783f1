from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tidegate.errors import ProvisioningFailed
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.embedded import EmbeddedHost
from tidegate.providers.leftovers import Leftovers
from tidegate.versions import Version


class OneInstaller(DownloadFeed):
    """Hands out one archive, whatever the version."""

    def __init__(self, archive: Path) -> None:
        super().__init__("http://localhost")
        self._archive = archive

    def installer(self, version: Version, folder: Path, *, package: str = "tar.gz") -> Path:
        return self._archive


def installer(folder: Path, *names: str, link: bool = False) -> Path:
    archive = folder / "installer.tar.gz"
    with tarfile.open(archive, "w:gz") as content:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.mode = 0o4755
            entry.size = 0 if link else 4
            entry.type, entry.linkname = (tarfile.SYMTYPE, "/etc/passwd") if link else (tarfile.REGTYPE, "")
            content.addfile(entry, None if link else io.BytesIO(b"data"))
    return archive


def install(folder: Path, archive: Path) -> Path:
    host = EmbeddedHost(folder / "host", lambda: OneInstaller(archive), Leftovers(folder / "run"), node_name="N")
    host.install(Version(2021, 1, 7500))
    return folder / "host" / "install"


def test_an_upgrade_replaces_the_installed_files(tmp_path: Path) -> None:
    install(tmp_path, installer(tmp_path, "Octopus.Server", "old.dll"))
    installed = install(tmp_path, installer(tmp_path, "Octopus.Server", "Octopus/new.dll"))

    found = sorted(path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file())
    assert found == ["Octopus.Server", "Octopus/new.dll"]
    assert (installed / "Octopus.Server").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "a/../../../outside"])
def test_an_installer_that_reaches_outside_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProvisioningFailed, match="no file of an installer"):
        install(tmp_path, installer(tmp_path, name))


def test_an_installer_with_links_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProvisioningFailed, match="no file of an installer"):
        install(tmp_path, installer(tmp_path, "Octopus.Server", link=True))


def test_an_installer_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "installer.tar.gz"
    archive.write_bytes(b"<html>404</html>")
    with pytest.raises(ProvisioningFailed, match="cannot be unpacked"):
        install(tmp_path, archive)
