"""A Windows host: PowerShell, whatever OpenSSH's DefaultShell is.

No Windows was available while this was written: the commands follow Microsoft's and Octopus's documents, and their text
is tested; nothing of it has run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PureWindowsPath
from typing import Any, Final, cast, final

from tidegate.errors import HarnessError
from tidegate.providers.hosts.quoting import encoded, powershell_text, windows_command

#: PowerShell goes on after an error unless told otherwise; texts are told in UTF-8.
_STRICT: Final = "$ErrorActionPreference = 'Stop'\n[Console]::OutputEncoding = [System.Text.Encoding]::UTF8\n"

#: Windows tells a process's arguments as one text: each regular expression must match from the edge of one to an edge.
_OURS: Final = r"""
$patterns = [Console]::In.ReadToEnd() -split "`n" | ForEach-Object { $_.Trim() } | Where-Object { $_ } |
  ForEach-Object { '(?:^|[\s"])(?:' + $_ + ')(?:[\s"]|$)' }
function Ours {
  Get-CimInstance Win32_Process | Where-Object {
    $line = $_.CommandLine
    $line -and $_.ProcessId -ne $PID -and -not ($patterns | Where-Object { $line -notmatch $_ })
  }
}
"""

_END: Final = r"""
foreach ($turn in 1..50) {
  $found = @(Ours)
  if (-not $found) { exit 0 }
  $found | ForEach-Object { Stop-Process -Id $_.ProcessId -Force -ErrorAction SilentlyContinue }
  Start-Sleep -Milliseconds 200
}
Write-Output "these processes do not end: $($found.ProcessId)"
exit 1
"""

#: Where the list of instances is kept: Octopus docs, administration/managing-infrastructure (instances).
_FACTS: Final = r"""
$there = $folder
while (-not (Test-Path -LiteralPath $there)) { $there = Split-Path -Parent $there }
$principal = [Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()
Write-Output 'system=Windows'
Write-Output "machine=$([System.Net.Dns]::GetHostName())"
if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) { Write-Output 'ordinary=yes' }
Get-NetIPAddress | ForEach-Object { Write-Output "address=$(($_.IPAddress -split '%')[0])" }
Write-Output "free=$((New-Object System.IO.DriveInfo ([System.IO.Path]::GetPathRoot($there))).AvailableFreeSpace)"
try {
  $probe = New-Item -ItemType Directory -Path (Join-Path $there ".tidegate-$([Guid]::NewGuid().ToString('N'))")
  Remove-Item -LiteralPath $probe.FullName
} catch { Write-Output "closed=$there" }
$instances = Join-Path $env:ProgramData 'Octopus\OctopusServer\Instances'
if (Test-Path -LiteralPath $instances) {
  Get-ChildItem -LiteralPath $instances -File | ForEach-Object { Write-Output "instance=$($_.BaseName)" }
}
"""


@final
class Windows:
    """The installer is the MSI (Octopus docs, automate-upgrades)."""

    name = "windows"
    package = "msi"
    #: 3010: done, a restart of Windows is due (Microsoft, Windows Installer error codes).
    installed_well = frozenset({0, 3010})
    has_watchdog = True

    def path(self, *parts: str) -> str:
        return str(PureWindowsPath(*parts))

    def transfer_path(self, path: str) -> str:
        """As OpenSSH's sftp server on Windows names it: /C:/folder/file."""
        return f"/{PureWindowsPath(path).as_posix()}"

    def command(self, arguments: Sequence[str]) -> str:
        return windows_command(arguments)

    def executable(self, install_folder: str) -> str:
        return self.path(install_folder, "Octopus.Server.exe")

    def install(self, installer: str, install_folder: str, log: str) -> str:  # noqa: ARG002, it is the MSI's own
        """The MSI knows its own folder; the verbose log is kept (OctopusDeploy/Issues#1072)."""
        return windows_command(["msiexec", "/i", installer, "/quiet", "/norestart", "/l*v", log])

    def make_folders(self, folders: Sequence[str]) -> str:
        return _script(
            *(f"New-Item -ItemType Directory -Force -Path {powershell_text(folder)} | Out-Null" for folder in folders)
        )

    def remove(self, folder: str) -> str:
        name = powershell_text(folder)
        return _script(
            f"if (Test-Path -LiteralPath {name}) {{ Remove-Item -Recurse -Force -LiteralPath {name} }}",
        )

    def entries(self, folder: str) -> str:
        name = powershell_text(folder)
        return _script(
            f"if (Test-Path -LiteralPath {name}) {{ Get-ChildItem -Force -Name -LiteralPath {name} }}",
        )

    def text(self, file: str) -> str:
        name = powershell_text(file)
        return _script(f"if (Test-Path -LiteralPath {name}) {{ Get-Content -Raw -Encoding UTF8 -LiteralPath {name} }}")

    def last_lines(self, file: str, count: int) -> str:
        return _script(f"Get-Content -Tail {count} -LiteralPath {powershell_text(file)}")

    def exists(self, file: str) -> str:
        return _script(f"if (-not (Test-Path -LiteralPath {powershell_text(file)})) {{ exit 1 }}")

    def checksum(self, file: str) -> str:
        return _script(f"(Get-FileHash -Algorithm SHA256 -LiteralPath {powershell_text(file)}).Hash")

    def manifest(self, folder: str) -> str:
        return _script(
            f"$root = (Resolve-Path -LiteralPath {powershell_text(folder)}).ProviderPath",
            "$files = Get-ChildItem -LiteralPath $root -Recurse -File -Force | ForEach-Object { @{",
            "  path = $_.FullName.Substring($root.Length).TrimStart('\\')",
            "  sha256 = (Get-FileHash -Algorithm SHA256 -LiteralPath $_.FullName).Hash } }",
            "ConvertTo-Json -Compress -InputObject @($files)",
        )

    def read_manifest(self, printed: str) -> Mapping[str, str]:
        try:
            rows = cast("list[dict[str, Any]]", json.loads(printed))
            return {PureWindowsPath(row["path"]).as_posix(): str(row["sha256"]).lower() for row in rows}
        except (ValueError, TypeError, KeyError):
            raise HarnessError(f"the host's list of files cannot be read: {printed[:200]!r}") from None

    def find_processes(self) -> str:
        return _script(_OURS.strip(), "Ours | ForEach-Object { $_.ProcessId }")

    def end_processes(self) -> str:
        return _script(_OURS.strip(), _END.strip())

    def facts(self, folder: str) -> str:
        return _script(f"$folder = {powershell_text(folder)}", _FACTS.strip())

    def units(self, name: str) -> str:  # noqa: ARG002, there are none
        return ""

    def may_keep_services(self) -> str:
        raise NotImplementedError("Windows has no units")

    def journal(self, unit: str, count: int) -> str:
        raise NotImplementedError("Windows has no units")

    def stop_unit(self, unit: str) -> str:
        raise NotImplementedError("Windows has no units")


def _script(*lines: str) -> str:
    return encoded(_STRICT + "\n".join(lines) + "\n")
