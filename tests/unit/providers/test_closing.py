"""What a run provided ends in every outcome; what could not be removed stays written down for the next run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.unit.providers.docker_engine import Answers, docker_engine
from tidegate.errors import ProvisioningFailed, TidegateError, Unreachable
from tidegate.journal_lines import entries_of
from tidegate.process_identity import still_runs
from tidegate.providers.closing import close_all
from tidegate.providers.provision import Provision, provision
from tidegate.secrets import Secret
from tidegate.settings import Settings


def test_every_step_is_taken_and_the_first_error_is_raised() -> None:
    taken: list[str] = []

    def fails(what: str) -> None:
        taken.append(what)
        raise ProvisioningFailed(f"{what} fails")

    with pytest.raises(ProvisioningFailed, match="the host fails") as raised:
        close_all(lambda: fails("the host"), lambda: taken.append("the feed"), lambda: fails("the engine"))

    assert taken == ["the host", "the feed", "the engine"]
    assert raised.value.__notes__ == ["after that: ProvisioningFailed: the engine fails"]


def test_nothing_is_raised_when_nothing_fails() -> None:
    taken: list[str] = []

    close_all(lambda: taken.append("one"), lambda: taken.append("two"))

    assert taken == ["one", "two"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Path]:
    """A run's folder; whatever is still running of it is ended."""
    folder = tmp_path / "run-1"
    yield folder
    for process in processes(folder):
        if still_runs(process):
            psutil.Process(process["pid"]).kill()


def processes(run: Path) -> list[dict[str, Any]]:
    return [entry for entry in entries_of(run / "provisioned.jsonl") if entry["kind"] == "process"]


def closed_with_trouble(made: Provision, run: Path) -> TidegateError:
    """The error of a close; the feed, which is a local process, must have ended nevertheless."""
    made.feed()
    with pytest.raises(TidegateError) as raised:
        made.close()
    assert [process["what"] for process in processes(run)] == ["the download feed"]
    assert not any(still_runs(process) for process in processes(run))
    assert not (run / "instances").exists()
    return raised.value


def test_local_servers_end_though_the_docker_engine_fails(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, run: Path
) -> None:
    with docker_engine(tmp_path_factory.mktemp("d") / "s", Answers(run)) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        made = provision(Settings.model_validate({"test_instance": {"provider": "containers"}}), run)

        error = closed_with_trouble(made, run)

    assert isinstance(error, ProvisioningFailed)
    assert "removing what a rehearsal left" in error.what


def test_local_servers_end_though_the_clone_s_sql_server_is_gone(tmp_path: Path, run: Path) -> None:
    for name in ("host", "share", "backups"):
        (tmp_path / name).mkdir()
    settings = {
        "test_instance": {"provider": "host"},
        "sql_server": {"login_timeout": 1},
        "host": {
            "folder": str(tmp_path / "host"),
            "server_folders": {"on_host": str(tmp_path / "share")},
            "sql_server": {
                "server": "127.0.0.1,9",
                "user": "sa",
                "password": Secret.generated("a password of the test", "Tg1!closing"),
                "data_folder": "/data",
                "backups": {"on_server": str(tmp_path / "backups")},
            },
        },
    }
    made = provision(Settings.model_validate(settings), run)
    made.test_host()

    error = closed_with_trouble(made, run)

    assert isinstance(error, Unreachable)
    assert [one["kind"] for one in entries_of(run / "provisioned.jsonl")].count("host") == 1
