"""What differs between a Linux and a Windows host: paths, quoting, installing, checksums."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final, Protocol, cast, final

from tidegate.errors import HarnessError
from tidegate.providers.hosts.quoting import encoded, posix_command, powershell_text, windows_command

_SHA256: Final = re.compile(r"\\?([0-9a-fA-F]{64})")


class System(Protocol):
    """Every method returns a command line, or reads what one printed."""

    @property
    def package(self) -> str:
        """How the installer's file name ends in the download feed."""
        ...

    @property
    def installed_well(self) -> frozenset[int]:
        """Exit codes of an installer that did its work."""
        ...

    @property
    def has_watchdog(self) -> bool: ...

    def path(self, *parts: str) -> str: ...

    def command(self, arguments: Sequence[str]) -> str: ...

    def executable(self, install_folder: str) -> str: ...

    def install(self, installer: str, install_folder: str, log: str) -> str: ...

    def make_folders(self, folders: Sequence[str]) -> str: ...

    def checksum(self, file: str) -> str: ...

    def manifest(self, folder: str) -> str: ...

    def read_manifest(self, printed: str) -> Mapping[str, str]:
        """Relative paths with forward slashes → SHA-256, from what :meth:`manifest` printed."""
        ...


@final
class Linux:
    """GNU userland and `sh`. The installer is the archive; unpacking it is the installation."""

    package = "tar.gz"
    installed_well = frozenset({0})
    has_watchdog = False

    def path(self, *parts: str) -> str:
        return str(PurePosixPath(*parts))

    def command(self, arguments: Sequence[str]) -> str:
        return posix_command(arguments)

    def executable(self, install_folder: str) -> str:
        return self.path(install_folder, "Octopus.Server")

    def install(self, installer: str, install_folder: str, log: str) -> str:
        """Unpacked beside the installation and swapped: what breaks off leaves the old version in place."""
        fresh = f"{install_folder}.new"
        steps = (
            ["rm", "-rf", "--", fresh],
            ["mkdir", "-p", "--", fresh],
            ["tar", "--no-same-owner", "-xzf", installer, "-C", fresh],
            ["rm", "-rf", "--", install_folder],
            ["mv", "--", fresh, install_folder],
        )
        joined = " && ".join(posix_command(step) for step in steps)
        return f"{{ {joined} ; }} > {posix_command([log])} 2>&1"

    def make_folders(self, folders: Sequence[str]) -> str:
        return f"umask 077 && {posix_command(['mkdir', '-p', '--', *folders])}"

    def checksum(self, file: str) -> str:
        return posix_command(["sha256sum", "--", file])

    def manifest(self, folder: str) -> str:
        # Every line ends with a null character, because a file's name may hold a line break.
        return f"cd {posix_command([folder])} && find . -type f -exec sha256sum --zero {{}} +"

    def read_manifest(self, printed: str) -> Mapping[str, str]:
        entries: dict[str, str] = {}
        for line in filter(None, printed.split("\0")):
            digest, separator, name = line.partition("  ./")
            if not separator:
                raise HarnessError(f"the host's list of files cannot be read: {line[:200]!r}")
            entries[name] = digest.lower()
        return entries


@final
class Windows:
    """PowerShell, whatever OpenSSH's DefaultShell is. The installer is the MSI (Octopus docs, automate-upgrades)."""

    package = "msi"
    #: 3010: done, a restart of Windows is due (Microsoft, Windows Installer error codes).
    installed_well = frozenset({0, 3010})
    has_watchdog = True

    def path(self, *parts: str) -> str:
        return str(PureWindowsPath(*parts))

    def command(self, arguments: Sequence[str]) -> str:
        return windows_command(arguments)

    def executable(self, install_folder: str) -> str:
        return self.path(install_folder, "Octopus.Server.exe")

    def install(self, installer: str, install_folder: str, log: str) -> str:  # noqa: ARG002, it is the MSI's own
        """The MSI knows its own folder; the verbose log is kept (OctopusDeploy/Issues#1072)."""
        return windows_command(["msiexec", "/i", installer, "/quiet", "/norestart", "/l*v", log])

    def make_folders(self, folders: Sequence[str]) -> str:
        made = "\n".join(
            f"New-Item -ItemType Directory -Force -Path {powershell_text(folder)} | Out-Null" for folder in folders
        )
        return encoded(f"$ErrorActionPreference = 'Stop'\n{made}\n")

    def checksum(self, file: str) -> str:
        return encoded(
            "$ErrorActionPreference = 'Stop'\n"
            f"(Get-FileHash -Algorithm SHA256 -LiteralPath {powershell_text(file)}).Hash\n"
        )

    def manifest(self, folder: str) -> str:
        return encoded(
            "$ErrorActionPreference = 'Stop'\n"
            "[Console]::OutputEncoding = [System.Text.Encoding]::UTF8\n"
            f"$root = (Resolve-Path -LiteralPath {powershell_text(folder)}).ProviderPath\n"
            "$files = Get-ChildItem -LiteralPath $root -Recurse -File -Force | ForEach-Object { @{\n"
            "  path = $_.FullName.Substring($root.Length).TrimStart('\\')\n"
            "  sha256 = (Get-FileHash -Algorithm SHA256 -LiteralPath $_.FullName).Hash } }\n"
            "ConvertTo-Json -Compress -InputObject @($files)\n"
        )

    def read_manifest(self, printed: str) -> Mapping[str, str]:
        try:
            rows = cast("list[dict[str, Any]]", json.loads(printed))
            return {PureWindowsPath(row["path"]).as_posix(): str(row["sha256"]).lower() for row in rows}
        except (ValueError, TypeError, KeyError):
            raise HarnessError(f"the host's list of files cannot be read: {printed[:200]!r}") from None


def read_checksum(printed: str) -> str:
    """The digest in what a checksum command printed; "" when there is none."""
    found = _SHA256.match(printed.strip())
    return found[1].lower() if found else ""


def read_configuration(printed: str) -> Mapping[str, str]:
    """The flat keys of `show-configuration --format=json`.

    Log lines around it are skipped: not every version keeps quiet with `--noconsolelogging` (OctopusDSC#179).
    """
    start, end = printed.find("{"), printed.rfind("}")
    try:
        values = cast("dict[str, Any]", json.loads(printed[start : end + 1]))
    except ValueError:
        raise HarnessError(f"the instance's configuration cannot be read: {printed[-500:]}") from None
    return {key: str(value) for key, value in values.items() if not isinstance(value, dict | list)}


def system_of(name: str) -> System:
    """`linux` or `windows`."""
    return Windows() if name == "windows" else Linux()
