"""Runs a step's Bash script as a child process, with the functions and service messages a step may use.

Functions: ``get_octopusvariable``, ``set_octopusvariable``, ``new_octopusartifact``, ``write_highlight`` and its kin,
``fail_step`` (Octopus docs, "Custom scripts"). Each writes a ``##octopus[name key='<base64>' …]`` line that is acted
upon here and not shown. Values reach the script in a file only its owner can read, never by arguments or environment.
"""

from __future__ import annotations

import base64
import os
import re
import selectors
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import IO

#: What a script may inherit from the server's environment: the rest could hold the server's own secrets.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")

_MESSAGE = re.compile(r"##octopus\[([A-Za-z-]+)(.*)\]\s*$")
_ATTRIBUTE = re.compile(r"(\w+)='([^']*)'")
_STREAMS = {
    "stdout-default": "INF",
    "stdout-verbose": "VBS",
    "stdout-warning": "WRN",
    "stdout-error": "ERR",
    "stdout-highlight": "HGT",
    "stdout-wait": "WAT",
    "stdout-ignore": "",
}

_PRELUDE = r"""
declare -A _octopus_values
source "$(dirname "$0")/values.bash"
_octopus_encode() { printf '%s' "$1" | base64 -w0; }
get_octopusvariable() { printf '%s' "${_octopus_values[${1,,}]-}"; }
set_octopusvariable() {
  local more=""
  [ "${3-}" = "-sensitive" ] && more=" sensitive='$(_octopus_encode True)'"
  echo "##octopus[setVariable name='$(_octopus_encode "$1")' value='$(_octopus_encode "$2")'$more]"
}
new_octopusartifact() {
  local path="$1" name="${2-$(basename "$1")}"
  case "$path" in /*) ;; *) path="$PWD/$path" ;; esac
  echo "##octopus[createArtifact path='$(_octopus_encode "$path")' name='$(_octopus_encode "$name")']"
}
update_progress() {
  echo "##octopus[progress percentage='$(_octopus_encode "$1")' message='$(_octopus_encode "${2-}")']"
}
_octopus_say() { echo "##octopus[stdout-$1]"; printf '%s\n' "$2"; echo "##octopus[stdout-default]"; }
write_verbose() { _octopus_say verbose "$1"; }
write_highlight() { _octopus_say highlight "$1"; }
write_wait() { _octopus_say wait "$1"; }
write_warning() { _octopus_say warning "$1"; }
fail_step() { [ -n "${1-}" ] && echo "##octopus[resultMessage message='$(_octopus_encode "$1")']"; exit 255; }
"""


@dataclass(slots=True)
class ScriptResult:
    exit_code: int = 0
    cancelled: bool = False
    #: Output variables: name → (value, sensitive).
    outputs: dict[str, tuple[str, bool]] = field(default_factory=dict[str, tuple[str, bool]])
    artifacts: list[tuple[Path, str]] = field(default_factory=list[tuple[Path, str]])
    message: str = ""


def run_bash(
    body: str,
    values: Mapping[str, str],
    folder: Path,
    say: Callable[[str, str], None],
    *,
    cancelled: Event,
    arguments: str = "",
    name: str = "script.sh",
) -> ScriptResult:
    """``say(code, text)`` gets each visible line with its log code. ``folder`` belongs to this run alone."""
    _write_private(folder / "values.bash", _assignments(values))
    _write_private(folder / name, _PRELUDE + body + "\n")
    environment = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    process = subprocess.Popen(
        ["bash", str(folder / name), *shlex.split(arguments)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # so that a cancelled script takes its own children with it
    )
    result = ScriptResult()
    with process:
        reader = _Reader(process, result, say)
        while reader.step():
            if cancelled.is_set() and not result.cancelled:
                result.cancelled = True
                os.killpg(process.pid, signal.SIGTERM)
        result.exit_code = process.wait()
    return result


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _assignments(values: Mapping[str, str]) -> str:
    quoted = (
        f"_octopus_values[{shlex.quote(name.lower())}]={shlex.quote(value)}"
        for name, value in values.items()
        if "\0" not in value and "\0" not in name
    )
    return "\n".join(quoted) + "\n"


class _Reader:
    """Reads both output pipes line by line and acts on service messages."""

    def __init__(self, process: subprocess.Popen[bytes], result: ScriptResult, say: Callable[[str, str], None]) -> None:
        self._result = result
        self._say = say
        self._code = "INF"
        self._selector = selectors.DefaultSelector()
        self._rest: dict[int, bytes] = {}
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            self._selector.register(stream, selectors.EVENT_READ, stream is process.stderr)
            self._rest[stream.fileno()] = b""

    def step(self) -> bool:
        """Wait for output a moment; False when both pipes are closed."""
        for key, _ in self._selector.select(timeout=0.2):
            stream: IO[bytes] = key.fileobj  # pyright: ignore[reportAssignmentType] - registered above
            chunk = os.read(key.fd, 65536)
            lines = (self._rest[key.fd] + chunk).split(b"\n")
            self._rest[key.fd] = lines.pop()
            if not chunk:
                if self._rest[key.fd]:
                    lines.append(self._rest[key.fd])
                self._selector.unregister(stream)
            for line in lines:
                self._line(line.decode("utf-8", "replace").rstrip("\r"), is_error=key.data)
        return bool(self._selector.get_map())

    def _line(self, text: str, *, is_error: bool) -> None:
        message = None if is_error else _MESSAGE.match(text)
        if message:
            self._message(message[1], {key: _decoded(value) for key, value in _ATTRIBUTE.findall(message[2])})
        elif is_error:
            self._say("ERR", text)
        elif self._code:
            self._say(self._code, text)

    def _message(self, name: str, values: Mapping[str, str]) -> None:
        if name in _STREAMS:
            self._code = _STREAMS[name]
        elif name == "setVariable":
            self._result.outputs[values["name"]] = (values["value"], values.get("sensitive", "").lower() == "true")
        elif name == "createArtifact":
            self._result.artifacts.append((Path(values["path"]), values.get("name") or Path(values["path"]).name))
        elif name == "resultMessage":
            self._result.message = values.get("message", "")


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode("utf-8", "replace")
