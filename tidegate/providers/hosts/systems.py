"""What differs between a Linux and a Windows host, and what either of them prints."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

from tidegate.errors import HarnessError
from tidegate.providers.hosts.linux import Linux
from tidegate.providers.hosts.windows import Windows

_SHA256: Final = re.compile(r"\\?([0-9a-fA-F]{64})")


class System(Protocol):
    """Every method returns a command line, or reads what one printed."""

    @property
    def name(self) -> str:
        """`linux` or `windows`."""
        ...

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

    def transfer_path(self, path: str) -> str:
        """A path as `sftp` names it."""
        ...

    def command(self, arguments: Sequence[str]) -> str: ...

    def executable(self, install_folder: str) -> str: ...

    def install(self, installer: str, install_folder: str, log: str) -> str: ...

    def make_folders(self, folders: Sequence[str]) -> str: ...

    def remove(self, folder: str) -> str:
        """Deletes a folder with everything in it; nothing happens when there is none."""
        ...

    def entries(self, folder: str) -> str:
        """Prints the names in a folder, one a line; nothing when there is no such folder."""
        ...

    def text(self, file: str) -> str:
        """Prints a file; nothing when there is none."""
        ...

    def last_lines(self, file: str, count: int) -> str: ...

    def exists(self, file: str) -> str:
        """Ends with 0 when there is such a file or folder."""
        ...

    def checksum(self, file: str) -> str: ...

    def manifest(self, folder: str) -> str: ...

    def read_manifest(self, printed: str) -> Mapping[str, str]:
        """Relative paths with forward slashes → SHA-256, from what :meth:`manifest` printed."""
        ...

    def find_processes(self) -> str:
        """Prints the ids of the processes for which each regular expression on standard input, one a line, matches one
        of their arguments."""
        ...

    def end_processes(self) -> str:
        """Ends these processes; nothing happens when there are none."""
        ...

    def facts(self, folder: str) -> str:
        """Prints what :func:`read_facts` reads; changes nothing. ``folder`` is where something is to be put."""
        ...

    def units(self, name: str) -> str:
        """Prints the states of systemd's unit ``name`` and of those that have a line which the expression on standard
        input matches; nothing where systemd is not the first process. "" for a system without such a thing."""
        ...

    def may_keep_services(self) -> str:
        """Ends with 0 when the user may have units of systemd started and stopped."""
        ...

    def journal(self, unit: str, count: int) -> str:
        """Prints the last lines that a unit of systemd has said."""
        ...

    def stop_unit(self, unit: str) -> str: ...


def system_of(name: str) -> System:
    """`linux` or `windows`."""
    return Windows() if name == "windows" else Linux()


def read_facts(printed: str) -> Mapping[str, Sequence[str]]:
    """Name → values, of what `facts` printed: system, machine, boot (an id that no other start of a machine has),
    address, address6 (as 32 hexadecimal digits), free (bytes), missing (programs), closed (a folder that cannot be
    written to), ordinary (no administrator), instance (that is registered there)."""
    facts: dict[str, list[str]] = {}
    for line in printed.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and value:
            facts.setdefault(name, []).append(value)
    return facts


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
        raise HarnessError(  # what was printed is not told: it may hold the connection string
            f"the instance's configuration cannot be read: {len(printed)} characters that are no JSON"
        ) from None
    return {key: str(value) for key, value in values.items() if not isinstance(value, dict | list)}
