"""Accepts clients: one thread each, as many as allowed, and an orderly end for all of them."""

from __future__ import annotations

import logging
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Final

from standins.sqlserver.certificate import server_tls
from standins.sqlserver.contract import Engine
from standins.sqlserver.tds.connection import Connection, Server

_log = logging.getLogger(__name__)

_WATCH_INTERVAL: Final = 0.1
_STOP_DEADLINE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    connections: int = 512
    #: SQL Server gives up on a client that connects and says nothing; its "remote login timeout" is 10 s
    login_seconds: float = 10.0
    #: one request, put together; anything near it belongs into a bulk load
    request_bytes: int = 256 * 1024 * 1024


@dataclass(slots=True)
class _Client:
    connection: Connection
    thread: threading.Thread
    since: float = field(default_factory=time.monotonic)
    seen_killed: bool = False


class Listener:
    """A TDS server on one address. Serving begins with :meth:`start`."""

    def __init__(self, engine: Engine, host: str, port: int, *, name: str, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        tls = server_tls()
        self.certificate = tls.certificate
        self._server = Server(engine, tls.in_packets, tls.strict, name, self._limits.request_bytes)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=128)
        self._clients: dict[int, _Client] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._accept, name="tds-accept", daemon=True),
            threading.Thread(target=self._watch, name="tds-watch", daemon=True),
        ]

    @property
    def port(self) -> int:
        return self._socket.getsockname()[1]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Takes no more clients, cancels what runs, closes every connection and waits for their threads."""
        self._stopping.set()
        try:
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept() on Linux; close() alone does not
        except OSError as error:
            _log.debug("listening socket: %s", error)
        self._socket.close()
        with self._lock:
            clients = list(self._clients.values())
        for client in clients:
            client.connection.abort()
        deadline = time.monotonic() + _STOP_DEADLINE
        for client in clients:
            client.thread.join(max(0.0, deadline - time.monotonic()))
            if client.thread.is_alive():
                _log.warning("a connection did not end in time")

    def _accept(self) -> None:
        number = 0
        while not self._stopping.is_set():
            try:
                sock, address = self._socket.accept()
            except OSError as error:
                if self._stopping.is_set():
                    return
                # out of descriptors, or a client that was gone before its turn: the next one may fare better
                _log.warning("accept: %s", error)
                self._stopping.wait(_WATCH_INTERVAL)
                continue
            number += 1
            self._admit(number, sock, str(address[0]))

    def _admit(self, number: int, sock: socket.socket, address: str) -> None:
        with self._lock:
            if self._stopping.is_set() or len(self._clients) >= self._limits.connections:
                _log.warning("%s: turned away, %d connections are open", address, len(self._clients))
                sock.close()
                return
            connection = Connection(sock, address, self._server)
            thread = threading.Thread(target=self._run, args=(number, connection), name=f"tds-{number}", daemon=True)
            self._clients[number] = _Client(connection, thread)
        try:
            thread.start()
        except RuntimeError as error:  # no thread to be had: this client loses, the server goes on
            _log.warning("%s: turned away: %s", address, error)
            with self._lock:
                del self._clients[number]
            sock.close()

    def _run(self, number: int, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                del self._clients[number]

    def _watch(self) -> None:
        """Ends connections that say nothing before their login, and those whose session was killed.

        A killed session's own thread may be waiting for its client for ever; one that runs a request gets the time
        between two rounds to tell its client why.
        """
        while not self._stopping.wait(_WATCH_INTERVAL):
            with self._lock:
                clients = list(self._clients.values())
            now = time.monotonic()
            for client in clients:
                if client.connection.session is None:
                    if now - client.since > self._limits.login_seconds:
                        client.connection.abort()
                elif client.connection.session.killed:
                    if client.seen_killed:
                        client.connection.abort()
                    client.seen_killed = True
