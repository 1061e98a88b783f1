"""The whole rehearsal, the same features as everywhere, with SQL Server and Octopus Server in containers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.containers.conftest import NEW_NODES, OLD_NODES
from tests.containers.jobs import Job, in_containers
from tests.containers.watching import SECRET_VARIABLES
from tests.journeys.runs import REPOSITORY, leaks
from tidegate.observation.store import Snapshot
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.ownership import RUN


def facts_of(job: Job) -> dict[str, Any]:
    """What the evidence tells of where the run took place."""
    facts: dict[str, Any] = {}
    for event in job.ran.events("environment"):
        facts |= event
    return facts


@pytest.fixture(scope="module")
def one_node(engine: Engine, images: None, tmp_path_factory: pytest.TempPathFactory) -> Job:
    return in_containers(engine, tmp_path_factory.mktemp("one-node"), "features/", keep="on-failure")


@pytest.fixture(scope="module")
def two_nodes(engine: Engine, lively_image: str, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """To a version that refuses to upgrade while nodes run, so that the order of the cluster matters."""
    return in_containers(
        engine,
        tmp_path_factory.mktemp("two-nodes"),
        *("features/", "--main-version", str(OLD_NODES), "--target", str(NEW_NODES)),
        nodes=2,
        octopus_image=lively_image,
    )


@pytest.fixture(params=["one_node", "two_nodes"])
def job(request: pytest.FixtureRequest) -> Job:
    made: Job = request.getfixturevalue(request.param)
    return made


def test_ends_approved_with_every_scenario_there_is(job: Job) -> None:
    assert (job.ran.exit_code, job.ran.verdict["outcome"]) == (0, "approved"), job.ran.output
    features = (REPOSITORY / "features").glob("*.feature")
    assert len(job.ran.scenarios()) == sum(file.read_text(encoding="utf-8").count("Scenario:") for file in features)
    assert set(job.ran.scenarios().values()) == {"passed"}


def test_each_node_of_a_cluster_is_upgraded_works_and_is_asked(two_nodes: Job) -> None:
    folder = two_nodes.ran.run_folder

    assert facts_of(two_nodes)["Nodes of the clone"] == "TEST-1, TEST-2"
    for name, version in (("before-1", OLD_NODES), ("after", NEW_NODES)):
        snapshot = Snapshot(folder / "snapshots" / f"{name}.sqlite")
        summary = snapshot.one("octopusservernodes/summary")
        assert snapshot.version == str(version)
        assert summary is not None
        nodes = {one["Name"]: (one["IsOffline"], one["IsInMaintenanceMode"]) for one in summary.json["Nodes"]}
        assert nodes == {"TEST-1": (False, False), "TEST-2": (False, False)}
    [log] = (folder / "logs").glob("*.log")
    assert "- PASS: No other node is running" in log.read_text(encoding="utf-8")
    logs = [one["name"] for one in two_nodes.ran.events("attachment")]
    assert {"test instance, octopus-test-1.log", "test instance, octopus-test-2.log"} <= set(logs)


def test_the_evidence_names_the_images_by_their_content(one_node: Job, engine: Engine) -> None:
    facts = facts_of(one_node)

    for version in ("2018.12.1", "2021.1.7500"):
        image = engine.client.images.get(f"tidegate/octopus-stand-in:{version}")
        assert facts[f"Octopus Server image {version}"] == image.id
    assert "sha256:" in facts["SQL Server image"]
    assert "none was reached" in facts["Network of the clone"]


def test_nothing_is_left_of_what_is_not_kept(job: Job, engine: Engine) -> None:
    chosen: Any = {"label": f"{RUN}={job.run}"}
    client: Any = engine.client

    assert client.containers.list(all=True, filters=chosen) == []
    assert client.networks.list(filters=chosen) == []
    assert client.volumes.list(filters=chosen) == []
    assert job.watched.volumes_left == set()
    assert not (job.ran.run_folder / "instances").exists()


def test_secrets_are_where_the_images_want_them_and_nowhere_else(job: Job) -> None:
    secrets = job.watched.secrets() | job.seen.secrets

    assert set(job.watched.environment) >= SECRET_VARIABLES
    public = "\n".join([*job.watched.public, *job.seen.command_lines])
    assert "octopus-test" in public, "nothing was watched"
    assert [secret for secret in secrets if secret in public] == []
    others = [
        name
        for name, values in job.watched.environment.items()
        if name not in SECRET_VARIABLES and any(secret in value for value in values for secret in secrets)
    ]
    assert others == []
    assert leaks(job.ran.run_folder, secrets) == []
    assert [secret for secret in secrets if secret in job.ran.output] == []
