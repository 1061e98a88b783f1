"""The cut-over of a main instance whose nodes are installed services, over SSH."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.sshd import Sshd, needs_sshd
from tests.support.standing import (
    HOP,
    ORIGIN,
    TARGET,
    Moment,
    Standing,
    moments_of,
    nodes_of,
    version_of,
)
from tests.wire.hosts.main_on_host import INSTANCE, assert_back, free_address, installed_main, machine_of
from tidegate.cutover.beginning import cut_over
from tidegate.cutover.procedure import DRAIN, installing, starting, upgrading
from tidegate.doctor.examined import State
from tidegate.doctor.machine import examine_looks
from tidegate.errors import HarnessError
from tidegate.octopus.downloads import DownloadFeed
from tidegate.octopus.start_up import answers
from tidegate.providers.contract import SqlServerHost
from tidegate.providers.hosts.host import HostPlace, ServerHost
from tidegate.providers.hosts.installed import looks_at_machine
from tidegate.providers.hosts.installer import Installer
from tidegate.providers.hosts.linux import Linux
from tidegate.providers.hosts.reach import Reach
from tidegate.settings import load

pytestmark = [pytest.mark.journey, needs_sshd]


@pytest.fixture(scope="module")
def standing(
    sshd: Sshd, loopback: Reach, sql_server: SqlServerHost, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    with installed_main(sshd, loopback, sql_server, tmp_path_factory.mktemp("main-on-host")) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(standing: Standing, loopback: Reach, sql_server: SqlServerHost) -> Iterator[Standing]:
    """The main instance, from now on with a second node: another installation, over the same database and folders."""
    settings = load(standing.settings)
    assert settings.main is not None
    assert settings.feed.url is not None
    root, url, name = standing.folder / "second", free_address(), f"{INSTANCE}-second"
    feed = DownloadFeed(settings.feed.url)
    installer = Installer(loopback, Linux(), lambda: feed, str(standing.folder / "installers"), root / "downloads")
    folders = standing.main.folders
    place = HostPlace(str(root), folders, folders, url, "SECOND", name, service=True)
    host = ServerHost(loopback, Linux(), place, sql_server, installer)
    try:
        host.install(ORIGIN)
        host.configure(standing.main.database, standing.main.master_key)
        host.start()
        file = standing.folder / "cluster.toml"
        other = f'''[[main.host.other_nodes]]
url = "{url}"
instance = "{name}"
install_folder = "{root / "install"}"
home = "{root / "home"}"
[feed]'''
        file.write_text(standing.settings.read_text(encoding="utf-8").replace("[feed]", other), encoding="utf-8")
        yield replace(standing, settings=file)
    finally:
        host.remove()


def second_of(cluster: Standing) -> str:
    return str(machine_of(cluster).nodes[1].url)


def test_the_doctor_looks_at_the_machine_of_every_node(cluster: Standing) -> None:
    looked = list(examine_looks(looks_at_machine(machine_of(cluster))))

    assert [one.state for one in looked] == [State.GOOD] * 8, looked


def test_a_cluster_of_which_one_node_is_named_is_refused(standing: Standing, cluster: Standing) -> None:
    with pytest.raises(HarnessError, match=r"2 nodes run, and \[main.host\] does not name SECOND"):
        cut_over(load(standing.settings), standing.approve("one-of-two"), standing.folder / "refused", lambda _: None)

    assert nodes_of(cluster.main) == {"MAIN": (True, True), "SECOND": (True, True)}


def test_a_cluster_killed_in_the_middle_of_its_upgrade_is_led_back_on_every_machine(cluster: Standing) -> None:
    before, approval = cluster.image(), cluster.approve("cluster-killed")

    cluster.kill_at_each(approval, *moments_of(DRAIN, installing(HOP)), Moment("done", upgrading(HOP), before=True))
    assert not answers(second_of(cluster)), "no node runs while the first one upgrades"
    code, output = cluster.cut_over(approval)

    assert code == 1, output
    assert_back(cluster, before)
    assert version_of(second_of(cluster)) == ORIGIN
    assert nodes_of(cluster.main) == {"MAIN": (True, True), "SECOND": (True, True)}


def test_a_cluster_killed_between_its_machines_goes_on_and_upgrades_the_others(cluster: Standing) -> None:
    approval = cluster.approve("cluster")

    cluster.kill_at_each(approval, *moments_of(starting(HOP)))
    code, output = cluster.cut_over(approval)

    assert code == 0, output
    assert (cluster.version(), version_of(second_of(cluster)), cluster.closed()) == (TARGET, TARGET, False)
    assert nodes_of(cluster.main) == {"MAIN": (True, True), "SECOND": (True, True)}
