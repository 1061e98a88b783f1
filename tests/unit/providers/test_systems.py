"""What hosts print, read back."""

from __future__ import annotations

import base64

import pytest

from tidegate.errors import HarnessError
from tidegate.providers.contract import CommandResult
from tidegate.providers.hosts.linux import Linux
from tidegate.providers.hosts.service import InstalledService
from tidegate.providers.hosts.systems import read_checksum, read_configuration, system_of
from tidegate.providers.hosts.windows import Windows

DIGEST = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"


class Scripted:
    """A host that remembers what it was told, decoded where it is PowerShell."""

    where = "windows.example.com"

    def __init__(self, output: str = "", exit_code: int = 0) -> None:
        self.told: list[str] = []
        self._output = output
        self._exit_code = exit_code

    def run(self, what: str, command_line: str, *, timeout: float, stdin: bytes = b"") -> CommandResult:
        code = command_line.rpartition(" ")[2]
        windows = command_line.startswith("powershell")
        self.told.append(base64.b64decode(code).decode("utf-16-le") if windows else command_line)
        return CommandResult(what, self._exit_code, self._output, 0.1)

    def put(self, source: object, target: str) -> None:
        raise NotImplementedError

    def get(self, source: str, target: object) -> None:
        raise NotImplementedError


def test_the_configuration_is_found_among_log_lines() -> None:
    printed = 'Using instance OctopusServer\n{"Octopus.Home": "C:\\\\Octopus", "Octopus.WebPortal.ForceSsl": "False"}\n'

    assert read_configuration(printed)["Octopus.Home"] == "C:\\Octopus"
    with pytest.raises(HarnessError, match="cannot be read"):
        read_configuration("no such instance")


def test_checksums_of_both_systems() -> None:
    assert read_checksum(f"{DIGEST}  installer.tar.gz\n") == DIGEST
    assert read_checksum(f"\r\n{DIGEST.upper()}\r\n") == DIGEST
    assert read_checksum("sha256sum: no such file") == ""


def test_manifests_of_both_systems() -> None:
    printed = f"{DIGEST}  ./Spaces-1/a b.zip\0{DIGEST}  ./odd\nname\0"
    assert Linux().read_manifest(printed) == {"Spaces-1/a b.zip": DIGEST, "odd\nname": DIGEST}
    listed = f'[{{"path":"Spaces-1\\\\a b.zip","sha256":"{DIGEST.upper()}"}}]'
    assert Windows().read_manifest(listed) == {"Spaces-1/a b.zip": DIGEST}
    for system in (Linux(), Windows()):
        with pytest.raises(HarnessError, match="list of files"):
            system.read_manifest("sh: no such folder")


def test_the_watchdog_is_off_before_the_service_stops_and_on_again_only_where_there_was_one() -> None:
    reach = Scripted()
    service = InstalledService(reach, system_of("windows"), r"C:\Program Files\Octopus Deploy\Octopus")

    service.stop()
    service.start(watchdog=True)

    words = ["watchdog --delete", "service --stop", "service --start", "watchdog --create"]
    assert [next(word for word in words if word in script) for script in reach.told] == words
    assert all("Octopus.Server.exe" in script for script in reach.told)


def test_a_service_that_does_not_stop_is_told() -> None:
    service = InstalledService(Scripted("Access denied", 1), system_of("linux"), "/Octopus")

    with pytest.raises(HarnessError, match="Access denied"):
        service.stop()
