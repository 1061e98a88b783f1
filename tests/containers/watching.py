"""What a Docker engine was told to do while something ran, as anybody who may use the engine can see it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self, cast, final

import docker.errors

from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.ownership import RUN

#: Where the images' contracts want secrets (Octopus docs and Microsoft's, container images).
SECRET_VARIABLES = frozenset({"MSSQL_SA_PASSWORD", "DB_CONNECTION_STRING", "MASTER_KEY"})

#: Every container that testcontainers makes has this label.
_MADE_BY_TESTCONTAINERS = "org.testcontainers"


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of one run."""

    #: Names, labels, command lines and exec commands: what no secret may be in.
    public: list[str]
    #: Name → values in the environments of containers.
    environment: Mapping[str, set[str]]
    #: Volumes of its containers that outlived it. Anonymous ones have no label by which they could be found.
    volumes_left: set[str]

    def secrets(self) -> set[str]:
        """Values that stood in an environment and are nobody's business."""
        found = {value for name in SECRET_VARIABLES for value in self.environment.get(name, set())}
        passwords = {
            part.removeprefix("Password=")
            for connection in self.environment.get("DB_CONNECTION_STRING", set())
            for part in connection.split(";")
            if part.startswith("Password=")
        }
        return found | passwords


@final
class EngineWatch:
    """Inspects every container that is made or starts inside the block."""

    def __init__(self, engine: Engine) -> None:
        self._client = cast("Any", engine.client)
        self._told: list[dict[str, Any]] = []
        self._inspected: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._before = self._volume_names()
        self._events = self._client.events(decode=True, filters={"type": "container"})
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._events.close()
        self._thread.join(timeout=10)
        self._after = self._volume_names()

    def of(self, run: str) -> Watched:
        """What the run did; others may use the engine at the same time. To be asked after the block."""
        public: list[str] = []
        environment: dict[str, set[str]] = {}
        volumes: set[str] = set()
        for event in self._told:
            seen: dict[str, Any] = event["Actor"]["Attributes"]
            if _is_of(run, seen, seen.get("name", "")):
                public.append(str(event))  # labels, name, and the command of an exec
        for one in self._inspected:
            configured = one["Config"]
            if not _is_of(run, configured["Labels"] or {}, one["Name"]):
                continue
            shown = [one["Name"], one["Path"], one["Args"], configured["Cmd"], configured["Labels"]]
            public.append(str(shown))
            volumes |= {mount["Name"] for mount in one["Mounts"] if mount["Type"] == "volume"}
            for entry in configured["Env"] or ():
                name, _, value = entry.partition("=")
                environment.setdefault(name, set()).add(value)
        return Watched(public, environment, volumes & (self._after - self._before))

    def _watch(self) -> None:
        for event in self._events:
            self._told.append(event)
            if event.get("Action") in {"create", "start"}:
                with suppress(docker.errors.NotFound):  # gone already: it left in an orderly way
                    self._inspected.append(self._client.api.inspect_container(event["id"]))

    def _volume_names(self) -> set[str]:
        return {volume.name for volume in self._client.volumes.list()}


def _is_of(run: str, labels: Mapping[str, Any], name: str) -> bool:
    """A container without any run's label is taken for one of this run, which forgot to label it, unless Docker made
    it while building an image."""
    if RUN in labels:
        return labels[RUN] == run
    return _MADE_BY_TESTCONTAINERS in labels or name.removeprefix("/").startswith(f"tidegate-{run}-")
