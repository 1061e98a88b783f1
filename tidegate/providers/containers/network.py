"""The network of a clone: nothing leads out of it, one gateway a server leads in, and a proof of both.

Docker publishes no port of a container that is in an internal network only, so each server that must be reached from
here has a gateway: a container that forwards one port, joined to the internal network and to a second one through which
127.0.0.1 reaches it. The gateway forwards inwards only; the second network is not masqueraded, so that not even the
gateway gets an answer from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, final

import docker.errors
from testcontainers.core.network import Network

from tidegate.errors import ProvisioningFailed
from tidegate.providers.containers import forwarder
from tidegate.providers.containers.container import Blueprint, Container
from tidegate.providers.containers.engine import border
from tidegate.providers.containers.ownership import Owner
from tidegate.waiting import wait_until

#: The bridge gets no address on this machine: what runs here, perhaps the main instance, cannot be reached either.
_NO_HOST_ADDRESS: Final = {"com.docker.network.bridge.inhibit_ipv4": "true"}
_NO_MASQUERADE: Final = {"com.docker.network.bridge.enable_ip_masquerade": "false"}
_SCRIPT: Final = "/forwarder.py"
_START: Final = 60.0
#: Seconds of patience for the places outside, which are tried at the same time.
_PATIENCE: Final = 3
#: Arguments: seconds, then host and port of each place. Who refuses a connection was reached as well.
_TRIAL: Final = """
patience=$1; shift; number=0; export LC_ALL=C
while [ $# -gt 0 ]; do
    (timeout "$patience" bash -c 'exec 3<>"/dev/tcp/$0/$1" && echo connected' "$1" "$2" 2>&1 | sed "s/^/$number: /") &
    shift 2; number=$((number + 1))
done
wait
"""
_ANSWERED: Final = re.compile(r"^(\d+): (?:connected|.*Connection refused)", re.MULTILINE | re.IGNORECASE)


@final
class IsolatedNetwork:
    """Two Docker networks and the gateways between them; made when first used."""

    def __init__(self, owner: Owner, gateway_image: str) -> None:
        self._owner = owner
        self._image = gateway_image
        self._inside: Network | None = None
        self._outside: Network | None = None
        self._gateways: dict[str, Container] = {}

    @property
    def inside(self) -> Network:
        """The internal network."""
        if self._inside is None:
            self._inside = self._create("inside", internal=True, options=_NO_HOST_ADDRESS)
        return self._inside

    def publish(self, alias: str, port: int) -> int:
        """The port of 127.0.0.1 that leads to ``port`` of the container called ``alias``, whenever that runs."""
        if alias not in self._gateways:
            self._gateways[alias] = self._gateway(alias, port)
        return self._gateways[alias].host_port

    def prove_isolated(self, container: Container, others: Iterable[tuple[str, int]] = ()) -> str:
        """Try to get out of ``container``, by the addresses nearest outside and by ``others`` (host and port).

        Returns a sentence for the evidence. Raises :class:`ProvisioningFailed` when anything outside was reached, when
        the container is in a network besides the internal one, or when the trial itself does not work.
        """
        inside = _inspected(self.inside)
        joined = set(container.attributes["NetworkSettings"]["Networks"])
        if not inside.get("Internal") or joined != {self.inside.name}:
            raise ProvisioningFailed(f"{container.what} is not in the internal network alone: {', '.join(joined)}")
        alias, gateway = next(iter(self._gateways.items()))
        networks = gateway.attributes["NetworkSettings"]["Networks"]
        port = _port_of(gateway)
        if not all(_reached(container, [(networks[self.inside.name]["IPAddress"], port)])):
            raise ProvisioningFailed(f"the network cannot be proven: {container.what} does not reach even {alias}")
        outside = self._outside
        assert outside is not None, "a gateway without its network"
        tried = [
            ("this machine", str(inside["IPAM"]["Config"][0]["Gateway"]), 22),
            ("this machine by the other network", str(_inspected(outside)["IPAM"]["Config"][0]["Gateway"]), 22),
            ("the gateway's other side", str(networks[outside.name]["IPAddress"]), port),
            *((f"{host}:{number}", host, number) for host, number in others),
        ]
        answers = _reached(container, [(host, number) for _, host, number in tried])
        reached = [what for (what, _, _), answered in zip(tried, answers, strict=True) if answered]
        if reached:
            raise ProvisioningFailed(
                f"the clone's network is not cut off: from inside it one reaches {', '.join(reached)}",
                next_step="the clone was stopped; check the engine's network configuration",
            )
        return f"internal; from inside it {len(tried)} places outside were tried and none was reached"

    def remove(self) -> None:
        """Safe to call twice; the containers in it must be gone."""
        for gateway in self._gateways.values():
            gateway.remove()
        self._gateways.clear()
        for network in (self._inside, self._outside):
            if network is not None:
                with border(f"the network {network.name}"):
                    _remove(network)
        self._inside = self._outside = None

    def _gateway(self, alias: str, port: int) -> Container:
        if self._outside is None:
            self._outside = self._create("outside", internal=False, options=_NO_MASQUERADE)
        gateway = Container(
            Blueprint(
                self._image,
                f"gateway-{alias}",
                entry_point=["python3", "-u", "-c", Path(forwarder.__file__).read_text(encoding="utf-8")],
                command=[str(port), alias, str(port)],
                published=port,
                restricted=True,
            ),
            self._owner,
            self._outside,
        )
        try:
            with border(gateway.what):
                self.inside.connect(gateway.identifier)
            wait_until(
                lambda: _listens(gateway), timeout=_START, what=f"{gateway.what} to listen", describe=gateway.last_lines
            )
        except BaseException:
            gateway.remove()
            raise
        return gateway

    def _create(self, name: str, *, internal: bool, options: dict[str, str]) -> Network:
        network = Network(
            docker_network_kw={
                "driver": "bridge",
                "internal": internal,
                "options": options,
                "labels": self._owner.labels(name),
            }
        )
        network.name = self._owner.name(name)
        with border(f"the network {network.name}"):
            return network.create()


def _listens(gateway: Container) -> bool:
    if gateway.exit_code is not None:
        raise ProvisioningFailed(f"{gateway.what} ended while starting:\n{gateway.last_lines()}")
    return "forwarding" in gateway.log_text()


def _reached(container: Container, places: Sequence[tuple[str, int]]) -> list[bool]:
    """Which of them answer a connection from inside the container, be it by a refusal. The image needs bash."""
    arguments = [text for host, port in places for text in (host, str(port))]
    code, output = container.run(["bash", "-c", _TRIAL, "bash", str(_PATIENCE), *arguments])
    if code != 0:
        raise ProvisioningFailed(f"the network cannot be proven: {container.what} has no bash: {output.strip()}")
    answers = {int(found[1]) for found in re.finditer(_ANSWERED, output)}
    return [number in answers for number, _ in enumerate(places)]


def _port_of(gateway: Container) -> int:
    command: Sequence[str] = gateway.attributes["Config"]["Cmd"]
    return int(command[0])


def _inspected(network: Network) -> dict[str, Any]:
    with border(f"the network {network.name}"):
        model = network._unwrap_network  # pyright: ignore[reportPrivateUsage] -- no other way to its attributes
        model.reload()
        return model.attrs


def _remove(network: Network) -> None:
    try:
        network.remove()
    except docker.errors.NotFound:
        return
