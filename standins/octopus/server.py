"""The running server: its start-up sequence, its heartbeat, and its orderly end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from standins.octopus.contract import Server, ServerFolders, Version
from standins.octopus.crypto import MasterKey, WrongMasterKey
from standins.octopus.nodes import NodeRecord, heartbeat_seconds
from standins.octopus.schema.certificate import verify_master_key
from standins.octopus.schema.compatibility import Incompatible, check_compatibility, check_schema
from standins.octopus.schema.configuration import UPGRADE_AVAILABILITY
from standins.octopus.schema.database import Database
from standins.octopus.schema.folders import stored_folder
from standins.octopus.schema.history import record_version
from standins.octopus.store import open_store

if TYPE_CHECKING:
    import uvicorn

Log = Callable[[str], None]

_HEARTBEAT_SECONDS: Final = heartbeat_seconds()  # the API counts a node as offline after a minute
_STOP_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration file and the command line say."""

    version: Version
    connection_string: str
    master_key: MasterKey
    home: Path
    node_name: str
    host: str
    port: int
    regressions: frozenset[int] = frozenset()
    check_compatibility: bool = True
    check_schema: bool = True


def parse_prefix(prefixes: str) -> tuple[str, int]:
    """The first of a comma or semicolon list such as `http://localhost:8080/`. Port 0 takes any free one."""
    first = prefixes.replace(";", ",").split(",")[0].strip() or "http://localhost:8080/"
    scheme, _, rest = first.partition("://")
    authority = rest.split("/")[0]
    host, colon, port = authority.rpartition(":")
    if not colon:
        host, port = authority, "443" if scheme == "https" else "80"
    bound = {"localhost": "127.0.0.1", "+": "0.0.0.0", "*": "0.0.0.0"}.get(host, host)  # noqa: S104 - what + means
    return bound, int(port)


def run(settings: Settings, log: Log, stop: threading.Event) -> None:
    """Serve until ``stop`` is set. Raises when the database or the master key do not fit."""
    listener = _listen(settings.host, settings.port)
    with contextlib.closing(listener), contextlib.ExitStack() as cleanup:
        database = cleanup.enter_context(contextlib.closing(Database(settings.connection_string)))
        server = _make_server(settings)
        cleanup.callback(server.store.close)
        web = cleanup.enter_context(_web_server(server, listener))
        port = listener.getsockname()[1]
        log(f"Listening for HTTP requests on http://localhost:{port}/")
        _check(settings, database, log)
        _fill_in(settings, server, database)
        node = NodeRecord(database, settings.version, settings.node_name)
        node.ensure()
        node.seen(datetime.now(UTC))
        from standins.octopus.behaviour.engine import start  # noqa: PLC0415 - while the web server answers 503

        if settings.regressions:
            _disturb(server)
        server.tasks = start(server)
        cleanup.callback(server.tasks.stop)
        server.ready = True
        log("Web server is ready to process requests")
        while not stop.wait(_HEARTBEAT_SECONDS):
            _beat(node, log)
        log("The server is stopping")
        server.ready = False
        web.should_exit = True
    log("The server has stopped")


def _listen(host: str, port: int) -> socket.socket:
    # The protocol must be named: asyncio switches Nagle's algorithm off only on sockets that say TCP, and a reply
    # written in two parts would wait 40 ms for the client's delayed acknowledgement.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(128)
    return listener


def _make_server(settings: Settings) -> Server:
    """Folders and installation id are in the database, which has not been checked yet: they are filled in later."""
    home = settings.home
    folders = ServerFolders(home / "Packages", home / "Artifacts", home / "TaskLogs", home / "Logs")
    return Server(
        version=settings.version,
        store=open_store(settings.connection_string, settings.version),
        master_key=settings.master_key,
        folders=folders,
        node_name=settings.node_name,
        installation_id="",
        regressions=settings.regressions,
    )


@contextlib.contextmanager
def _web_server(server: Server, listener: socket.socket) -> Generator[uvicorn.Server]:
    """Uvicorn in a thread of its own: the main thread waits for signals."""
    import uvicorn  # noqa: PLC0415 - a tenth of a second that only this command needs

    from standins.octopus.api.app import Portal  # noqa: PLC0415

    config = uvicorn.Config(
        Portal(server),
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing asks who the client is
        timeout_graceful_shutdown=1,
    )
    web = uvicorn.Server(config)
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
    thread.start()
    try:
        yield web
    finally:
        web.should_exit = True
        thread.join(_STOP_SECONDS)


def _check(settings: Settings, database: Database, log: Log) -> None:
    if settings.check_compatibility:
        check_compatibility(database, settings.version)
    if settings.check_schema:
        check_schema(database, settings.version)
    log("Checking that the master key decrypts the server's certificate")
    try:
        verify_master_key(database, settings.master_key)
    except WrongMasterKey:
        raise Incompatible(
            "The master key does not match the database: it cannot decrypt the server's certificate."
        ) from None


def _fill_in(settings: Settings, server: Server, database: Database) -> None:
    server.installation_id = _installation_id(database)
    server.folders = _folders(settings, database)
    for folder in (server.folders.packages, server.folders.artifacts, server.folders.task_logs, server.folders.imports,
                   server.folders.event_exports):  # fmt: skip
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    record_version(database, settings.node_name, settings.version)


def _disturb(server: Server) -> None:
    from standins.octopus.regressions import modules  # noqa: PLC0415 - only where regressions are seeded

    for module in modules(server.regressions):
        if hasattr(module, "disturb_server"):
            module.disturb_server(server)


def _installation_id(database: Database) -> str:
    import json  # noqa: PLC0415 - the only use

    rows = database.run("SELECT [JSON] FROM dbo.[Configuration] WHERE [Id] = ?", UPGRADE_AVAILABILITY)
    stored: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
    return str(stored.get("InstallationId") or "")


def _folders(settings: Settings, database: Database) -> ServerFolders:
    def folder(name: str) -> Path:
        return stored_folder(database, name, settings.home)

    version = settings.version
    return ServerFolders(
        packages=folder("nugetRepository"),
        artifacts=folder("artifacts"),
        task_logs=folder("taskLogs"),
        logs=settings.home / "Logs",
        imports=folder("imports") if version >= Version(2021, 1, 0) else None,
        event_exports=folder("eventExports") if version >= Version(2023, 3, 0) else None,
    )


def _beat(node: NodeRecord, log: Log) -> None:
    import pyodbc  # noqa: PLC0415 - loaded long ago

    try:
        node.seen(datetime.now(UTC))
    except pyodbc.Error as error:  # the next beat may succeed; requests report the database's absence themselves
        log(f"The heartbeat could not be written: {error.args[-1]}")


def stop_on_signals(stop: threading.Event, *, with_stdin: bool) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    if with_stdin:
        threading.Thread(target=_wait_for_end, args=(stop,), name="stdin", daemon=True).start()


def _wait_for_end(stop: threading.Event) -> None:
    """EOF means that whoever started this process is gone."""
    while os.read(0, 4096):  # not sys.stdin: its lock, held here, would abort the interpreter's end
        pass
    stop.set()
