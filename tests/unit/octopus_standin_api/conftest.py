"""A server of any version over an in-memory store, spoken to without a network."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from standins.octopus.api.app import Portal
from standins.octopus.api.permissions import permissions_for
from standins.octopus.api.requests import Received
from standins.octopus.contract import Document, Server, ServerFolders, Version
from standins.octopus.credentials import hash_api_key, hash_password
from tests.unit.octopus_standin_api.in_memory import InMemoryStore

ADMIN_KEY = "API-ADMINADMINADMINADMINADMIN"

#: The versions the stand-in is developed for.
VERSIONS = ("2018.12.1", "2019.1.0", "2019.13.5", "2020.6.4671", "2021.1.7500", "2023.4.6612", "2025.4.1")


class PlainKey:
    """Reversible without any cryptography, so that a test can see what was sealed."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(text.encode()).decode() + "|aXY="

    def decrypt(self, sealed: str) -> str:
        return base64.b64decode(sealed.partition("|")[0]).decode()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.content)


class Client:
    """Sends requests straight to the portal, as the administrator unless told otherwise."""

    def __init__(self, portal: Portal, store: InMemoryStore) -> None:
        self.portal = portal
        self.store = store
        self.key: str | None = ADMIN_KEY

    @property
    def version(self) -> tuple[int, int, int]:
        return self.store.version.major, self.store.version.minor, self.store.version.patch

    def send(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        path, _, query = url.partition("?")
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if self.key:
            sent.setdefault("x-octopus-apikey", self.key)
        if content is None and body is not None:
            content = orjson.dumps(body)
            sent.setdefault("content-type", "application/json")
        response = self.portal.respond(Received(method, path, query, sent, content or b""))
        return Answer(response.status_code, dict(response.headers), bytes(response.body))

    def get(self, url: str, **more: Any) -> Any:
        answer = self.send("GET", url, **more)
        assert answer.status == 200, answer.content
        return answer.json

    def post(self, url: str, body: Any, **more: Any) -> Any:
        answer = self.send("POST", url, body, **more)
        assert answer.status in (200, 201), answer.content
        return answer.json

    def put(self, url: str, body: Any, **more: Any) -> Any:
        answer = self.send("PUT", url, body, **more)
        assert answer.status == 200, answer.content
        return answer.json

    def refused(self, method: str, url: str, body: Any = None, **more: Any) -> tuple[int, str, list[str]]:
        answer = self.send(method, url, body, **more)
        assert answer.status >= 400, answer.content
        return answer.status, answer.json["ErrorMessage"], answer.json.get("Errors", [])


def seed(store: InMemoryStore) -> None:
    """What a freshly created database holds: the administrator, teams, roles and the default space."""
    version = store.version
    names = permissions_for(version)
    spaced = version >= Version(2019, 1, 0)
    space: Document = {"SpaceId": "Spaces-1"} if spaced else {}
    with store.transaction() as transaction:
        transaction.insert(
            "User",
            {
                "Username": "admin",
                "DisplayName": "Administrator",
                "EmailAddress": "admin@example.test",
                "IsActive": True,
                "IsService": False,
                "IdentificationToken": "00000000-0000-4000-8000-00000000000a",
                "PasswordHashed": hash_password("Passw0rd!"),
            },
        )
        transaction.insert(
            "ApiKey",
            {"UserId": "Users-1", "ApiKeyHashed": hash_api_key(ADMIN_KEY), "Created": "2018-01-01T00:00:00.000+00:00"},
        )
        if spaced:
            transaction.insert("Space", {"Name": "Default", "IsDefault": True, "TaskQueueStopped": False})
            roles = {
                "GrantedSpacePermissions": [name for name, rule in names.items() if rule.at_space_level],
                "GrantedSystemPermissions": [name for name, rule in names.items() if rule.at_system_level],
            }
        else:
            roles = {"GrantedPermissions": list(names)}
        transaction.insert("UserRole", {"Id": "userroles-systemadministrator", "Name": "System Administrator", **roles})
        for document_id, name in (("teams-everyone", "Everyone"), ("teams-administrators", "Octopus Administrators")):
            members = ["Users-1"] if document_id == "teams-administrators" else []
            team: Document = {"Id": document_id, "Name": name, "MemberUserIds": members}
            if not spaced:
                team["UserRoleIds"] = ["userroles-systemadministrator"] if members else []
            else:
                team["SpaceId"] = None
            transaction.insert("Team", team)
        if spaced:
            everything = [name for name, rule in names.items() if rule.at_space_level]
            manager: Document = {"GrantedSpacePermissions": everything, "GrantedSystemPermissions": []}
            transaction.insert("UserRole", {"Id": "userroles-spacemanager", "Name": "Space Manager", **manager})
            transaction.insert(
                "ScopedUserRole",
                {
                    "TeamId": "teams-administrators",
                    "UserRoleId": "userroles-systemadministrator",
                    "SpaceId": "Spaces-1",
                },
            )
        transaction.insert("ProjectGroup", {"Name": "Default Project Group", **space})
        transaction.insert("Lifecycle", {"Name": "Default Lifecycle", "Phases": [], **space})


@pytest.fixture
def serve(tmp_path: Path) -> Callable[[str], Client]:
    """Starts nothing: makes a portal over an empty database of the version."""

    def start(version: str) -> Client:
        store = InMemoryStore(Version.parse(version))
        seed(store)
        folders = ServerFolders(*(tmp_path / name for name in ("packages", "artifacts", "task_logs", "logs")))
        server = Server(
            store.version,
            store,
            PlainKey(),  # pyright: ignore[reportArgumentType]
            folders,
            "node-1",
            "00000000-0000-4000-8000-000000000001",
            ready=True,
        )
        return Client(Portal(server), store)

    return start


@pytest.fixture(params=VERSIONS)
def any_version(request: pytest.FixtureRequest, serve: Callable[[str], Client]) -> Client:
    return serve(request.param)
