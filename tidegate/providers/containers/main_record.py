"""Which container the main instance runs in: proven once, and remembered for every attempt of a cut-over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import docker.errors
import httpx

from tidegate.errors import HarnessError, MainInstanceProtected
from tidegate.providers.containers.engine import border, digest_of
from tidegate.rehearsal.instances import MainInstance
from tidegate.settings.model import MainInContainerSettings

_SERVICE: Final = "com.docker.compose.service"
_PROJECT: Final = "com.docker.compose.project"
_PORT: Final = 8080
_NODE_NAME: Final = "OCTOPUS_SERVER_NODE_NAME"
_PATIENCE: Final = 10.0  # seconds for an answer about who it is


@dataclass(frozen=True, slots=True)
class Record:
    """The main instance's container as it was proven to be before anything was done to it."""

    name: str
    identifier: str
    version: str
    digest: str
    node_name: str
    restart: dict[str, Any]
    address: str  # where the container, and no other, answered

    @classmethod
    def read(cls, file: Path) -> Self | None:
        return cls(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def main_record(file: Path, client: Any, wanted: MainInContainerSettings, main: MainInstance) -> Record:
    """What ``file`` remembers; without it what is proven now about the container that the settings name, and is
    remembered from now on. Raises :class:`HarnessError` when that is not the main instance's."""
    record = Record.read(file)
    if record is None:
        record = _prove(client, _chosen(client, wanted), main)
        record.write(file)
    return record


def _chosen(client: Any, wanted: MainInContainerSettings) -> Any:
    """The container that the settings name."""
    with border("looking for the main instance's container"):
        if wanted.container:
            try:
                return client.containers.get(wanted.container)
            except docker.errors.NotFound:
                raise HarnessError(f"there is no container {wanted.container}", where="[main.host] container") from None
        labels = [f"{_SERVICE}={wanted.service}", *([f"{_PROJECT}={wanted.project}"] if wanted.project else [])]
        found = client.containers.list(filters={"label": labels})
    if len(found) != 1:
        names = ", ".join(one.name for one in found) or "none"
        raise HarnessError(
            f"one running container of the service {wanted.service} was expected, there is: {names}",
            where="[main.host] service",
            next_step="name the project as well, or the container",
        )
    return found[0]


def _prove(client: Any, container: Any, main: MainInstance) -> Record:
    """That the container runs the main instance: it must say the approved installation id itself."""
    attributes: dict[str, Any] = container.attrs
    name = str(container.name)
    if attributes["State"]["Status"] != "running":
        raise HarnessError(
            f"the container {name} does not run, so it cannot be proven to be the main instance's", where=name
        )
    said = {address: _installation(address) for address in addresses_of(attributes)}
    wanted = main.identity.installation_id.lower()
    proven = [address for address, one in said.items() if one.lower() == wanted]
    if not proven:
        told = ", ".join(f"{address} says {one or 'nothing'}" for address, one in said.items())
        raise MainInstanceProtected(
            f"the container {name} is not the main instance's: that is installation {wanted}; {told}",
            where="[main.host]",
            next_step="name the container in which the main instance runs",
        )
    _require_lasting(attributes, name)
    variables: list[str] = attributes["Config"]["Env"] or []
    named = [one.removeprefix(f"{_NODE_NAME}=") for one in variables if one.startswith(f"{_NODE_NAME}=")]
    with border(f"the image of {name}"):
        digest = digest_of(client.images.get(attributes["Image"]).attrs)
    return Record(
        name,
        str(container.id),
        str(main.version),
        digest,
        named[0] if named else str(attributes["Config"]["Hostname"]),
        dict(attributes["HostConfig"]["RestartPolicy"]),
        proven[0],
    )


def addresses_of(attributes: Mapping[str, Any]) -> list[str]:
    """Where this container, and no other, answers: its published ports, and its own addresses in its networks."""
    settings: Mapping[str, Any] = attributes["NetworkSettings"]
    published: dict[str, list[dict[str, str]] | None] = settings.get("Ports") or {}
    ports: list[str] = []
    for bound in published.values():
        for one in bound or []:
            host = "127.0.0.1" if one["HostIp"] in {"", "0.0.0.0", "::"} else one["HostIp"]  # noqa: S104 -- read, not bound
            ports.append(f"http://{host}:{one['HostPort']}")
    own = [one["IPAddress"] for one in settings["Networks"].values() if one.get("IPAddress")]
    return list(dict.fromkeys([*ports, *(f"http://{address}:{_PORT}" for address in own)]))


def _installation(address: str) -> str:
    """What a server says about itself there; "" when it is no Octopus Server, or none answers."""
    with suppress(httpx.HTTPError, ValueError, KeyError, TypeError):
        answer: dict[str, Any] = httpx.get(f"{address}/api", timeout=_PATIENCE, trust_env=False).json()
        return str(answer["InstallationId"] or "")
    return ""


def _require_lasting(attributes: Mapping[str, Any], name: str) -> None:
    """It must be there, and at the same address, after a stop."""
    host: Mapping[str, Any] = attributes["HostConfig"]
    if host.get("AutoRemove"):
        raise HarnessError(
            f"the container {name} would be removed as soon as it stops",
            where=name,
            next_step="run it without --rm, or it cannot be put aside for the way back",
        )
    published: dict[str, list[dict[str, str]] | None] = host.get("PortBindings") or {}
    for port, bound in published.items():
        if any(one.get("HostPort") in {"", "0", None} for one in bound or []):
            raise HarnessError(
                f"the container {name} publishes {port} on a port that changes at every start",
                where=name,
                next_step="publish it on a fixed port",
            )
