"""The download feed: a list of versions and their installers, as octopus.com serves them."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Final

from standins.feed.installers import Installers
from standins.octopus.contract import Version
from standins.octopus.releases import releases

_INSTALLER: Final = re.compile(r"/octopus/Octopus\.(\d{4}\.\d+\.\d+)-x64\.tar\.gz(\.sha256)?", re.ASCII)


class FeedServer(ThreadingHTTPServer):
    """Serves the releases that were not withdrawn."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], installers: Installers) -> None:
        super().__init__(address, _Handler)
        self.installers = installers
        self.offered = [release.version for release in releases() if not release.withdrawn]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FeedServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/download/upgrade/v3":
            # "Every version and its release date", oldest first; scripts read only `Version` (Octopus docs,
            # guide/automate-upgrades). The dates are not known, so the stand-in does not make them up.
            listed = json.dumps([{"Version": str(version)} for version in self.server.offered])
            self._answer(listed.encode(), "application/json")
            return
        match = _INSTALLER.fullmatch(path)
        if match is None or (version := Version.parse(match[1])) not in self.server.offered:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif match[2]:
            self._answer(self.server.installers.checksum(version).encode(), "text/plain; charset=utf-8")
        else:
            self._file(self.server.installers.archive(version))

    def _answer(self, body: bytes, media_type: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, file: Path) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/gzip")
        self.send_header("Content-Length", str(file.stat().st_size))
        self.end_headers()
        with file.open("rb") as content:
            shutil.copyfileobj(content, self.wfile)

    def log_message(self, format: str, *args: object) -> None:
        sys.stdout.write(f"{self.address_string()} {format % args}\n")
        sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or, with `--exit-with-stdin`, the end of standard input."""
    options = _parser().parse_args(arguments)
    server = FeedServer((options.host, options.port), Installers(options.folder))

    def end(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if options.exit_with_stdin:
        threading.Thread(target=_wait_for_stdin, args=(server,), daemon=True).start()
    port = int(server.server_address[1])
    if options.port_file:
        partial = options.port_file.with_suffix(".partial")
        partial.write_text(str(port), encoding="ascii")
        partial.rename(options.port_file)
    sys.stdout.write(f"Serving downloads on http://{options.host}:{port}/\n")
    sys.stdout.flush()
    with server:
        server.serve_forever(poll_interval=0.1)
    return 0


def _wait_for_stdin(server: FeedServer) -> None:
    sys.stdin.buffer.read()
    server.shutdown()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m standins.feed",
        description="Plays Octopus's download feed: /download/upgrade/v3, and installers of the stand-in.",
    )
    parser.add_argument("--folder", type=Path, required=True, help="where built installers are kept")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--port-file", type=Path, help="written when the server listens; holds the port number")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input reaches its end")
    return parser
