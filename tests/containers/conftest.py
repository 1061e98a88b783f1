"""Tests on a real Docker engine, with images of the stand-ins. Without an engine each says that it was skipped."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.journeys.runs import REPOSITORY
from tidegate.errors import UsageError
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.network import IsolatedNetwork
from tidegate.providers.containers.ownership import Owner
from tidegate.providers.containers.reaper import remove_run
from tidegate.providers.containers.surroundings import Surroundings
from tidegate.settings import ContainerSettings

#: The images that scripts/stand-in-images builds.
SETTINGS = ContainerSettings(
    accept_eula=True,
    octopus_image="tidegate/octopus-stand-in:{version}",
    sql_server_image="tidegate/sqlserver-stand-in:2019",
    gateway_image="tidegate/stand-in-base:latest",
    start_timeout=120,
    free_disk=1,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.containers)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    try:
        made = Engine()
    except UsageError as error:
        pytest.skip(f"CONTAINERS ARE NOT TESTED: {error.what}")
    yield made
    made.close()


@pytest.fixture(scope="session")
def images(engine: Engine) -> None:
    """Built from this tree; where nothing changed, Docker's cache makes that a matter of seconds."""
    built = subprocess.run([REPOSITORY / "scripts" / "stand-in-images"], capture_output=True, text=True, check=False)
    if built.returncode == 2:  # what only the user can change, such as being root
        pytest.skip(f"CONTAINERS ARE NOT TESTED: {built.stderr.strip()}")
    assert built.returncode == 0, built.stderr


@pytest.fixture
def surroundings(engine: Engine, images: None, request: pytest.FixtureRequest) -> Iterator[Surroundings]:
    """An owner and a network of the test's own; whatever carries the owner's label is gone afterwards."""
    owner = Owner.of(f"test-{abs(hash(request.node.nodeid)):x}", timedelta(hours=1))
    made = Surroundings(engine, IsolatedNetwork(owner, SETTINGS.gateway_image), owner, SETTINGS)
    yield made
    remove_run(engine.client, owner.run)
