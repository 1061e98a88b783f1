"""A very small Octopus, without a network: enough to be looked at, in the shapes of 2018 and of later versions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any, cast
from urllib.parse import parse_qs

from tidegate.errors import Unreachable
from tidegate.octopus.client import Access, Answer, OctopusClient

Document = dict[str, Any]
Reply = tuple[int, Any]
Override = Callable[["Request"], Reply | None]

SYSTEM = {"users", "userroles", "teams", "tasks", "events", "featuresconfiguration", "spaces", "scopeduserroles"}


class Request:
    """What a client asked for, as the server sees it."""

    def __init__(self, user: str, method: str, path: str, query: Mapping[str, str], body: Any) -> None:
        self.user = user
        self.method = method
        self.path = path
        self.query = query
        self.body = body


class TinyOctopus:
    """The server. ``collections`` hold documents as version 2018 knows them; rendering adds what came later."""

    def __init__(self, version: str = "2018.12.1") -> None:
        self.version = version
        self.collections: dict[str, list[Document]] = deepcopy(INSTANCE)
        self.files: dict[str, tuple[str, bytes]] = {
            "artifacts/Artifacts-1/content": ("application/octet-stream", b"the report"),
            "tasks/ServerTasks-1/raw": ("text/plain", b"12:00 Info | Deployed"),
            "projects/Projects-1/logo": ("image/png", b"logo of the web shop"),
        }
        self.overrides: list[Override] = []
        self.linked_permissions = True
        self.requests: list[str] = []
        self.saved: list[tuple[str, Any]] = []

    @property
    def spaces(self) -> bool:
        return int(self.version[:4]) >= 2019

    def client(self, user: str = "admin", *, access: Access = Access.READ_ONLY) -> TinyClient:
        return TinyClient(self, user, access)

    def respond(self, request: Request) -> Reply:
        self.requests.append(f"{request.user} {request.method} {request.path}")
        for override in self.overrides:
            reply = override(request)
            if reply is not None:
                return reply
        segments = [segment for segment in request.path.split("/") if segment][1:]
        if segments and re.fullmatch(r"Spaces-\d+", segments[0]):
            if not self.spaces or segments[0] != "Spaces-1":
                return self._missing(segments[0])
            segments = segments[1:]
            if not segments:
                return 200, {"Id": "Spaces-1", "Links": self._links(("projects", "environments"), scoped=True)}
        if request.method == "PUT":
            self.saved.append((request.path, request.body))
            return 200, request.body
        return self._get("/".join(segments), segments, request)

    def _get(self, place: str, segments: list[str], request: Request) -> Reply:
        if not segments:
            return 200, self._root()
        if place in self.files:
            return 200, self.files[place]
        if segments[-1] == "permissions":
            return self._permissions(segments[1])
        single = self._singles().get(place)
        if single is not None:
            return 200, single
        name = segments[0].lower()
        if name == "scopeduserroles" and self.spaces:
            return 200, self._page("scopeduserroles", self._scoped_roles(), request)
        if name not in self.collections:
            return self._missing(place)
        items = [self._render(name, item) for item in self.collections[name]]
        if len(segments) == 1:
            return 200, self._page(name, items, request)
        return self._item(items, segments)

    def _item(self, items: list[Document], segments: list[str]) -> Reply:
        if segments[1] == "all":
            return 200, items
        found = next((item for item in items if item["Id"] == segments[1]), None)
        if found is None:
            return self._missing(segments[1])
        if len(segments) == 2:
            return 200, found
        if segments[2] == "details":
            return 200, {"Task": found, "ActivityLogs": [{"Id": "1", "Name": "Deploy", "Status": "Success"}]}
        return self._missing("/".join(segments))

    def _singles(self) -> dict[str, Any]:
        features: Document = {"Id": "features", "IsMultiTenancyEnabled": True, "IsBuiltInWorkerEnabled": True}
        singles: dict[str, Any] = {
            "users/me": self._render("users", self.collections["users"][0]),
            "featuresconfiguration": features,
        }
        if self.spaces:
            del features["IsMultiTenancyEnabled"]
            links = {"Self": "/api/spaces/Spaces-1"}
            space: Document = {"Id": "Spaces-1", "Name": "Default", "IsDefault": True, "Links": links}
            page = {"ItemType": "Space", "TotalResults": 1, "Items": [space], "Links": {"Self": "/api/spaces"}}
            singles |= {"tenants/status": {"Id": "status", "Enabled": True}}
            singles |= {"spaces": page, "spaces/all": [space], "spaces/Spaces-1": space}
        return singles

    def _page(self, name: str, items: list[Document], request: Request) -> Document:
        skip, take = int(request.query.get("skip", 0)), int(request.query.get("take", 30))
        if "ids" in request.query:
            items = [item for item in items if item["Id"] in request.query["ids"].split(",")]
        links = {"Self": request.path, "Page.All": f"{request.path}?skip=0&take=2147483647"}
        if skip + take < len(items):
            links["Page.Next"] = f"{request.path}?skip={skip + take}&take={take}"
        return {
            "ItemType": name, "TotalResults": len(items), "ItemsPerPage": take,
            "Items": items[skip : skip + take], "Links": links,
        }  # fmt: skip

    def _root(self) -> Document:
        names = [*self.collections, *(["spaces", "scopeduserroles"] if self.spaces else [])]
        links = self._links(names, scoped=self.spaces)
        links["FeaturesConfiguration"] = "/api/featuresconfiguration"
        links["SignIn"] = "/api/users/login{?returnUrl}"
        if self.spaces:
            links["TenantsStatus"] = "/api/Spaces-1/tenants/status"
            links["SpaceHome"] = "/api/{spaceId}"
        return {
            "Application": "Octopus Deploy", "Version": self.version, "ApiVersion": "3.0.0",
            "InstallationId": "00000000-0000-4000-8000-000000000001", "Links": {**links, "Self": "/api"},
        }  # fmt: skip

    def _links(self, names: Iterable[str], *, scoped: bool) -> dict[str, str]:
        return {
            str(
                NAMES.get(name, name.title())
            ): f"{self._base(name, scoped=scoped)}{{/id}}{{?skip,take,ids,partialName}}"
            for name in names
        }

    def _base(self, name: str, *, scoped: bool) -> str:
        return f"/api/Spaces-1/{name}" if scoped and self.spaces and name not in SYSTEM else f"/api/{name}"

    def _render(self, name: str, item: Document) -> Document:
        shown = deepcopy(item)
        base = self._base(name, scoped=True)
        links = {"Self": f"{base}/{item['Id']}"}
        if name == "projects":
            links["Logo"] = f"{base}/{item['Id']}/logo?cb={self.version}"
            links["Variables"] = f"{self._base('variables', scoped=True)}/variableset-{item['Id']}"
        elif name == "users":
            links["Permissions"] = f"/api/users/{item['Id']}/permissions"
        elif name == "tasks":
            links |= {"Details": f"{base}/{item['Id']}/details{{?verbose,tail}}", "Raw": f"{base}/{item['Id']}/raw"}
        elif name == "artifacts":
            links["Content"] = f"{base}/{item['Id']}/content"
        if self.spaces:
            self._modernise(name, shown)
        return {**shown, "Links": links}

    def _modernise(self, name: str, shown: Document) -> None:
        if name not in SYSTEM:
            shown["SpaceId"] = "Spaces-1"
        if name == "artifacts":
            shown["ServerTaskId"] = next(
                one for one in shown.pop("RelatedDocumentIds") if one.startswith("ServerTasks")
            )
        elif name == "teams":
            for gone in ("UserRoleIds", "ProjectIds", "ProjectGroupIds", "EnvironmentIds", "TenantIds", "TenantTags"):
                shown.pop(gone, None)
        elif name == "userroles":
            granted = shown.pop("GrantedPermissions")
            shown["GrantedSystemPermissions"] = [one for one in granted if one.startswith("Administer")]
            shown["GrantedSpacePermissions"] = [one for one in granted if not one.startswith("Administer")]

    def _permissions(self, user: str) -> Reply:
        roles = {role["Id"]: role["GrantedPermissions"] for role in self.collections["userroles"]}
        granted: dict[str, list[Document]] = {}
        teams: list[Document] = []
        for team in self.collections["teams"]:
            if user in team["MemberUserIds"]:
                teams.append({"Id": team["Id"], "Name": team["Name"]})
                for permission in (name for role in team["UserRoleIds"] for name in roles[role]):
                    restriction: Document = {"RestrictedToProjectIds": team["ProjectIds"]}
                    granted.setdefault(permission, []).append(restriction)
        links = {"Export": f"/api/users/{user}/permissions/export"} if self.linked_permissions else {}
        if not self.spaces:
            body = {"Id": f"userpermissions-{user}", "Permissions": granted, "Teams": teams, "Links": links}
            return 200, body
        scoped = {name: value for name, value in granted.items() if not name.startswith("Administer")}
        for restrictions in scoped.values():
            for restriction in restrictions:
                restriction["SpaceId"] = "Spaces-1"
        system = [name for name in granted if name.startswith("Administer")]
        body = {
            "Id": f"userpermissions-{user}",
            "SpacePermissions": scoped,
            "SystemPermissions": system,
            "Teams": teams,
            "Links": links,
        }
        return 200, {**body, "IsTeamsComplete": True, "IsPermissionsComplete": True}

    def _scoped_roles(self) -> list[Document]:
        return [
            {
                "Id": f"ScopedUserRoles-{number}", "TeamId": team["Id"], "UserRoleId": role, "SpaceId": "Spaces-1",
                "ProjectIds": team["ProjectIds"], "EnvironmentIds": [], "TenantIds": [], "ProjectGroupIds": [],
                "Links": {"Self": f"/api/scopeduserroles/ScopedUserRoles-{number}"},
            }
            for number, (team, role) in enumerate(
                [(team, role) for team in self.collections["teams"] for role in team["UserRoleIds"]], 1
            )
        ]  # fmt: skip

    @staticmethod
    def _missing(what: str) -> Reply:
        return 404, {"ErrorMessage": f"The resource '{what}' was not found."}


class TinyClient(OctopusClient):
    """A client whose server is an object in this process."""

    def __init__(self, server: TinyOctopus, user: str, access: Access) -> None:
        self.url = "http://octopus.example.test"
        self.access = access
        self._server = server
        self._user = user

    def anonymous(self) -> OctopusClient:
        return TinyClient(self._server, "", Access.READ_ONLY)

    def close(self) -> None:
        """There is nothing to close."""

    def send(self, method: str, path: str, **request: Any) -> Answer:
        assert self.access is Access.FULL or method in {"GET", "HEAD"}
        bare, _, text = path.partition("?")
        query = {name: values[0] for name, values in parse_qs(text).items()}
        query |= {name: str(value) for name, value in cast("dict[str, Any]", request.get("params") or {}).items()}
        status, body = self._server.respond(Request(self._user, method, bare, query, request.get("json")))
        if status == 0:
            raise Unreachable(f"{method} {path} got no answer: the connection was dropped")
        if isinstance(body, tuple):
            kind, content = cast("tuple[str, bytes]", body)
            return Answer(status, {"content-type": kind}, content, 0.001)
        headers = {"content-type": "application/json; charset=utf-8"}
        return Answer(status, headers, json.dumps(body, indent=2).encode(), 0.001)

    def download(self, path: str, sink: Callable[[bytes], object]) -> Answer:
        answer = self.send("GET", path)
        sink(answer.content)
        return Answer(answer.status, answer.headers, b"", answer.seconds)


NAMES = {"userroles": "UserRoles", "projecttriggers": "ProjectTriggers", "deploymentprocesses": "DeploymentProcesses"}


def _team(number: str, name: str, members: list[str], roles: list[str], projects: list[str]) -> Document:
    return {
        "Id": number, "Name": name, "MemberUserIds": members, "UserRoleIds": roles, "ProjectIds": projects,
        "ProjectGroupIds": [], "EnvironmentIds": [], "TenantIds": [], "TenantTags": [], "CanBeDeleted": True,
    }  # fmt: skip


def _user(number: int, name: str) -> Document:
    return {"Id": f"Users-{number}", "Username": name, "DisplayName": name.title(), "IsActive": True}


ALL = ["AdministerSystem", "ProjectView", "ReleaseCreate"]

INSTANCE: dict[str, list[Document]] = {
    "projects": [
        {"Id": f"Projects-{n}", "Name": name, "VariableSetId": f"variableset-Projects-{n}", "AutoCreateRelease": False}
        for n, name in enumerate(("Web shop", "Billing", "Search"), 1)
    ],
    "environments": [{"Id": f"Environments-{n}", "Name": name} for n, name in enumerate(("Test", "Production"), 1)],
    "variables": [
        {
            "Id": f"variableset-Projects-{n}", "OwnerId": f"Projects-{n}", "Version": 3,
            "Variables": [
                {"Id": f"{n}-1", "Name": "Database", "Value": "shop", "Scope": {"Environment": ["Environments-1"]}},
                {"Id": f"{n}-2", "Name": "Password", "Value": None, "IsSensitive": True},
            ],
        }
        for n in (1, 2, 3)
    ],
    "projecttriggers": [
        {
            "Id": "ProjectTriggers-1", "Name": "Nightly", "IsDisabled": True,
            "Filter": {"FilterType": "CronExpressionSchedule", "CronExpression": "0 0 1 * * *"},
        }
    ],
    "users": [_user(1, "admin"), _user(2, "deployer"), _user(3, "reader")],
    "userroles": [
        {"Id": "userroles-all", "Name": "All", "GrantedPermissions": ALL},
        {"Id": "userroles-view", "Name": "View", "GrantedPermissions": ["ProjectView"]},
    ],
    "teams": [
        _team("teams-administrators", "Administrators", ["Users-1"], ["userroles-all"], []),
        _team("Teams-21", "Shop readers", ["Users-2", "Users-3"], ["userroles-view"], ["Projects-1"]),
    ],
    "tasks": [
        {"Id": f"ServerTasks-{n}", "Name": "Deploy", "State": "Success", "Description": f"Deploy release 1.0.{n}"}
        for n in range(1, 6)
    ],
    "artifacts": [
        {"Id": "Artifacts-1", "Filename": "report.txt", "RelatedDocumentIds": ["Projects-1", "ServerTasks-1"]}
    ],
}  # fmt: skip


def digest(content: bytes) -> str:
    """The digest a snapshot keeps of a file."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
