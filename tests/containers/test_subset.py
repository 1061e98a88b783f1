"""A test instance of chosen projects in containers: made out of nothing, filled by an import, upgraded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.containers.jobs import Job, in_containers
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.ownership import RUN

CHOSEN = ("Storefront", "Maintenance scripts")
SUBSET = f"""approach = "subset"
projects = {json.dumps(CHOSEN)}
export_from_main = true"""
#: Made, proven and upgraded. What comes after it does not know where the instance came from; tests/journeys rehearses a
#: subset as a whole.
FEATURES = ("features/03_clone_the_test_instance.feature", "features/04_upgrade_the_test_instance.feature:26")


@pytest.fixture(scope="module")
def job(engine: Engine, images: None, tmp_path_factory: pytest.TempPathFactory) -> Job:
    versions = ("--main-version", "2021.1.7500", "--target", "2021.3.12912")
    return in_containers(engine, tmp_path_factory.mktemp("subset"), *FEATURES, *versions, more=SUBSET)


def test_it_is_made_proven_and_upgraded(job: Job) -> None:
    assert set(job.ran.scenarios().values()) == {"passed"}, job.ran.output
    [subset] = job.ran.events("subset")
    assert set(CHOSEN) <= set(subset["projects"])
    environment: dict[str, Any] = {
        name: value for event in job.ran.events("environment") for name, value in event.items()
    }
    assert "none was reached" in environment["Network of the clone"]
    assert "Octopus Server image 2021.3.12912" in environment


def test_nothing_of_it_is_left(job: Job, engine: Engine) -> None:
    chosen: Any = {"label": f"{RUN}={job.run}"}
    client: Any = engine.client

    assert client.containers.list(all=True, filters=chosen) == []
    assert client.networks.list(filters=chosen) == []
    assert job.watched.volumes_left == set()
