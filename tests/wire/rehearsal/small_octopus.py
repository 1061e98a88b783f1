"""The few routes of an Octopus Server that a rehearsal's own steps touch, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.support.serving import Handler, served

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
    spaceless: list[str] = field(default_factory=list[str])  # names, on a server without spaces
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
        links = {"Spaces": "/api/spaces{/id}"} if self.projects else {}
        answers: dict[str, Any] = {
            "/api": {"Version": self.version, "InstallationId": self.installation_id, "Links": links},
            "/api/maintenanceconfiguration": {
                "Id": "maintenance",
                "IsInMaintenanceMode": self.maintenance,
                "Links": {},
            },
            "/api/projects": {
                "Items": [{"Id": f"Projects-{number}", "Name": one} for number, one in enumerate(self.spaceless)],
                "TotalResults": len(self.spaceless),
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


class _Handler(Handler):
    state: ClassVar[SmallOctopus]

    def do_GET(self) -> None:
        self._answer(None)

    def do_PUT(self) -> None:
        self._answer(json.loads(self.body()))

    def do_DELETE(self) -> None:
        gone = self.state.artifacts.pop(self.path.rpartition("/")[2], None)
        self.answer_json({}, 200 if gone else 404)

    def _answer(self, body: Any) -> None:
        if self.state.deaf:
            self.state.deaf -= 1
            self.close_connection = True
            return
        path = self.path.partition("?")[0]
        if path != "/api" and self.headers.get("X-Octopus-ApiKey") != API_KEY:
            self.answer_json({"ErrorMessage": "You must be logged in"}, 401)
            return
        if body is not None:
            self.state.change(path, body)
            self.answer_json(body, 200)
            return
        answer = self.state.answer(path)
        self.answer_json(answer or {"ErrorMessage": "not found"}, 404 if answer is None else 200)


@contextmanager
def small_octopus(state: SmallOctopus | None = None) -> Generator[SmallOctopus]:
    """A server of its own on a free port."""
    state = state or SmallOctopus()
    with served(_Handler, state=state) as state.url:
        yield state
