"""Calls what a swagger document lists on a running, filled server, and compares the answers with the document."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.swagger_document import Deviation, Operation, SwaggerDocument

Json = Any

#: Parameters that are not the id of an item in the collection before them: where one is found.
#: name → (address, property of its items)
_ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "environment": ("environments/all", "Id"),
    "tenant": ("tenants/all", "Id"),
    "typeOrId": ("actiontemplates/all", "Id"),
    "userId": ("users/all", "Id"),
}
#: Paths whose parameter belongs to another collection than the segment before it says.
_COLLECTION_OF: Mapping[str, str] = {
    "progression/{id}": "projects/all",
    "progression/runbooks/{id}": "projects/all",
    "users/authentication/{userId}": "users/all",
    "variables/{id}": "variables/all",
}
#: What a path asks for in its query though the document does not call it required.
_QUERY: Mapping[str, str] = {
    "machines/discover": "host=127.0.0.1&port=1&type=TentaclePassive",
    "workers/discover": "host=127.0.0.1&port=1&type=TentaclePassive",
    "variables/preview": "project={project}&environment={environment}",
    "feeds/packages/notes": "packageId={packageId}&version={version}",
    "feeds/packages": "packageId={packageId}",
}


@dataclass(slots=True)
class Outcome:
    """What became of one operation. ``statuses`` counts its answers; empty if nothing to ask about was found."""

    operation: Operation
    statuses: Counter[int] = field(default_factory=Counter[int])
    examples: dict[int, str] = field(default_factory=dict[int, str])
    deviations: set[Deviation] = field(default_factory=set[Deviation])

    @property
    def is_served(self) -> bool:
        """Some answer was one of the document's good ones; a route without anything to ask about is told by OPTIONS."""
        listed = {code for code in self.operation.responses if code[0] in "23"} or {"200"}
        return any(str(status) in listed or status == 418 for status in self.statuses)

    @property
    def is_refused_as_listed(self) -> bool:
        """Every answer was a refusal that the document lists: what it asks about does not exist here, such as Azure."""
        return bool(self.statuses) and all(str(status) in self.operation.responses for status in self.statuses)

    @property
    def is_contradicting(self) -> bool:
        return any(row.kind == "contradiction" for row in self.deviations)

    @property
    def is_left_out(self) -> bool:
        """The server knows the operation and says that it does not do it."""
        return 501 in self.statuses

    @property
    def verdict(self) -> str:
        if self.is_left_out:
            return "501"
        if self.is_served:
            return "contradicts" if self.is_contradicting else "served"
        if self.is_refused_as_listed:
            return "refused as listed"
        if not self.statuses:
            return "nothing to ask about"
        return "missing" if set(self.statuses) <= {404, 405} else "refused"


class Server:
    """Reads a server; lists are read once."""

    def __init__(self, url: str, key: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"X-Octopus-ApiKey": key}, timeout=60)
        self._lists: dict[str, list[Mapping[str, Json]]] = {}

    @cached_property
    def left_out(self) -> frozenset[str]:
        """Operations whose only answer is 501, by the server's own document."""
        rows: Mapping[str, str] = self.http.get("/api/swagger.json").json().get("x-left-out", {})
        return frozenset(operation_key(*row.split(" ", 1)) for row in rows)

    def close(self) -> None:
        self.http.close()

    def know(self, address: str, items: list[Mapping[str, Json]]) -> None:
        """Items of a collection that no list shows."""
        self._lists[address] = items

    def items(self, address: str) -> list[Mapping[str, Json]]:
        """The items of a collection, whatever envelope it has; none if it cannot be read."""
        if address not in self._lists:
            answer = self.http.get(f"/api/{address}", params={} if address.endswith("/all") else {"take": 200})
            content: Json = answer.json() if answer.status_code == 200 else []
            rows: Json = cast("Mapping[str, Json]", content).get("Items", []) if isinstance(content, dict) else content
            self._lists[address] = [row for row in cast("list[Json]", rows) if isinstance(row, dict)]
        return self._lists[address]


def one_of_each(rows: Iterable[Mapping[str, Json]], most: int) -> list[Mapping[str, Json]]:
    """A choice among items: different sorts first, so that every derived class is looked at."""
    sorts: dict[str, Mapping[str, Json]] = {}
    rest: list[Mapping[str, Json]] = []
    for row in rows:
        endpoint = row.get("Endpoint")
        sort = "/".join(
            str(value)
            for value in (
                *(row.get(name) for name in ("FeedType", "AccountType", "ContentType", "OwnerType", "Name", "State")),
                cast("Mapping[str, Json]", endpoint).get("CommunicationStyle") if isinstance(endpoint, dict) else None,
            )
        )
        if sort in sorts:
            rest.append(row)
        else:
            sorts[sort] = row
    return [*sorts.values(), *rest][:most]


def addresses(server: Server, operation: Operation, most: int) -> Iterator[str]:
    """Up to ``most`` real addresses of an operation of the document."""
    path = operation.path.replace("/{baseSpaceId}", "/Spaces-1").replace("/api/{spaceId}", "/api/Spaces-1")
    path = re.sub(r"/actiontemplate/\{spaceId\}", "/actiontemplate/Spaces-1", path)
    bare = re.sub(r"/\{\w+\}", "", path.removeprefix("/api/").removeprefix("Spaces-1/"))
    wanted = _QUERY.get(bare) or "&".join(f"{name}={{{name}}}" for name in operation.required_query)
    query = re.sub(r"\{(\w+)\}", lambda found: quote(_query_value(server, found[1])), wanted)
    for address in list(_filled(server, path, most))[:most]:
        yield f"{address}?{query}" if query else address


def _query_value(server: Server, name: str) -> str:
    address, prop = {
        "packageId": ("packages", "PackageId"),
        "version": ("packages", "Version"),
        "userId": ("users/all", "Id"),
        "project": ("projects/all", "Id"),
        "environment": ("environments/all", "Id"),
    }[name]
    return str(server.items(address)[0][prop])


def _filled(server: Server, path: str, most: int) -> Iterator[str]:
    found = re.search(r"\{(\w+)\}", path)
    if found is None:
        yield path
        return
    before, name = path[: found.start()].rstrip("/"), found[1]
    for value in _values(server, before, name, path[found.end() :], most):
        yield from _filled(server, path[: found.start()] + quote(value, safe="") + path[found.end() :], most)


def _values(server: Server, before: str, name: str, after: str, most: int) -> list[str]:
    collection = before.removeprefix("/api/").removeprefix("Spaces-1/")
    key = f"{collection}/{{{name}}}"
    if collection == "packages" and name in ("packageId", "baseVersion", "version"):
        return [str(row["PackageId"]) for row in server.items("packages")[:1]]
    if collection.startswith("packages/"):
        package = collection.split("/")[1]
        return [str(row["Version"]) for row in server.items("packages") if row["PackageId"] == package][:1]
    if name == "version" and collection.startswith("projects/"):
        return [str(row["Version"]) for row in server.items(collection)[:1]]
    if name == "version":
        return [
            str(row["Version"]) for row in server.items(f"{collection}".removesuffix("/versions") + "/versions")[:1]
        ]
    if name in ("resourceGroupName", "webSiteName", "token"):
        return ["any"]
    if name == "name" and collection == "scheduler":
        tasks: list[Mapping[str, Json]] = server.http.get("/api/scheduler").json().get("TaskStatus", [])
        return [str(row["Name"]) for row in tasks[:2]]
    if name == "name":
        return [str(row["Name"]) for row in server.items(collection)[:1]]
    if name in _ELSEWHERE and key not in _COLLECTION_OF:
        address, prop = _ELSEWHERE[name]
    else:
        address, prop = _COLLECTION_OF.get(key, collection), "Id"
    rows = server.items(address) or server.items(f"{address}/all")
    return [str(row[prop]) for row in one_of_each(rows, most * (1 if not after else 2)) if prop in row]


def look(server: Server, document: SwaggerDocument, operations: Iterable[Operation], most: int = 6) -> list[Outcome]:
    """Reads every GET operation at up to ``most`` addresses; the others are asked for with OPTIONS alone."""
    return [
        _read(server, document, operation, most) if operation.method == "GET" else _asked(server, operation)
        for operation in operations
    ]


def _read(server: Server, document: SwaggerDocument, operation: Operation, most: int) -> Outcome:
    outcome = Outcome(operation)
    for address in addresses(server, operation, most):
        answer = server.http.get(address)
        outcome.statuses[answer.status_code] += 1
        outcome.examples.setdefault(answer.status_code, f"{address} {answer.text[:120]}")
        if answer.status_code == 200 and operation.success_schema is not None:
            outcome.deviations.update(document.deviations(operation.success_schema, answer.json()))
    return outcome


def _asked(server: Server, operation: Operation) -> Outcome:
    """What OPTIONS and the server's own document say of an operation that changes things."""
    outcome = Outcome(operation)
    path = re.sub(r"\{\w+\}", "1", operation.path.replace("/{baseSpaceId}", "/Spaces-1"))
    answer = server.http.request("OPTIONS", path)
    if operation.method not in answer.headers.get("Allow", "").split(", "):
        outcome.statuses[404 if answer.status_code == 404 else 405] += 1
    elif operation_key(operation.method, operation.path) in server.left_out:
        outcome.statuses[501] += 1
    else:
        outcome.statuses[int(next((code for code in operation.responses if code[0] == "2"), "200"))] += 1
    return outcome


def operation_key(method: str, path: str) -> str:
    """Two documents may name a path's parameters differently."""
    return f"{method.upper()} {re.sub(r'{[^}]*}', '{}', path).lower()}"


def complete(server: Server) -> None:
    """One of each that the sample instance does without."""
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    teams = server.items("teams/all")
    invitation = server.http.post("/api/users/invitations", json={"AddToTeamIds": [teams[0]["Id"]]}).json()
    server.know("users/invitations", [invitation])
    for address, body in (
        ("proxies", {"Name": "Fidelity", "Host": "proxy.example.test", "Port": 3128, "ProxyType": "HTTP"}),
        (
            "accounts",
            {
                "Name": "Fidelity SSH",
                "AccountType": "SshKeyPair",
                "Username": "deploy",
                "PrivateKeyFile": {"HasValue": True, "NewValue": base64.b64encode(key).decode()},
            },
        ),
    ):
        server.http.post(f"/api/{address}", json=body).raise_for_status()


def save_back(server: Server, document: SwaggerDocument, most: int = 3) -> list[Outcome]:
    """Every item that can be read is saved as it was read: PUT must accept it and answer as listed."""
    outcomes: list[Outcome] = []
    for operation in document.operations:
        if operation.method != "PUT" or "{baseSpaceId}" in operation.path or not _is_plain(operation):
            continue
        outcome = Outcome(operation)
        for address in addresses(server, operation, most):
            read = server.http.get(address)
            if read.status_code != 200 or not read.headers["content-type"].startswith("application/json"):
                continue
            answer = server.http.put(address, json=read.json())
            outcome.statuses[answer.status_code] += 1
            outcome.examples.setdefault(answer.status_code, f"{address} {answer.text[:200]}")
            if answer.status_code == 200 and operation.success_schema is not None:
                outcome.deviations.update(document.deviations(operation.success_schema, answer.json()))
        if outcome.statuses:
            outcomes.append(outcome)
    return outcomes


def _is_plain(operation: Operation) -> bool:
    """A PUT of the thing itself, not of an image or a command on it."""
    return not operation.path.endswith(("/logo", "/responsible", "/content", "/import", "/forget-all-saved-state"))
