"""What a snapshot keeps of a file: its size and a digest, without lines that tell of the server and not of the file."""

from __future__ import annotations

import hashlib
import re
from typing import Final, final

#: The header of a raw task log names the version that renders it (quoted in OctopusDeploy/Issues#1866).
_UNSTEADY: Final = {"tasks/*/raw": re.compile(rb"\s*Server version:")}


@final
class FileDigest:
    """Takes a file piece by piece."""

    def __init__(self, family: str) -> None:
        self._skip = _UNSTEADY.get(family)
        self._digest = hashlib.blake2b(digest_size=16)
        self._rest = b""
        self.size = 0

    def take(self, piece: bytes) -> None:
        if self._skip is None:
            self._add(piece)
            return
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._line(line + b"\n")

    def finish(self) -> str:
        """The digest of everything taken."""
        if self._rest:
            self._line(self._rest)
            self._rest = b""
        return self._digest.hexdigest()

    def _line(self, line: bytes) -> None:
        if self._skip is None or not self._skip.match(line):
            self._add(line)

    def _add(self, content: bytes) -> None:
        self.size += len(content)
        self._digest.update(content)
