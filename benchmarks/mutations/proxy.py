"""A proxy in front of a server, in which one mutation at a time acts on what passes."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.mutations.mutation import NOBODY, Asked, Mutation, Reply
from tidegate.observation.places import place_of

_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "accept-encoding"})
KEY: Final = "x-octopus-apikey"


class Proxy:
    """What is between the harness and the server at ``upstream``; the address to talk to is ``url``."""

    def __init__(self, users: Mapping[str, str], default_space: str) -> None:
        self.upstream = ""
        self.url = ""
        self.mutation: Mutation | None = None
        self.acted = False  # whether the mutation has changed anything yet
        self.remembers = False  # for snapshots: what nobody writes to stays as it is
        self._users = users  # by key
        self._default_space = default_space
        self._remembered: dict[tuple[str, ...], Reply] = {}
        self._headers: dict[str, set[str]] = {}
        self._connections = threading.local()

    def use(self, upstream: str) -> None:
        """Talk to another server from now on."""
        self.upstream = upstream
        self._remembered = {}

    def headers(self) -> dict[str, list[str]]:
        """Names of the headers that were sent so far, by family."""
        return {family: sorted(names) for family, names in self._headers.items()}

    def handle(self, asked: Asked) -> Reply:
        if self.mutation is None:
            return self.forward(asked)
        passed: list[tuple[Asked, Reply]] = []

        def forward(one: Asked) -> Reply:
            passed.append((one, self.forward(one)))
            return passed[-1][1]

        reply = self.mutation.handle(asked, forward)
        self.acted = self.acted or len(passed) != 1 or not _same(asked, passed[0][0], passed[0][1], reply)
        return reply

    def forward(self, asked: Asked) -> Reply:
        """The server's own answer. What was read is remembered until somebody writes: a mutation changes no answers."""
        if asked.method not in ("GET", "HEAD"):
            self._remembered = {}
            return self._ask(asked)
        if asked.method == "HEAD" or not self.remembers:
            return self._ask(asked)
        key = (asked.path, *(asked.headers.get(name, "") for name in (KEY, "cookie", "user-agent")))
        known = self._remembered.get(key)
        if known is None:
            known = self._remembered[key] = self._ask(asked)
        return known

    def _ask(self, asked: Asked) -> Reply:
        parts = urlsplit(self.upstream)
        for last in (False, True):
            connection = self._connection(parts.hostname or "", parts.port or 80)
            try:
                connection.request(asked.method, asked.path, asked.body or None, dict(asked.headers))
                answer = connection.getresponse()
                body = answer.read()
            except (http.client.HTTPException, OSError):
                # A kept-alive connection may be gone; a new one tells whether the server is.
                connection.close()
                self._connections.__dict__.clear()
                if last:
                    raise
                continue
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
            self._headers.setdefault(asked.family, set()).update(name.lower() for name, _ in headers)
            return Reply(answer.status, headers, body)
        raise AssertionError

    def _connection(self, host: str, port: int) -> http.client.HTTPConnection:
        kept = self._connections.__dict__
        if (host, port) not in kept.get("to", {}):
            kept["to"] = {(host, port): http.client.HTTPConnection(host, port, timeout=120)}
        return kept["to"][(host, port)]

    def asked(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Asked:
        kept = {name.lower(): value for name, value in headers.items() if name.lower() not in _HOP}
        kept["accept-encoding"] = "identity"
        key = kept.get(KEY, "")
        user = self._users.get(key, NOBODY if not key and "cookie" not in kept else "somebody")
        place = place_of(path, self._default_space) if path.lower().startswith("/api") else path
        return Asked(method, path, kept, body, user, place)


def _same(asked: Asked, passed: Asked, answered: Reply, reply: Reply) -> bool:
    """Whether a request went to the server and its answer came back with nothing done to them."""
    if passed is not asked and (passed.path != asked.path or passed.json != asked.json or passed.user != asked.user):
        return False
    if reply.status != answered.status or list(reply.headers) != list(answered.headers):
        return False
    return reply.body == answered.body or (reply.json is not None and reply.json == answered.json)


@contextmanager
def standing(proxy: Proxy) -> Generator[Proxy]:
    """The proxy, listening on an address of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536

        def _pass(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else b""
            reply = proxy.handle(proxy.asked(self.command, self.path, dict(self.headers.items()), body))
            self.send_response_only(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _pass

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the harness tells what it sees."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Nothing: who hung up does not want the rest."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
