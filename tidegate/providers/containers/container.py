"""One container of a run, started through testcontainers: its ports, its output, its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast, final

import docker.errors
from docker.models.containers import Container as DockerModel
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from tidegate.errors import ProvisioningFailed
from tidegate.log_ends import last_lines
from tidegate.providers.containers.engine import border
from tidegate.providers.containers.ownership import Owner
from tidegate.secrets import redact

#: No server answers there (RFC 5737), so nothing is asked outside: Docker's own resolver passes names that it does not
#: know on to the machine's resolvers, from internal networks as well (CVE-2024-29018).
_NO_RESOLVER: Final = "192.0.2.1"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a container is made of. ``environment`` is where secrets go: never into ``command``, names or labels."""

    image: str
    purpose: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    command: Sequence[str] = ()
    entry_point: Sequence[str] = ()
    alias: str = ""  # its name inside the network
    mounts: Mapping[str, str] = field(default_factory=dict[str, str])  # folder here or volume → folder inside
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes], repr=False)  # path inside → content
    published: int = 0  # a port that 127.0.0.1 leads to
    stdin: bool = False
    groups: Sequence[int] = ()
    restricted: bool = False  # needs no rights at all


@final
class Container:
    """Started by the constructor; everything it says is redacted."""

    def __init__(self, blueprint: Blueprint, owner: Owner, network: Network) -> None:
        """Raises :class:`ProvisioningFailed` in Docker's words when it cannot be started."""
        self.what = f"the container of {blueprint.purpose}"
        self.purpose = blueprint.purpose
        self._port = blueprint.published
        made = DockerContainer(blueprint.image, network=network, name=owner.name(blueprint.purpose))
        self._made = made
        made.env.update(blueprint.environment)
        if blueprint.alias:
            made.with_network_aliases(blueprint.alias)
        if blueprint.command:
            made.with_command(list(blueprint.command))
        for source, inside in blueprint.mounts.items():
            made.with_volume_mapping(source, inside, "rw")
        for inside, content in blueprint.files.items():
            made.with_copy_into_container(content, inside, 0o640)  # root:root; hardened images run in group 0
        if blueprint.published:
            # testcontainers would publish on every address of this machine; a rehearsal is nobody else's business.
            cast("dict[str, Any]", made.ports)[f"{blueprint.published}/tcp"] = ("127.0.0.1", None)
        made.with_kwargs(**_options(blueprint, owner))
        try:
            with border(self.what):
                made.start()
        except BaseException:
            self.remove()
            raise

    @property
    def exit_code(self) -> int | None:
        """None while it runs. A container that was removed ended with -1."""
        try:
            with border(self.what):
                docker_model = self._docker
                docker_model.reload()
        except ProvisioningFailed:
            return -1
        state: dict[str, Any] = docker_model.attrs["State"]
        return None if state["Status"] in {"created", "running", "restarting", "paused"} else int(state["ExitCode"])

    @property
    def host_port(self) -> int:
        """The port of 127.0.0.1 that leads to the published one."""
        with border(self.what):
            self._docker.reload()
            bound: Any = self._docker.attrs["NetworkSettings"]["Ports"].get(f"{self._port}/tcp")
        if not bound:
            raise ProvisioningFailed(f"{self.what} publishes no port {self._port}:\n{self.last_lines()}")
        return int(bound[0]["HostPort"])

    @property
    def identifier(self) -> str:
        return str(self._docker.id)

    @property
    def attributes(self) -> dict[str, Any]:
        """As `docker inspect` tells them, now."""
        with border(self.what):
            self._docker.reload()
            return self._docker.attrs

    def log_text(self) -> str:
        """Standard output and error so far."""
        with border(self.what):
            output = self._docker.logs()
        return redact(output.decode("utf-8", "replace"))

    def last_lines(self) -> str:
        return last_lines(self.log_text())

    def run(self, command: Sequence[str]) -> tuple[int, str]:
        """Run a program inside, to its end: exit code and output."""
        with border(self.what):
            result = self._made.exec(list(command))
        return result.exit_code or 0, redact(result.output.decode("utf-8", "replace"))

    def wait(self, timeout: float) -> int | None:
        """Seconds to wait for its end; the exit code, or None when it still runs."""
        try:
            return int(self._docker.wait(timeout=timeout)["StatusCode"])
        except (docker.errors.APIError, OSError):  # requests' time-out is an OSError
            return self.exit_code

    def stop(self, timeout: int = 60) -> None:
        """SIGTERM, and SIGKILL after so many seconds."""
        with border(self.what):
            self._docker.stop(timeout=timeout)

    def remove(self) -> None:
        """Safe to call twice."""
        try:
            self._made.stop(force=True, delete_volume=True)
        except docker.errors.NotFound:
            return

    @property
    def _docker(self) -> DockerModel:
        return self._made.get_wrapped_container()


def _options(blueprint: Blueprint, owner: Owner) -> dict[str, Any]:
    options: dict[str, Any] = {
        "labels": owner.labels(blueprint.purpose),
        "stdin_open": blueprint.stdin,
        "dns": [_NO_RESOLVER],
        "init": False,
        "security_opt": ["no-new-privileges"] if blueprint.restricted else [],
    }
    if blueprint.entry_point:
        options["entrypoint"] = list(blueprint.entry_point)
    if blueprint.groups:
        options["group_add"] = [str(group) for group in blueprint.groups]
    if blueprint.restricted:
        options |= {
            "cap_drop": ["ALL"],
            "user": "65534:65534",
            "read_only": True,
            "sysctls": {"net.ipv4.ip_forward": "0"},
        }
    return options
