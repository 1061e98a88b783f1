"""The command line of the stand-in: `python -m standins.sqlserver`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from standins.sqlserver.contract import Engine
from standins.sqlserver.listener import Limits, Listener

PASSWORD_VARIABLE: Final = "MSSQL_SA_PASSWORD"  # noqa: S105 -- the name of the variable, not a password
PRODUCT_VERSIONS: Final = ("2014", "2016", "2017", "2019", "2022")
#: The line SQL Server writes to its error log when logins are possible; scripts around its container wait for it.
READY: Final = "SQL Server is now ready for client connections"

MakeEngine = Callable[[Path, str, str], Engine]


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m standins.sqlserver",
        description=(
            "A stand-in for Microsoft SQL Server: speaks TDS to Microsoft's own drivers and keeps its databases in a "
            "folder. It answers what it knows and refuses the rest with an error number; passing here is no proof "
            "about the real product."
        ),
        epilog=(
            f"The password of the login 'sa' is taken from the environment variable {PASSWORD_VARIABLE}. "
            f"When clients can connect, the line '{READY}' is printed. SIGTERM and SIGINT stop the server."
        ),
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the databases; made if missing, kept afterwards",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=0, help="port to listen on; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--port-file", type=Path, metavar="FILE", help="write the port number here once clients can connect"
    )
    parser.add_argument(
        "--certificate-file",
        type=Path,
        metavar="FILE",
        help="write the server's certificate here, for clients that verify it (Encrypt=strict must)",
    )
    parser.add_argument(
        "--product-version",
        choices=PRODUCT_VERSIONS,
        default="2019",
        help="the SQL Server to play (default: %(default)s)",
    )
    parser.add_argument(
        "--exit-with-stdin",
        action="store_true",
        help="stop when standard input ends, so that no server outlives its parent",
    )
    parser.add_argument("--verbose", action="store_true", help="log connections and refused requests to standard error")
    return parser


def main(
    arguments: Sequence[str] | None = None, make_engine: MakeEngine | None = None, limits: Limits | None = None
) -> int:
    options = parser().parse_args(arguments)
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if not password:
        parser().error(f"the environment variable {PASSWORD_VARIABLE} must hold the password of 'sa'")
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- the signature is Python's
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    engine = (make_engine or _engine)(options.data, password, options.product_version)
    try:
        listener = Listener(engine, options.host, options.port, name="TIDEGATE", limits=limits)
    except OSError as error:
        engine.close()
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    listener.start()
    if options.exit_with_stdin:
        threading.Thread(target=_stop_with_stdin, args=(stop,), daemon=True).start()
    if options.certificate_file is not None:
        _publish(options.certificate_file, listener.certificate)
    if options.port_file is not None:
        _publish(options.port_file, str(listener.port).encode())
    sys.stdout.write(READY + "\n")
    sys.stdout.flush()
    stop.wait()
    listener.stop()
    engine.close()
    return 0


def _engine(data: Path, password: str, product_version: str) -> Engine:
    from standins.sqlserver.engine.server import SqlServerEngine  # noqa: PLC0415 -- `--help` need not load it

    return SqlServerEngine(data, password, product_version)


def _publish(file: Path, content: bytes) -> None:
    """Whoever waits for the file finds it whole."""
    unfinished = file.with_name(file.name + ".new")
    unfinished.write_bytes(content)
    unfinished.replace(file)


def _stop_with_stdin(stop: threading.Event) -> None:
    """Reads the descriptor itself: a thread inside ``sys.stdin`` would be in the interpreter's way at exit."""
    while os.read(0, 4096):
        pass
    stop.set()


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 65535")
    return port
