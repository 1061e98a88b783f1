"""Ports for servers that stop and come back: nobody else gets one meanwhile."""

from __future__ import annotations

import random
import socket
from typing import Final

#: Below the ports that systems give away by themselves (Linux: ip_local_port_range, from 32768; Windows and macOS: from
#: 49152): whoever asks for port 0, or connects, would get one of those while nobody listens on it.
_GIVEN_TO_NOBODY: Final = range(20_000, 32_000)


def free_port() -> int:
    """A port of the loopback interface that nobody has now."""
    for port in random.sample(_GIVEN_TO_NOBODY, len(_GIVEN_TO_NOBODY)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("every port is taken")
