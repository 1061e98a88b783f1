"""A way to a port of this machine that can be cut in the middle of whatever goes over it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from tests.support.ports import free_port


class Line:
    """A way to a port of this machine that can be cut, and mended."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._ends: list[socket.socket] = []
        self._listening: socket.socket | None = None
        self.port = free_port()

    def mend(self) -> None:
        """Let connections through, from now on."""
        if self._listening is None:
            self._listening = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def cut(self) -> None:
        """End every connection at once; new ones are refused."""
        listening, self._listening = self._listening, None
        for one in [*([listening] if listening else []), *self._ends]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._ends.clear()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while some := source.recv(65536):
            target.sendall(some)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
