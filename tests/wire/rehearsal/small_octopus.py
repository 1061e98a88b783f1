"""The few routes of an Octopus Server that a rehearsal's own steps touch, and what becomes of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

API_KEY = "API-CANARY0123456789ABCDEF"


@dataclass
class SmallOctopus:
    """State that tests set and read. ``deaf`` counts requests that are still to be dropped without an answer."""

    url: str = ""
    maintenance: bool = False
    history: list[bool] = field(default_factory=list[bool])
    deaf: int = 0
    stubborn: bool = False
    version: str = "2018.12.1"
    installation_id: str = ""
    folders: dict[str, str] = field(default_factory=dict[str, str])
    nodes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    artifacts: dict[str, str] = field(default_factory=dict[str, str])  # file names by id
    projects: dict[str, list[str]] = field(
        default_factory=dict[str, list[str]]
    )  # names by space; the first is the default
    permissions: list[str] = field(default_factory=lambda: ["AdministerSystem"])

    def answer(self, path: str) -> Any:
        spaces = {f"Spaces-{number}": name for number, name in enumerate(self.projects, 1)}
        for space, name in spaces.items():
            if path == f"/api/{space}/projects":
                found = [
                    {"Id": f"Projects-{space[7:]}{number}", "Name": one}
                    for number, one in enumerate(self.projects[name])
                ]
                return {"Items": found, "TotalResults": len(found)}
        answers: dict[str, Any] = {
            "/api": {"Version": self.version, "InstallationId": self.installation_id, "Links": {}},
            "/api/maintenanceconfiguration": {
                "Id": "maintenance",
                "IsInMaintenanceMode": self.maintenance,
                "Links": {},
            },
            "/api/users/me": {"Id": "Users-1", "Username": "admin"},
            "/api/users/Users-1/permissions": {
                "SystemPermissions": self.permissions,
                "SpacePermissions": {"ProjectView": []},
            },
            "/api/configuration/server-folders/values": self.folders,
            "/api/serverstatus": {"IsInMaintenanceMode": self.maintenance},
            "/api/octopusservernodes": {"Items": self.nodes, "TotalResults": len(self.nodes)},
            "/api/spaces": {
                "Items": [{"Id": one, "Name": name, "IsDefault": one == "Spaces-1"} for one, name in spaces.items()],
                "TotalResults": len(spaces),
            },
            "/api/Spaces-1/artifacts": {
                "Items": [{"Id": one, "Filename": name} for one, name in self.artifacts.items()],
                "TotalResults": len(self.artifacts),
            },
            "/api/events": {"Items": self.events, "TotalResults": len(self.events)},
        }
        return answers.get(path)

    def change(self, path: str, body: Any) -> None:
        if path == "/api/maintenanceconfiguration" and not self.stubborn:
            self.maintenance = bool(body["IsInMaintenanceMode"])
            self.history.append(self.maintenance)
        if path.startswith("/api/octopusservernodes/"):
            self.nodes = [body if node["Id"] == body["Id"] else node for node in self.nodes]


class _Handler(BaseHTTPRequestHandler):
    state: ClassVar[SmallOctopus]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(None)

    def do_PUT(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._answer(json.loads(self.rfile.read(length)))

    def do_DELETE(self) -> None:
        gone = self.state.artifacts.pop(self.path.rpartition("/")[2], None)
        self._send(200 if gone else 404, {})

    def _answer(self, body: Any) -> None:
        if self.state.deaf:
            self.state.deaf -= 1
            self.close_connection = True
            return
        path = self.path.partition("?")[0]
        if path != "/api" and self.headers.get("X-Octopus-ApiKey") != API_KEY:
            self._send(401, {"ErrorMessage": "You must be logged in"})
            return
        if body is not None:
            self.state.change(path, body)
            self._send(200, body)
            return
        answer = self.state.answer(path)
        self._send(404 if answer is None else 200, answer or {"ErrorMessage": "not found"})

    def _send(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the tests' output quiet."""


@contextmanager
def small_octopus(state: SmallOctopus | None = None) -> Generator[SmallOctopus]:
    """A server of its own on a free port."""
    state = state or SmallOctopus()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
