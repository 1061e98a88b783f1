"""What a container with another image must be given to be the same otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Where an image has its say: a container that says the same did not ask for it.
_DEFAULTS: Final = (
    *("Cmd", "Entrypoint", "WorkingDir", "User", "Volumes", "ExposedPorts", "Healthcheck"),
    *("StopSignal", "Shell", "OnBuild", "ArgsEscaped"),
)


def successor(
    container: Mapping[str, Any], image: Mapping[str, Any], name: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    """The body of Docker's *create container* for one like ``container`` with the image called ``name``.

    ``container`` and its own ``image`` are as `docker inspect` tells them. What the container has from its image it is
    to have from the new one; everything else stays: environment, ports, networks, limits, and every volume, those
    without a name as well. ``labels`` are added.
    """
    own: Mapping[str, Any] = image.get("Config") or {}
    wanted: dict[str, Any] = dict(container["Config"])
    for default in _DEFAULTS:
        if default in wanted and wanted[default] == own.get(default):
            del wanted[default]
    wanted["Image"] = name
    environment: list[str] = wanted.get("Env") or []
    wanted["Env"] = [entry for entry in environment if entry not in (own.get("Env") or [])]
    labelled: dict[str, str] = wanted.get("Labels") or {}
    inherited: dict[str, str] = own.get("Labels") or {}
    wanted["Labels"] = {key: value for key, value in labelled.items() if inherited.get(key) != value} | dict(labels)
    wanted["HostConfig"] = _host(container)
    networks = networks_of(container)
    first = next(iter(networks), None)  # older engines take one network here; the others are joined afterwards
    wanted["NetworkingConfig"] = {"EndpointsConfig": {first: networks[first]} if first else {}}
    return wanted


def networks_of(container: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Network → how the container is joined to it, without what Docker made up for this container alone."""
    own = {str(container["Id"])[:12]}
    found: dict[str, dict[str, Any]] = {}
    for name, endpoint in container["NetworkSettings"]["Networks"].items():
        named: list[str] = endpoint.get("Aliases") or []
        aliases = [alias for alias in named if alias not in own]
        found[name] = {"Aliases": aliases, "IPAMConfig": endpoint.get("IPAMConfig"), "Links": endpoint.get("Links")}
    return found


def _host(container: Mapping[str, Any]) -> dict[str, Any]:
    host: dict[str, Any] = dict(container["HostConfig"])
    binds: list[str] = list(host.get("Binds") or [])
    mounts: list[dict[str, str]] = list(host.get("Mounts") or [])
    named = {bind.split(":")[1] for bind in binds} | {mount["Target"] for mount in mounts}
    every: list[dict[str, str]] = list(container.get("Mounts") or [])
    nameless = [one for one in every if one["Type"] == "volume" and one["Destination"] not in named]
    host["Binds"] = [*binds, *(f"{one['Name']}:{one['Destination']}" for one in nameless)]
    return host
