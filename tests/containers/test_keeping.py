"""What stays of a run in containers, for how long, and how it goes: `[test_instance] keep`."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.containers.jobs import Job, in_containers
from tests.containers.watching import SECRET_VARIABLES
from tidegate.command import main
from tidegate.octopus.client import OctopusClient
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.ownership import EXPIRES, RUN
from tidegate.providers.containers.reaper import remove_expired

_KINDS = ("containers", "networks", "volumes")
CLONE = ("features/03_clone_the_test_instance.feature", "-k", "runs_the_version")


def left_of(engine: Engine, job: Job) -> dict[str, dict[str, Any]]:
    """Name → labels of everything of the run that is on the engine."""
    client, chosen = cast("Any", engine.client), {"label": f"{RUN}={job.run}"}
    containers = client.containers.list(all=True, filters=chosen)
    things = [*client.networks.list(filters=chosen), *client.volumes.list(filters=chosen)]
    found = {container.name: container.labels for container in containers}
    found |= {thing.name: thing.attrs["Labels"] for thing in things}
    return {name.removeprefix(f"tidegate-{job.run}-"): labels for name, labels in found.items()}


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """A collection of the engine in which there is nothing but what one run made."""

    all: Any
    run: str

    def list(self, *, filters: dict[str, str], **how: Any) -> list[Any]:
        return self.all.list(filters={"label": [filters["label"], f"{RUN}={self.run}"]}, **how)


def only(job: Job, engine: Engine) -> Any:
    """The engine's client as if the job's run were the only one: other tests' things expire as well, by the date that
    is tried here."""
    client = cast("Any", engine.client)
    return SimpleNamespace(**{kind: _Narrowed(getattr(client, kind), job.run) for kind in _KINDS})


@pytest.fixture(scope="module")
def kept(engine: Engine, images: None, tmp_path_factory: pytest.TempPathFactory) -> Job:
    return in_containers(engine, tmp_path_factory.mktemp("kept"), *CLONE, keep="always")


def test_a_run_whose_instance_is_kept_ends_as_any_other(kept: Job) -> None:
    """Processes that nobody waited for once turned it into a failure of the harness."""
    assert set(kept.ran.scenarios().values()) == {"passed"}
    assert kept.ran.exit_code == 10, "only a part of the features was run"
    assert "Warning" not in kept.ran.output
    assert kept.seen.alive() == [], "what is no container has ended"


def test_what_is_kept_works_and_says_whose_it_is_and_until_when(kept: Job, engine: Engine) -> None:
    [clone] = kept.ran.events("clone")
    left = left_of(engine, kept)

    assert set(left) == {
        *("sqlserver", "octopus-test", "gateway-sqlserver", "gateway-octopus-test"),
        *("inside", "outside", "sqlserver-data"),
    }
    expiries = {datetime.fromisoformat(labels[EXPIRES]) for labels in left.values()}
    assert len(expiries) == 1
    [expires] = expiries
    assert f"kept until {expires:%Y-%m-%d %H:%M} UTC: docker ps --filter label={RUN}={kept.run}" in kept.ran.output
    with OctopusClient(clone["url"], None) as client:
        assert str(client.server().version) == "2018.12.1"
    assert set(kept.watched.environment) >= SECRET_VARIABLES
    public = "\n".join(kept.watched.public)
    assert [secret for secret in kept.watched.secrets() if secret in public] == []


def test_it_stays_until_it_expires_and_then_leaves_no_volume_behind(
    kept: Job, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_REPORTS__FOLDER", str(kept.ran.run_folder.parent))
    left = left_of(engine, kept)
    expires = max(datetime.fromisoformat(labels[EXPIRES]) for labels in left.values())

    assert main(["reap", "--settings", str(kept.settings)]) == 0
    assert left_of(engine, kept) == left

    told = remove_expired(only(kept, engine), expires)
    assert len([one for one in told if kept.run in one]) == len(left)
    assert left_of(engine, kept) == {}
    assert kept.watched.volumes_left, "the image's own volume has no label"
    assert not kept.watched.volumes_left & {volume.name for volume in cast("Any", engine.client).volumes.list()}


def test_on_failure_a_run_that_failed_is_kept(
    engine: Engine, images: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """That a run which passed is not is seen in the rehearsal with one node."""
    name = "tidegate/octopus-stand-in-broken:{version}"
    recipe = 'FROM tidegate/octopus-stand-in:2018.12.1\nENTRYPOINT ["false"]\n'
    for version in ("2018.12.1", "2021.1.7500"):
        engine.client.images.build(fileobj=io.BytesIO(recipe.encode()), tag=name.format(version=version), rm=True)

    job = in_containers(engine, tmp_path_factory.mktemp("failed"), *CLONE, keep="on-failure", octopus_image=name)

    left = left_of(engine, job)
    assert job.ran.exit_code == 10
    assert {"sqlserver", "gateway-sqlserver", "sqlserver-data"} <= set(left), "the database can be looked at"
    assert "kept until " in job.ran.output
    remove_expired(only(job, engine), max(datetime.fromisoformat(labels[EXPIRES]) for labels in left.values()))
    assert left_of(engine, job) == {}
