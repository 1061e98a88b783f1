"""A Docker engine for tests: answers a few questions over a Unix socket as the real one does."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.serving import Handler


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

    class Engine(Handler):
        def do_GET(self) -> None:
            path = re.sub(r"^/v[\d.]+", "", self.path)
            answers.asked.append(f"GET {path}")
            status, body = _answer(path, answers)
            self.answer_json(body, status)

        def do_POST(self) -> None:
            answers.asked.append(f"POST {self.path}")
            self.send_error(500, "this engine starts nothing")

        def address_string(self) -> str:
            return "unix"

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    with Server(str(socket), Engine) as server:
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
