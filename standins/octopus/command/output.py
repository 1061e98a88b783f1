"""What a command says: information to stdout, errors to stderr, everything to the server log as well."""

from __future__ import annotations

import os
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

_KEPT_ARCHIVES: Final = 7  # OctopusServer.0.txt and so on, Octopus docs, support/log-files
_LARGEST: Final = 20 * 1024 * 1024


class Output:
    """``quiet`` silences everything but the command's own result (``--noconsolelogging``)."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._file: TextIO | None = None
        self._path: Path | None = None
        self._lock = threading.Lock()

    def open_log(self, folder: Path) -> None:
        """`OctopusServer.txt` with lines `yyyy-MM-dd HH:mm:ss.ffff  pid  thread  LEVEL  message`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "OctopusServer.txt"
        if self._path.exists() and self._path.stat().st_size > _LARGEST:
            _archive(self._path)
        self._file = self._path.open("a", encoding="utf-8")

    def info(self, message: str) -> None:
        self._write("INFO", message, sys.stdout)

    def warn(self, message: str) -> None:
        self._write("WARN", message, sys.stdout)

    def error(self, message: str) -> None:
        self._write("ERROR", message, sys.stderr)

    def fatal(self, message: str) -> None:
        self._write("FATAL", message, sys.stderr)

    def result(self, text: str) -> None:
        """What the command was asked for. It never goes to the log: it may be a secret."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, level: str, message: str, stream: TextIO) -> None:
        with self._lock:
            if self._file is not None and not self._file.closed:
                now = datetime.now().astimezone()
                stamp = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 100:04}"
                identity = f"{os.getpid():6}  {threading.get_native_id():6}"
                self._file.write(f"{stamp}  {identity}  {level:5}  {message}\n")
                self._file.flush()
            if not self._quiet or level == "FATAL":
                prefix = "" if level == "INFO" else f"{level} "
                stream.write(f"{prefix}{message}\n")
                stream.flush()


def _archive(path: Path) -> None:
    for number in range(_KEPT_ARCHIVES - 1, 0, -1):
        older = path.with_name(f"{path.stem}.{number - 1}{path.suffix}")
        if older.exists():
            older.replace(path.with_name(f"{path.stem}.{number}{path.suffix}"))
    path.replace(path.with_name(f"{path.stem}.0{path.suffix}"))
