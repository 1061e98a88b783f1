"""Runs of `pytest features/` whose test instance lives in containers, watched from outside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.containers.conftest import SETTINGS
from tests.containers.watching import EngineWatch, Watched
from tests.journeys.runs import Seen, rehearse
from tests.unit.process.inner import Ran
from tidegate.providers.containers.engine import Engine


@dataclass(frozen=True, slots=True)
class Job:
    ran: Ran
    seen: Seen
    watched: Watched
    settings: Path

    @property
    def run(self) -> str:
        return self.ran.run_folder.name


def in_containers(
    engine: Engine,
    folder: Path,
    *arguments: str,
    nodes: int = 1,
    keep: str = "never",
    octopus_image: str = SETTINGS.octopus_image,
    more: str = "",
) -> Job:
    """``keep`` and what else the settings say, ``more`` of them about the test instance; ``arguments`` are pytest's."""
    settings = folder / "settings.toml"
    wanted = SETTINGS.model_copy(update={"octopus_image": octopus_image})
    settings.write_text(
        "\n".join(
            [
                "[test_instance]",
                'provider = "containers"',
                f"nodes = {nodes}",
                f'keep = "{keep}"',
                more,
                "[containers]",
                "accept_eula = true",
                *(
                    f'{name} = "{getattr(wanted, name)}"'
                    for name in ("octopus_image", "sql_server_image", "gateway_image")
                ),
                "free_disk = 1",
            ]
        ),
        encoding="utf-8",
    )
    with EngineWatch(engine) as watched:
        ran, seen, _ = rehearse(*arguments, "--settings", str(settings), reports=folder / "reports", timeout=900)
    return Job(ran, seen, watched.of(ran.run_folder.name), settings)
