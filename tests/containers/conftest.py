"""Tests on a real Docker engine, with images of the stand-ins. Without an engine each says that it was skipped."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.journeys.runs import REPOSITORY
from tidegate.errors import UsageError
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.network import IsolatedNetwork
from tidegate.providers.containers.ownership import Owner
from tidegate.providers.containers.reaper import remove_run
from tidegate.providers.containers.surroundings import Surroundings
from tidegate.settings import ContainerSettings
from tidegate.versions import Version

#: The images that scripts/stand-in-images builds.
SETTINGS = ContainerSettings(
    accept_eula=True,
    octopus_image="tidegate/octopus-stand-in:{version}",
    sql_server_image="tidegate/sqlserver-stand-in:2019",
    gateway_image="tidegate/stand-in-base:latest",
    start_timeout=120,
    free_disk=1,
)

#: Two versions of a cluster. From the second on, a server refuses to upgrade while it sees nodes that run
#: (OctopusDeploy/Issues#8241).
OLD_NODES, NEW_NODES = Version(2023, 1, 9794), Version(2023, 2, 9755)
#: Versions that the tests need, beside those that scripts/stand-in-images makes without being asked.
_VERSIONS: Final = ("2018.12.1", "2020.6.4671", "2021.1.7500", "2021.3.12912", str(OLD_NODES), str(NEW_NODES))


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
    script = REPOSITORY / "scripts" / "stand-in-images"
    built = subprocess.run([script, *_VERSIONS], capture_output=True, text=True, check=False)
    if built.returncode == 2:  # what only the user can change, such as being root
        pytest.skip(f"CONTAINERS ARE NOT TESTED: {built.stderr.strip()}")
    assert built.returncode == 0, built.stderr


@pytest.fixture(scope="session")
def lively_image(engine: Engine, images: None) -> str:
    """A server whose nodes give signs of life twice a second, and so count as gone after some seconds, not minutes."""
    name = "tidegate/octopus-stand-in-lively:{version}"
    for version in (OLD_NODES, NEW_NODES):
        recipe = f"FROM tidegate/octopus-stand-in:{version}\nENV OCTOPUS_STANDIN_HEARTBEAT=0.5\n"
        engine.client.images.build(fileobj=io.BytesIO(recipe.encode()), tag=name.format(version=version), rm=True)
    return name


@pytest.fixture
def surroundings(engine: Engine, images: None, request: pytest.FixtureRequest) -> Iterator[Surroundings]:
    """An owner and a network of the test's own; whatever carries the owner's label is gone afterwards."""
    owner = Owner.of(f"test-{abs(hash(request.node.nodeid)):x}", timedelta(hours=1))
    made = Surroundings(engine, IsolatedNetwork(owner, SETTINGS.gateway_image), owner, SETTINGS)
    yield made
    remove_run(engine.client, owner.run)
