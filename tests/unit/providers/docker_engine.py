"""A Docker engine for tests: answers a few questions over a Unix socket as the real one does."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Answers:
    """What the engine says of itself."""

    data: Path
    api: str = "1.41"
    images: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list[str])


@contextmanager
def docker_engine(socket: Path, answers: Answers) -> Generator[str]:
    """The value for DOCKER_HOST."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = re.sub(r"^/v[\d.]+", "", self.path)
            answers.asked.append(f"GET {path}")
            status, body = _answer(path, answers)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            answers.asked.append(f"POST {self.path}")
            self.send_error(500, "this engine starts nothing")

        def address_string(self) -> str:
            return "unix"

        def log_message(self, format: str, *args: object) -> None:
            return

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    with Server(str(socket), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"unix://{socket}"
        finally:
            server.shutdown()
            thread.join()


def _answer(path: str, answers: Answers) -> tuple[int, Mapping[str, Any]]:
    if path == "/version":
        return 200, {"Version": "20.10.24", "ApiVersion": answers.api, "MinAPIVersion": "1.12"}
    if path == "/info":
        return 200, {"DockerRootDir": str(answers.data)}
    if image := re.fullmatch(r"/images/(.+)/json", path):
        known = image[1] in answers.images
        return (200, {"Id": "sha256:1"}) if known else (404, {"message": f"No such image: {image[1]}"})
    if image := re.fullmatch(r"/distribution/(.+)/json", path):
        if image[1] in answers.offered:
            return 200, {"Descriptor": {"digest": "sha256:1"}, "Platforms": []}
        return 404, {"message": "manifest unknown"}
    return 404, {"message": "page not found"}
