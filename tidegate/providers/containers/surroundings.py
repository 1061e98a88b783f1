"""What every container of one run shares."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.network import IsolatedNetwork
from tidegate.providers.containers.ownership import Owner
from tidegate.settings.model import ContainerSettings


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where containers are started, in which network, in whose name, and what the user wants of them."""

    engine: Engine
    network: IsolatedNetwork
    owner: Owner
    wanted: ContainerSettings
