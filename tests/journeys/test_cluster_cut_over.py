"""The cut-over of a main instance of two nodes behind a load balancer, killed at each of its points."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from tests.journeys.conftest import one_of_each
from tests.support.load_balancer import LoadBalancer, balancing
from tests.support.standing import (
    AFTER_THE_UPGRADE,
    HOP,
    LIVING,
    ORIGIN,
    TARGET,
    THE_WAY_BACK,
    TO_THE_UPGRADE,
    Moment,
    Standing,
    approved_installers,
    approver_key,
    moments_of,
    nodes_of,
    upgrade_settings,
    version_of,
)
from tidegate.cutover.beginning import cut_over
from tidegate.cutover.procedure import DRAIN, OPEN, STOP, installing, starting, upgrading
from tidegate.errors import HarnessError
from tidegate.lab import Lab
from tidegate.octopus.start_up import answers
from tidegate.rehearsal.main import describe_main
from tidegate.settings import EmbeddedSettings, load
from tidegate.settings.model import EmbeddedMainHostSettings
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.history import installation_history
from tidegate.sqlserver.image import image_differences

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(
        not hasattr(os, "mkfifo"), reason="the lab's server cannot be started again without named pipes"
    ),
]

WORKING = {"MAIN": (True, True), "MAIN-2": (True, True)}


@dataclass
class Cluster(Standing):
    """``nodes`` are the addresses of each node itself, the leading one first."""

    nodes: tuple[str, str]
    balancer: LoadBalancer

    def installations(self) -> set[tuple[str, str | None]]:
        with SqlServer(self.main.database.server, self.main.database.name) as server:
            return {(one.node, one.version) for one in installation_history(server)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    key, installers = approver_key(), approved_installers(folder)
    with Lab(folder / "lab", EmbeddedSettings(version=ORIGIN), nodes=2, filler=one_of_each) as lab:
        file = lab.start(lambda _: None).settings
        alone = load(file).main
        assert alone is not None
        assert isinstance(alone.host, EmbeddedMainHostSettings)
        nodes = (alone.url, alone.host.other_nodes[0].url)
        with balancing(*nodes) as balancer:
            text = file.read_text(encoding="utf-8").replace(f'url = "{nodes[0]}"', f'url = "{balancer.url}"')
            text = text.replace("[main.host]\n", f'[main.host]\nurl = "{nodes[0]}"\n')
            file.write_text(text + upgrade_settings(key), encoding="utf-8")
            settings = load(file)
            assert settings.main is not None
            yield Cluster(folder, file, describe_main(settings.main), key, installers, nodes, balancer)


def test_a_node_that_is_not_named_is_in_the_way(cluster: Cluster) -> None:
    settings = load(cluster.settings)
    assert settings.main is not None
    assert isinstance(settings.main.host, EmbeddedMainHostSettings)
    first = settings.main.host.model_copy(update={"other_nodes": ()})
    one = settings.model_copy(update={"main": settings.main.model_copy(update={"host": first})})

    with pytest.raises(HarnessError, match=r"2 nodes run, and \[main.host\] does not name MAIN-2"):
        cut_over(one, cluster.approve("one-of-two"), cluster.folder / "one-of-two", lambda _: None)

    assert nodes_of(cluster.main) == WORKING


def moments(of_a_cluster: Sequence[str], of_all: Sequence[str]) -> pytest.MarkDecorator:
    """Where a cluster is handled otherwise than a single node; every other point is met by one node's cut-overs."""
    chosen = [pytest.param(of_a_cluster, id="of a cluster"), pytest.param(of_all, id="all", marks=pytest.mark.thorough)]
    return pytest.mark.parametrize("steps", chosen)


@moments([DRAIN, STOP, installing(HOP)], TO_THE_UPGRADE)
def test_killed_at_points_on_the_way_there_and_back_every_node_is_what_it_was(
    cluster: Cluster, steps: Sequence[str]
) -> None:
    before, approval = cluster.image(), cluster.approve(f"killed-{len(steps)}")

    cluster.kill_at_each(approval, *moments_of(*steps), Moment("done", upgrading(HOP), before=True))
    assert [answers(node) for node in cluster.nodes] == [False, False], "no node runs while the first one upgrades"
    assert cluster.balancer.asked[""] > 0, "somebody asked the load balancer meanwhile"
    cluster.kill_at_each(approval, *moments_of(*THE_WAY_BACK))
    code, output = cluster.cut_over(approval)

    assert code == 1, output
    assert "ROLLED-BACK" in output
    assert ([version_of(node) for node in cluster.nodes], cluster.closed()) == ([ORIGIN, ORIGIN], False)
    assert nodes_of(cluster.main) == WORKING
    assert [one for one in image_differences(before, cluster.image()) if not one.startswith(LIVING)] == []


@moments([starting(HOP), OPEN], AFTER_THE_UPGRADE)
def test_killed_at_points_after_the_upgrade_the_other_node_follows_and_all_can_still_be_led_back(
    cluster: Cluster, steps: Sequence[str]
) -> None:
    approval = cluster.approve(f"killed-later-{len(steps)}")

    cluster.kill_at_each(approval, Moment("begun", starting(HOP)))
    between = cluster.installations()
    cluster.kill_at_each(approval, *moments_of(*steps)[1:])
    code, output = cluster.cut_over(approval)

    assert ("MAIN", str(TARGET)) in between
    assert ("MAIN-2", str(TARGET)) not in between, "the first node upgraded alone"
    assert code == 0, output
    assert ([version_of(node) for node in cluster.nodes], cluster.closed()) == ([TARGET, TARGET], False)
    assert nodes_of(cluster.main) == WORKING
    assert ("MAIN-2", str(TARGET)) in cluster.installations()
    assert all(cluster.balancer.asked[node] > 100 for node in cluster.nodes), cluster.balancer.asked

    code, output = cluster.cut_over(approval, "--roll-back")

    assert code == 1, output
    assert [version_of(node) for node in cluster.nodes] == [ORIGIN, ORIGIN]
    assert nodes_of(cluster.main) == WORKING
