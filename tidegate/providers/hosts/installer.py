"""Installers on a host: brought from the download feed, their checksum computed there once more, run there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from tidegate.digests import sha256_of
from tidegate.errors import ProvisioningFailed
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.contract import CommandResult
from tidegate.providers.hosts.reach import Reach, must
from tidegate.providers.hosts.systems import System, read_checksum
from tidegate.versions import Version

_SHORT: Final = 120.0
_INSTALL: Final = 1800.0


@final
class Installer:
    """``there`` is a folder on the host for installers and their logs, ``here`` one for downloads on this machine."""

    def __init__(self, reach: Reach, system: System, feed: Callable[[], DownloadFeed], there: str, here: Path) -> None:
        self._reach = reach
        self._system = system
        self._feed = feed
        self._there = there
        self._here = here

    def bring(self, version: Version) -> tuple[str, str]:
        """The installer's path on the host and its SHA-256; transferred unless it is there."""
        local = self._feed().installer(version, self._here, package=self._system.package)
        digest = sha256_of(local)
        target = self._system.path(self._there, local.name)
        if self._checksum(target) != digest:
            must(
                self._reach,
                "making folders",
                self._system.make_folders([self._there]),
                timeout=_SHORT,
                failed=f"{self._there} cannot be made",
                error=ProvisioningFailed,
            )
            self._reach.put(local, self._system.transfer_path(target))
            if (found := self._checksum(target)) != digest:
                raise ProvisioningFailed(
                    f"the installer of {version} has checksum {found or 'none'} on the host, here it is {digest}",
                    where=f"{self._reach.where}: {target}",
                )
        return target, digest

    def install(self, version: Version, folder: str) -> str:
        """Replaces what is in ``folder``; returns what was installed, as ``sha256:…``."""
        installer, digest = self.bring(version)
        log = self._system.path(self._there, f"install-{version}.log")
        result = self._run("the installer", self._system.install(installer, folder, log), _INSTALL)
        if result.exit_code not in self._system.installed_well:
            told = self._run("reading the installer's log", self._system.last_lines(log, 20), _SHORT)
            raise ProvisioningFailed(
                f"the installer of {version} ended with exit code {result.exit_code}:\n{told.output}",
                where=f"{self._reach.where}: {log}",
            )
        return f"sha256:{digest}"

    def _checksum(self, file: str) -> str:
        result = self._run("computing a checksum", self._system.checksum(file), _SHORT)
        return read_checksum(result.output) if result.ok else ""

    def _run(self, what: str, command_line: str, timeout: float) -> CommandResult:
        return self._reach.run(what, command_line, timeout=timeout)
