"""The whole rehearsal, the same features as everywhere, with SQL Server and Octopus Server in containers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.containers.conftest import SETTINGS
from tests.journeys.runs import REPOSITORY, rehearse
from tests.unit.process.inner import Ran
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.ownership import RUN


@dataclass(frozen=True, slots=True)
class Job:
    ran: Ran
    nodes: int

    @property
    def run(self) -> str:
        return self.ran.run_folder.name


def in_containers(folder: Path, *, nodes: int, keep: str = "never", features: str = "features/") -> Job:
    settings = folder / "settings.toml"
    settings.write_text(
        "\n".join(
            [
                "[test_instance]",
                'provider = "containers"',
                f"nodes = {nodes}",
                f'keep = "{keep}"',
                "[containers]",
                "accept_eula = true",
                *(
                    f'{name} = "{getattr(SETTINGS, name)}"'
                    for name in ("octopus_image", "sql_server_image", "gateway_image")
                ),
                "free_disk = 1",
            ]
        ),
        encoding="utf-8",
    )
    ran, _, _ = rehearse(features, "--settings", str(settings), reports=folder / "reports", timeout=900)
    return Job(ran, nodes)


@pytest.fixture(scope="module")
def one_node(engine: Engine, images: None, tmp_path_factory: pytest.TempPathFactory) -> Job:
    return in_containers(tmp_path_factory.mktemp("one-node"), nodes=1)


def test_ends_approved_with_every_scenario_there_is(one_node: Job) -> None:
    assert (one_node.ran.exit_code, one_node.ran.verdict["outcome"]) == (0, "approved"), one_node.ran.output
    features = (REPOSITORY / "features").glob("*.feature")
    assert len(one_node.ran.scenarios()) == sum(
        file.read_text(encoding="utf-8").count("Scenario:") for file in features
    )
    assert set(one_node.ran.scenarios().values()) == {"passed"}


def test_the_evidence_names_the_images_by_their_content(one_node: Job, engine: Engine) -> None:
    facts: dict[str, Any] = {}
    for event in one_node.ran.events("environment"):
        facts |= event

    for version in ("2018.12.1", "2021.1.7500"):
        image = engine.client.images.get(f"tidegate/octopus-stand-in:{version}")
        assert facts[f"Octopus Server image {version}"] == image.id
    assert "sha256:" in facts["SQL Server image"]
    assert "none was reached" in facts["Network of the clone"]


def test_nothing_is_left_of_what_is_not_kept(one_node: Job, engine: Engine) -> None:
    chosen: Any = {"label": f"{RUN}={one_node.run}"}
    client: Any = engine.client

    assert client.containers.list(all=True, filters=chosen) == []
    assert client.networks.list(filters=chosen) == []
    assert client.volumes.list(filters=chosen) == []
    assert not (one_node.ran.run_folder / "instances").exists()
