"""One command, as the command line of the system it is to run on: nothing in an argument is ever read as syntax.

Linux: what `sh` reads. Windows: PowerShell as `-EncodedCommand`, which no shell in between (cmd.exe or PowerShell,
whatever OpenSSH's DefaultShell is) can misread; the program's arguments are quoted as the C runtime and .NET parse them
(Microsoft: "Parsing C command-line arguments", "about_Quoting_Rules", "about_pwsh -EncodedCommand").
"""

from __future__ import annotations

import base64
import re
import shlex
import subprocess
from collections.abc import Sequence
from typing import Final

from tidegate.errors import HarnessError

#: PowerShell takes all of these for a single quote, and doubling any of them puts it into the text.
_SINGLE_QUOTES: Final = "'\u2018\u2019\u201a\u201b"


def posix_command(arguments: Sequence[str]) -> str:
    """A command line for `sh`."""
    return shlex.join([_plain(argument) for argument in arguments])


def windows_command(arguments: Sequence[str]) -> str:
    """A command line for any shell of Windows; the program's exit code becomes that of the command line."""
    return encoded(
        # ProcessStartInfo, because Windows PowerShell drops double quotes from arguments of `& program`.
        "$ErrorActionPreference = 'Stop'\n"
        "$start = New-Object System.Diagnostics.ProcessStartInfo\n"
        f"$start.FileName = {powershell_text(arguments[0])}\n"
        f"$start.Arguments = {powershell_text(windows_arguments(arguments[1:]))}\n"
        "$start.UseShellExecute = $false\n"
        "$process = [System.Diagnostics.Process]::Start($start)\n"
        "$process.WaitForExit()\n"
        "exit $process.ExitCode\n"
    )


def encoded(script: str) -> str:
    """A PowerShell script as a command line. It holds letters, digits and `+/=` only."""
    return f"powershell -NoProfile -NonInteractive -EncodedCommand {_base64(script)}"


def powershell_text(text: str) -> str:
    """A text as a single-quoted PowerShell string: nothing is expanded in it."""
    return "'" + "".join(mark * 2 if mark in _SINGLE_QUOTES else mark for mark in _plain(text)) + "'"


def windows_arguments(arguments: Sequence[str]) -> str:
    """Arguments in the one string that a Windows program gets and takes apart by itself."""
    return subprocess.list2cmdline([_plain(argument) for argument in arguments])


def literally(text: str) -> str:
    """A regular expression that matches this text and nothing else, for `grep -E` and for PowerShell."""
    return re.sub(r"[][\\.*+?{}()^$|]", r"\\\g<0>", text)


def sftp_path(path: str) -> str:
    """A path in a batch file of `sftp`: in double quotes, where wild cards are none."""
    if "\n" in path:
        raise HarnessError("a path with a line break cannot be transferred", where=repr(path))
    return '"' + "".join(f"\\{mark}" if mark in '\\"' else mark for mark in _plain(path)) + '"'


def _base64(script: str) -> str:
    return base64.b64encode(script.encode("utf-16-le")).decode("ascii")


def _plain(text: str) -> str:
    if "\0" in text:
        raise HarnessError("an argument with a null character cannot be passed to a program", where=repr(text))
    return text
