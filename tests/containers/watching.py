"""What a Docker engine was told to do while something ran, as anybody who may use the engine can see it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any, Self, cast, final

import docker.errors

from tidegate.providers.containers.engine import Engine

#: Where the images' contracts want secrets (Octopus docs and Microsoft's, container images).
SECRET_VARIABLES = frozenset({"MSSQL_SA_PASSWORD", "DB_CONNECTION_STRING", "MASTER_KEY"})


@final
class EngineWatch:
    """Inspects every container that starts inside the block."""

    def __init__(self, engine: Engine) -> None:
        self._client = cast("Any", engine.client)
        #: Names, labels, command lines and exec commands: what no secret may be in.
        self.public: list[str] = []
        #: Name → values in the environments of containers.
        self.environment: dict[str, set[str]] = {}
        #: Anonymous ones have no label by which they could be found.
        self.volumes_left: set[str] = set()

    def __enter__(self) -> Self:
        self._volumes = self._volume_names()
        self._events = self._client.events(decode=True, filters={"type": "container"})
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._events.close()
        self._thread.join(timeout=10)
        self.volumes_left = self._volume_names() - self._volumes

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

    def _watch(self) -> None:
        for event in self._events:
            self.public.append(str(event))  # labels, name, and the command of an exec
            if event.get("Action") == "start":
                with suppress(docker.errors.NotFound):  # gone already: it left in an orderly way
                    self._look(self._client.api.inspect_container(event["id"]))

    def _look(self, inspected: dict[str, Any]) -> None:
        configured = inspected["Config"]
        shown = [inspected["Name"], inspected["Path"], inspected["Args"], configured["Cmd"], configured["Labels"]]
        self.public.append(str(shown))
        for entry in configured["Env"] or ():
            name, _, value = entry.partition("=")
            self.environment.setdefault(name, set()).add(value)

    def _volume_names(self) -> set[str]:
        return {volume.name for volume in self._client.volumes.list()}
