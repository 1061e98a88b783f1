"""Small HTTP servers of tests: silent, each on a free port of the loopback interface."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, content: bytes = b"", status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def answer_json(self, body: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> None:
        self.answer(json.dumps(body).encode(), status, [("Content-Type", "application/json"), *headers])

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the tests' output quiet."""


@contextmanager
def served(handler: type[BaseHTTPRequestHandler], **attributes: Any) -> Generator[str]:
    """The server's address; ``attributes`` are this server's own values of the handler class's attributes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type(handler.__name__, (handler,), attributes))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
