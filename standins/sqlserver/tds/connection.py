"""One client, from its first byte to its last."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from standins.sqlserver.contract import (
    Cancelled,
    Engine,
    Session,
    SqlServerError,
    TransactionRequest,
    Value,
)
from standins.sqlserver.tds import login, prelogin, requests, tokens
from standins.sqlserver.tds.channel import Channel
from standins.sqlserver.tds.errors import Disconnected, ProtocolError, unsupported
from standins.sqlserver.tds.messages import Message, MessageStream
from standins.sqlserver.tds.packets import DEFAULT_SIZE, Kind, Packet, Packetizer, Status
from standins.sqlserver.tds.prelogin import Encryption
from standins.sqlserver.tds.reader import Reader
from standins.sqlserver.tds.sink import Descriptions, TokenSink
from standins.sqlserver.tds.tokens import Environment
from standins.sqlserver.tds.wiretypes import COLLATION

_log = logging.getLogger(__name__)

#: First byte of a TLS handshake: a client with Encrypt=strict (TDS 8) begins with it.
_TLS_HANDSHAKE: Final = 0x16
_PRODUCT: Final = "Microsoft SQL Server"
_CANNOT_OPEN_DATABASE: Final = 4060
#: Nobody logs in with more; features with tokens are the longest part.
_LOGIN_LIMIT: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class Server:
    """What all connections share."""

    engine: Engine
    tls_in_packets: ssl.SSLContext
    tls_strict: ssl.SSLContext
    name: str
    request_limit: int = 256 * 1024 * 1024


class Connection:
    """Speaks with one client; :meth:`run` returns when it is over."""

    def __init__(self, sock: socket.socket, client_address: str, server: Server) -> None:
        self._socket = sock
        self._address = client_address
        self._server = server
        self._channel = Channel(sock)
        self._stream = MessageStream(self._channel)
        self._version = login.TDS_7_4
        self._login_only = False
        self._closing = False
        self._descriptions = Descriptions()
        self.session: Session | None = None

    def run(self) -> None:
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._serve()
        except Cancelled as gone:
            _log.debug("%s: %s", self._address, gone)
        except ProtocolError as error:
            _log.warning("%s: closed: %s", self._address, error)
        except OSError as error:
            _log.debug("%s: %s", self._address, error)
        except Exception:  # noqa: BLE001 -- the last line of defence of a thread: the client learns nothing but that it is over
            _log.exception("%s: closed by a defect", self._address)
        finally:
            self._end()

    def abort(self) -> None:
        """Ends the connection from another thread: whatever it waits for fails."""
        self._closing = True
        if self.session is not None:
            self.session.cancel()
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            _log.debug("%s: already closed: %s", self._address, error)

    def is_killed(self) -> bool:
        return self._closing or (self.session is not None and self.session.killed)

    def _end(self) -> None:
        try:
            if self.session is not None:
                self.session.close()
        finally:
            self._socket.close()

    def _serve(self) -> None:
        session = self._log_in()
        if session is None:
            return
        while not self.is_killed():
            request = self._stream.read_request(self._server.request_limit)
            if request is not None:
                self._answer(session, request)

    # logging in

    def _log_in(self) -> Session | None:
        if self._channel.first_byte() == _TLS_HANDSHAKE:
            self._version = login.TDS_8_0
            self._channel.start_tls(self._server.tls_strict)
        message = self._read_login_message()
        if message.kind == Kind.PRELOGIN:
            self._negotiate(message.body)
            message = self._read_login_message()
        if message.kind != Kind.LOGIN:
            raise ProtocolError(f"message of type {message.kind} before the login")
        request = login.parse_login(message.body, self._address)
        if self._version != login.TDS_8_0:
            if self._login_only:
                self._channel.end_tls()
            self._version = min(request.tds_version, login.TDS_7_4)
        sink = self._sink()
        try:
            self.session = session = self._open_session(request)
        except SqlServerError as error:
            _log.info("%s: login failed: %s", self._address, error.message)
            sink.error(error)
            if error.number == _CANNOT_OPEN_DATABASE:  # the real server says both, and drivers report both
                sink.error(SqlServerError(18456, f"Login failed for user '{request.request.user}'.", 14))
            sink.finish()
            return None
        self._welcome(sink, session, request)
        return session

    def _read_login_message(self) -> Message:
        message = self._stream.read_message(_LOGIN_LIMIT)
        if message is None:
            raise ProtocolError("login withdrawn")
        return message

    def _negotiate(self, body: bytes) -> None:
        wanted = prelogin.wanted_encryption(prelogin.parse_prelogin(body))
        strict = self._version == login.TDS_8_0
        answer = wanted if strict else wanted.answer()
        self._send_prelogin(prelogin.build_prelogin(self._server.engine.version, answer), Kind.RESPONSE)
        if strict or answer is Encryption.NOT_SUPPORTED:
            return
        self._channel.start_tls(self._server.tls_in_packets, self._handshake_bytes, self._send_handshake)
        self._stream.take_back_for_tls()
        if answer is Encryption.LOGIN_ONLY:
            self._login_only = True
            self._channel.encrypt_first_request_only()

    def _handshake_bytes(self) -> bytes:
        packet = self._stream.read_packet()
        if packet.kind != Kind.PRELOGIN:
            raise ProtocolError(f"packet of type {packet.kind} inside the TLS handshake")
        return packet.body

    def _send_handshake(self, data: bytes) -> None:
        self._send_prelogin(data, Kind.PRELOGIN)

    def _send_prelogin(self, data: bytes, kind: int) -> None:
        self._channel.send(Packetizer(kind).finished(bytearray(data)))

    def _open_session(self, request: login.Login) -> Session:
        if self._version not in range(login.TDS_7_3, login.TDS_7_4 + 1) and self._version != login.TDS_8_0:
            raise unsupported("A client older than TDS 7.3 (SQL Server 2008)")
        if request.integrated or login.FEATURE_FEDERATED in request.features:
            raise SqlServerError(
                18452,
                "Login failed. The login is from an untrusted domain and cannot be used with "
                "Integrated authentication.",
                14,
            )
        if request.changes_password:
            raise unsupported("Changing a password at login")
        return self._server.engine.login(request.request)

    def _welcome(self, sink: TokenSink, session: Session, request: login.Login) -> None:
        """In the order a server sends it; clients read the packet size last, it holds from the next message on."""
        language = request.request.language or "us_english"
        sink.environment(Environment.DATABASE, session.database, "master")
        sink.info(SqlServerError(5701, f"Changed database context to '{session.database}'.", 0, 2))
        sink.environment(Environment.COLLATION, COLLATION)
        sink.environment(Environment.LANGUAGE, language)
        sink.info(SqlServerError(5703, f"Changed language setting to {language}.", 0, 1))
        sink.write(tokens.login_ack(self._version, _PRODUCT, self._server.engine.version))
        sink.environment(Environment.PACKET_SIZE, str(request.packet_size), str(DEFAULT_SIZE))
        if login.FEATURE_UTF8 in request.features:
            sink.write(tokens.features({login.FEATURE_UTF8: b"\1"}))
        self._descriptions = Descriptions(bitmaps=self._version == login.TDS_8_0 or self._version >= login.TDS_7_3B)
        self._stream.packetizer.process_id = session.spid
        sink.finish()
        self._stream.packetizer.size = request.packet_size

    def _sink(self, *, in_procedure: bool = False) -> TokenSink:
        return TokenSink(
            self._stream,
            self._server.name,
            self.is_killed,
            in_procedure=in_procedure,
            descriptions=self._descriptions,
        )

    # requests

    def _answer(self, session: Session, request: Message | Packet) -> None:
        """One request and its response, whatever happens in between."""
        self._stream.attention = False
        sink = self._sink(in_procedure=request.kind == Kind.RPC)
        if request.kind == Kind.ATTENTION:  # it came too late: the response is out already
            sink.acknowledge_attention()
            return
        try:
            self._run(session, request, sink)
        except Disconnected:
            raise
        except Cancelled:
            if session.killed:
                self._say_killed(sink)
                raise
            if not self._stream.attention:
                raise  # the server stops
            sink.finish_cancelled()
        except SqlServerError as error:
            sink.error(error)
            sink.finish()
        except (ProtocolError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 -- a defect of the engine must not end the client's connection
            _log.exception("%s: the engine failed", self._address)
            sink.error(SqlServerError(50000, f"The stand-in of SQL Server failed: {type(error).__name__}: {error}", 16))
            sink.finish()
        else:
            sink.finish()
        if self._stream.attention:
            sink.acknowledge_attention()

    def _run(self, session: Session, request: Message | Packet, sink: TokenSink) -> None:
        if request.status & (Status.RESET | Status.RESET_KEEP_TRANSACTION):
            # a pooled connection that comes back into its own open transaction keeps that, and its settings with it
            if not (request.status & Status.RESET_KEEP_TRANSACTION and requests.in_transaction(request.body)):
                session.reset()
            sink.environment(Environment.RESET_DONE, b"")
        if isinstance(request, Packet):
            self._bulk_load(session, request, sink)
        elif request.kind == Kind.BATCH:
            session.batch(requests.parse_batch(request.body), sink)
        elif request.kind == Kind.RPC:
            self._call_all(session, request, sink)
        elif request.kind == Kind.TRANSACTION:
            self._transaction(session, requests.parse_transaction(request.body), sink)
        else:
            raise ProtocolError(f"message of type {request.kind} after the login")

    def _call_all(self, session: Session, request: Message, sink: TokenSink) -> None:
        """Every call of a request, each read when it is its turn."""
        try:
            for call in requests.read_calls(request.body, request.rest):
                sink.begin_call(call)
                session.call(call, sink)
                sink.end_call()
        finally:
            if request.rest is not None:
                request.rest.close()

    def _transaction(self, session: Session, command: requests.TransactionCommand, sink: TokenSink) -> None:
        session.transaction(command.request, command.name, command.isolation, sink)
        if command.then_begin is not None:
            name, isolation = command.then_begin
            session.transaction(TransactionRequest.BEGIN, name, isolation, sink)

    def _bulk_load(self, session: Session, first: Packet, sink: TokenSink) -> None:
        """Rows go to the engine as they arrive; what it leaves unread after an error is read and dropped."""
        pieces = self._stream.rest_of(first)
        reader = Reader(b"", more=lambda: next(pieces, b""))
        try:
            columns = requests.read_bulk_columns(reader)
            rows: Iterator[list[Value]] = requests.read_bulk_rows(reader, columns)
            session.bulk_load([bulk.column for bulk in columns], rows, sink)
        finally:
            for _ in pieces:
                pass

    def _say_killed(self, sink: TokenSink) -> None:
        sink.error(SqlServerError(596, "Cannot continue the execution because the session is in the kill state.", 21))
        sink.finish()
