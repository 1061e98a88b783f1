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
