"""The few routes of an Octopus Server that the main instance's writes touch, and what becomes of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

API_KEY = "API-CANARY0123456789ABCDEF"


@dataclass
class SmallOctopus:
    """State that tests set and read. ``deaf`` counts requests that are still to be dropped without an answer."""

    url: str = ""
    maintenance: bool = False
    history: list[bool] = field(default_factory=list[bool])
    deaf: int = 0
    stubborn: bool = False


class _Handler(BaseHTTPRequestHandler):
    state: ClassVar[SmallOctopus]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length))
        if not self.state.deaf and not self.state.stubborn:
            self.state.maintenance = bool(body["IsInMaintenanceMode"])
            self.state.history.append(self.state.maintenance)
        self._answer()

    def _answer(self) -> None:
        if self.state.deaf:
            self.state.deaf -= 1
            self.close_connection = True
            return
        if self.headers.get("X-Octopus-ApiKey") != API_KEY:
            self._send(401, {"ErrorMessage": "You must be logged in"})
        elif self.path == "/api/maintenanceconfiguration":
            self._send(200, {"Id": "maintenance", "IsInMaintenanceMode": self.state.maintenance, "Links": {}})
        else:
            self._send(404, {"ErrorMessage": "not found"})

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the tests' output quiet."""


@contextmanager
def small_octopus() -> Generator[SmallOctopus]:
    """A server of its own on a free port."""
    state = SmallOctopus()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
