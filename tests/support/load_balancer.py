"""A load balancer before the nodes of a cluster: each request to the next node that is there."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

#: Headers of one connection only.
_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "accept-encoding"})
#: What it says when no node is there, as a page for people.
_NOBODY: Final = b"<html><body><h1>503 Service Unavailable</h1></body></html>"


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """``asked`` counts the requests that each node answered, and those that nobody could (by an empty address)."""

    url: str
    asked: Counter[str]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    nodes: Sequence[str]
    asked: Counter[str]

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        turn = self.asked.total() % len(self.nodes)
        for node in [*self.nodes[turn:], *self.nodes[:turn]]:
            try:
                status, headers, content = self._ask(node, body)
            except (ConnectionError, http.client.HTTPException):
                continue
            self.asked[node] += 1
            self._answer(status, headers, content)
            return
        self.asked[""] += 1
        self._answer(503, [("Content-Type", "text/html")], _NOBODY)

    def _ask(self, node: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        place = urlsplit(node)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            connection.request(self.command, self.path, body or None, {**headers, "Accept-Encoding": "identity"})
            reply = connection.getresponse()
            return reply.status, reply.getheaders(), reply.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _handle

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests look at what it counts."""


@contextmanager
def balancing(*nodes: str) -> Generator[LoadBalancer]:
    asked: Counter[str] = Counter()
    handler = type("Handler", (_Handler,), {"nodes": nodes, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield LoadBalancer(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
