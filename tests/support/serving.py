"""Small HTTP servers of tests: silent, each on a free port of the loopback interface."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

#: Headers of one connection only.
_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "accept-encoding"})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def forwarded(
        self, upstream: str, body: bytes, *, keep_host: bool = False
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """What the server at ``upstream`` answers to this request: status, headers and content.

        It sees its own address as the host unless ``keep_host``. Raises what http.client raises.
        """
        place = urlsplit(upstream)
        dropped = _HOP if keep_host else _HOP | {"host"}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        try:
            connection.request(self.command, self.path, body or None, {**headers, "Accept-Encoding": "identity"})
            reply = connection.getresponse()
            passed = [(name, value) for name, value in reply.getheaders() if name.lower() not in _HOP]
            return reply.status, passed, reply.read()
        finally:
            connection.close()

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
