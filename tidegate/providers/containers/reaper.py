"""Finds and removes what rehearsals left on the Docker engine, by the labels everything carries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final, cast

import docker.errors
from docker import DockerClient as Client

from tidegate.providers.containers.engine import border
from tidegate.providers.containers.ownership import RUN, Labels

_OWNED: Final = {"label": RUN}


def remove_run(client: Client, run: str) -> list[str]:
    """Everything of one run, whatever its expiry; what was removed, in words."""
    return _remove(client, lambda labels: labels.run == run)


def remove_expired(client: Client, now: datetime) -> list[str]:
    """Everything whose time is over, of whatever run; nothing without our labels is ever touched."""
    return _remove(client, lambda labels: labels.expires <= now)


def _remove(client: Client, chosen: Callable[[Labels], bool]) -> list[str]:
    """Containers before the networks and volumes they use."""
    done: list[str] = []
    with border("removing what a rehearsal left"):
        for kind, things in _owned(client):
            for thing in things:
                labels = Labels.read(_labels(thing))
                if labels is None or not chosen(labels):
                    continue
                try:
                    if kind == "container":
                        thing.remove(force=True, v=True)
                    else:
                        thing.remove()
                except docker.errors.NotFound:
                    continue
                done.append(f"{kind} {thing.name} of {labels.run}")
    return done


def _owned(client: Client) -> Iterator[tuple[str, Iterable[Any]]]:
    # Docker's own stubs disagree about filters; the three methods take the same.
    resources = cast("Any", client)
    yield "container", resources.containers.list(all=True, filters=_OWNED, ignore_removed=True)
    yield "network", resources.networks.list(filters=_OWNED)
    yield "volume", resources.volumes.list(filters=_OWNED)


def _labels(thing: Any) -> dict[str, str] | None:
    attributes: dict[str, Any] = thing.attrs
    configured: dict[str, Any] = attributes.get("Config") or attributes
    return configured.get("Labels") or attributes.get("Labels")
