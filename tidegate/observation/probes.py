"""Small questions about how the interface behaves, asked before and after: only an answer that changed counts.

Each is something that clients or scripts rely on (OctopusClients, go-octopusdeploy, OctopusDeploy-Api scripts).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from tidegate.errors import Unreachable
from tidegate.observation.documents import id_of, list_shape, property_of
from tidegate.observation.store import ITEM, Seen
from tidegate.octopus.client import Answer, OctopusClient

#: Places of probes start with this word.
PLACE: Final = "(probe)"


@dataclass(frozen=True, slots=True)
class Probe:
    """One question: a name, a request without side effects, and whose it is."""

    name: str
    path: str
    anonymous: bool = False


def probes(space: str) -> list[Probe]:
    """The questions. Paths are unscoped, so that the same ones can be asked on both sides of 2019.1."""
    return [
        Probe("root with a slash at its end", "/api/"),
        Probe("a route in other letters", "/API/Projects/All"),
        Probe("a list with a slash at its end", "/api/environments/"),
        Probe("a page of one", "/api/projects?skip=1&take=1"),
        Probe("a page beyond the end", "/api/projects?skip=1000000&take=5"),
        Probe("everything at once", "/api/projects?skip=0&take=2147483647"),
        Probe("an unknown id", "/api/projects/Projects-99999999"),
        Probe("an unknown route", "/api/no-such-route"),
        Probe("an unknown kind of event", "/api/events?eventCategories=NoSuchCategory&take=1"),
        Probe("the key in the address is no key", "/api/users/me?apikey=API-NOSUCHKEY", anonymous=True),
        Probe("root without credentials", "/api", anonymous=True),
        Probe("a list without credentials", "/api/projects", anonymous=True),
        Probe("the caller without credentials", "/api/users/me", anonymous=True),
        Probe("the tasks' kinds without credentials", "/api/tasks/tasktypes", anonymous=True),
        Probe("authentication without credentials", "/api/authentication", anonymous=True),
        *(
            [Probe("an unknown space", "/api/Spaces-99999/projects"), Probe("a space", f"/api/{space}")]
            if space
            else []
        ),
    ]


#: Clients as they name themselves; servers have answered some of them in another shape (OctopusDeploy/Issues#5247).
CLIENTS: Final = {
    "octo, which gives no name": "",
    "Octopus.Client": "OctopusClient-dotnet/4.45.0 (Linux; x64) octo",
    "the TypeScript client": "ts-octopusdeploy",
    "the Go client": "go-octopusdeploy/2.50.0 (linux; amd64)",
    "a browser": "Mozilla/5.0 (X11; Linux x86_64)",
}

#: What clients read before they do anything (the same sequences as in the rehearsal of build servers).
READ_BY_CLIENTS: Final = (
    "/api", "/api/users/me", "/api/projects?take=5", "/api/environments?take=5", "/api/feeds?take=5",
    "/api/lifecycles?take=5", "/api/releases?take=5", "/api/machines?take=5", "/api/accounts?take=5",
    "/api/tasks?take=2",
)  # fmt: skip


def ask_as_clients(client: OctopusClient, user: str) -> Iterator[Seen]:
    """Whether clients that name themselves otherwise get the same shape of answer: "", or what differs."""
    for path in READ_BY_CLIENTS:
        try:
            usual = client.send("GET", path)
            for name, agent in CLIENTS.items():
                theirs = client.send("GET", path, headers={"User-Agent": agent})
                told = sorted(_shapes(theirs.json) ^ _shapes(usual.json)) if theirs.ok else [str(theirs.status)]
                if theirs.status == usual.status and not theirs.ok:
                    told = []
                body = json.dumps({"DiffersFromOthers": told})
                place = f"{PLACE} {path.partition('?')[0]} as {name}"
                yield Seen(user, place, ITEM, PLACE, path, 200, body=body)
        except Unreachable as error:
            yield Seen(user, f"{PLACE} {path} as clients", ITEM, PLACE, path, 0, body=error.what)


def _shapes(value: Any, path: str = "") -> set[str]:
    """Every property of a document with the sort of its value; null may stand for any sort."""
    if isinstance(value, dict):
        document = cast("dict[str, Any]", value)
        return {shape for name, inner in document.items() for shape in _shapes(inner, f"{path}.{name}")} | {
            f"{path}{{}}"
        }
    if isinstance(value, list):
        return {shape for inner in cast("list[Any]", value) for shape in _shapes(inner, f"{path}[]")}
    return set() if value is None else {f"{path}: {type(value).__name__}"}


def ask(client: OctopusClient, anonymous: OctopusClient, user: str, space: str) -> Iterator[Seen]:
    """The answers, reduced to what clients test: the status, the sort of body, how many items, an error's message."""
    for probe in probes(space):
        try:
            answer = (anonymous if probe.anonymous else client).send("GET", probe.path)
            told: dict[str, Any] = _told(answer)
        except Unreachable as error:
            yield Seen(user, f"{PLACE} {probe.name}", ITEM, PLACE, probe.path, 0, body=error.what)
            continue
        yield Seen(user, f"{PLACE} {probe.name}", ITEM, PLACE, probe.path, 200, body=json.dumps(told))


def _told(answer: Answer) -> dict[str, Any]:
    body = answer.json
    shape = list_shape(body) if answer.ok else None
    sort = (
        "list" if shape else "resource" if id_of(body) else "object" if isinstance(body, dict) else type(body).__name__
    )
    told: dict[str, Any] = {"Status": answer.status, "Body": sort, "Type": answer.headers.get("content-type", "")}
    if shape is not None and shape.paged:
        told["Shown"] = [id_of(item) for item in shape.items][:50]
        told["Counters"] = sorted(name for name in cast("dict[str, Any]", body) if name not in ("Items", "Links"))
    if not answer.ok:
        told["HasErrorMessage"] = bool(property_of(body, "ErrorMessage"))
    return told
