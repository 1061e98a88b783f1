"""The clone's network leads nowhere, and whoever opens it is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.errors import ProvisioningFailed
from tidegate.providers.containers.container import Blueprint, Container
from tidegate.providers.containers.surroundings import Surroundings

BASE = "tidegate/stand-in-base:latest"


@pytest.fixture
def inhabitant(surroundings: Surroundings) -> Container:
    """A container with a server on port 8000, reachable from here."""
    container = Container(
        Blueprint(BASE, "inhabitant", command=["python3", "-m", "http.server", "8000"], alias="inhabitant"),
        surroundings.owner,
        surroundings.network.inside,
    )
    surroundings.network.publish("inhabitant", 8000)
    return container


def test_nothing_outside_is_reached(surroundings: Surroundings, inhabitant: Container) -> None:
    told = surroundings.network.prove_isolated(inhabitant, [("192.0.2.7", 443)])

    assert "4 places outside were tried and none was reached" in told


def test_a_place_that_answers_is_noticed(surroundings: Surroundings, inhabitant: Container) -> None:
    with pytest.raises(ProvisioningFailed, match="not cut off: from inside it one reaches inhabitant:8000"):
        surroundings.network.prove_isolated(inhabitant, [("inhabitant", 8000)])


def test_a_place_that_refuses_is_noticed_too(surroundings: Surroundings, inhabitant: Container) -> None:
    with pytest.raises(ProvisioningFailed, match="inhabitant:9"):
        surroundings.network.prove_isolated(inhabitant, [("inhabitant", 9)])


def test_a_second_network_is_noticed(surroundings: Surroundings, inhabitant: Container) -> None:
    bridge: Any = surroundings.engine.client.networks.get("bridge")
    bridge.connect(inhabitant.identifier)

    with pytest.raises(ProvisioningFailed, match="not in the internal network alone"):
        surroundings.network.prove_isolated(inhabitant)


def test_ports_are_published_on_this_machine_only(surroundings: Surroundings, inhabitant: Container) -> None:
    client = surroundings.engine.client
    gateway = client.containers.get(surroundings.owner.name("gateway-inhabitant"))

    [bound] = gateway.attrs["HostConfig"]["PortBindings"]["8000/tcp"]
    assert bound["HostIp"] == "127.0.0.1"
    assert not inhabitant.attributes["HostConfig"]["PortBindings"]
    assert gateway.attrs["HostConfig"]["CapDrop"] == ["ALL"]
