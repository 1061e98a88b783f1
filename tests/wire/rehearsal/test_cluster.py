"""Two nodes over one database: drained, stopped, backed up once, upgraded one after the other; and what is refused."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.support.new_instance import create_instance
from tidegate.errors import Refused, UpgradeFailed
from tidegate.octopus.client import OctopusClient
from tidegate.providers.cluster import HostCluster
from tidegate.providers.contract import CommandResult
from tidegate.providers.embedded import EmbeddedHost
from tidegate.providers.embedded_servers import EmbeddedFeed, EmbeddedSqlServer
from tidegate.providers.leftovers import Leftovers
from tidegate.rehearsal.instances import DatabaseAddress, Identity, TestInstance
from tidegate.rehearsal.readiness import assert_nobody_works
from tidegate.rehearsal.upgrade import upgrade_test_instance
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.history import installation_history, schema_journal
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.versions import Version
from tidegate.waiting import wait_until

#: From the target on, a server refuses to upgrade while it sees another node (OctopusDeploy/Issues#8241).
OLD, NEW = Version(2022, 1, 2875), Version(2023, 2, 9755)
API_KEY = "API-CLUSTERCLUSTERCLUSTERCLUS"


@dataclass
class Cluster:
    folder: Path
    first: EmbeddedHost
    second: EmbeddedHost
    host: HostCluster
    instance: TestInstance
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def restart(self, instance: TestInstance) -> None:
        self.instance = replace(instance, url=self.host.start())

    def journal(self) -> list[str]:
        with SqlServer(self.instance.database.server, self.instance.database.name) as server:
            return schema_journal(server)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running cluster of the old version without any data, whose nodes give signs of life four times a second."""
    folder = tmp_path_factory.mktemp("cluster")
    leftovers = Leftovers(folder)
    feed, sql_server = EmbeddedFeed(folder / "feed", leftovers), EmbeddedSqlServer(folder / "sql", leftovers)
    environment = {"OCTOPUS_STANDIN_HEARTBEAT": "0.25"}
    first, second = (
        EmbeddedHost(
            folder / name,
            lambda: feed.feed,
            leftovers,
            node_name=name.upper(),
            sql_server=sql_server,
            environment=environment,
            shared=folder / "shared",
        )
        for name in ("one", "two")
    )
    host = HostCluster([first, second])
    key = Secret.generated("the cluster's master key", b64encode(bytes(range(16))).decode())
    database = DatabaseAddress(sql_server.host.address, OwnedDatabase.make("clone").name)
    try:
        host.install(OLD)
        host.configure(database, key)
        create_instance(host, API_KEY, OLD)
        url = host.start()
        identity = Identity(url, "clone-id", database.server.server, database.name, "")
        api_key = Secret.generated("the cluster's API key", API_KEY)
        instance = TestInstance(url, api_key, OLD, database, host.folders, key, identity)
        yield Cluster(folder, first, second, host, instance, environment)
    finally:
        first.stop()
        second.stop()
        sql_server.stop()
        feed.stop()


def test_a_node_that_still_runs_is_refused_by_the_harness_and_by_the_server(cluster: Cluster) -> None:
    before = cluster.journal()
    cluster.first.stop()
    cluster.first.install(NEW)
    try:
        with pytest.raises(Refused, match="still in use"):
            assert_nobody_works(cluster.instance.database, ["ONE"])
        result = cluster.first.upgrade_database()
    finally:
        cluster.first.install(OLD)

    assert result.exit_code == 1
    assert "nodes appear to be running: TWO" in result.output
    assert cluster.journal() == before
    cluster.second.stop()


def test_of_two_upgrades_at_once_one_is_refused_and_the_other_comes_to_its_end(cluster: Cluster) -> None:
    cluster.host.stop()
    cluster.host.install(NEW)
    file = cluster.folder / "paused"
    cluster.environment |= {"OCTOPUS_STANDIN_PAUSE": "between scripts", "OCTOPUS_STANDIN_PAUSE_FILE": str(file)}
    results: list[CommandResult] = []
    thread = threading.Thread(target=lambda: results.append(cluster.host.upgrade_database()))
    thread.start()
    try:
        wait_until(file.exists, timeout=60, what="the first upgrade to begin")
        refused = cluster.second.upgrade_database()
    finally:
        file.unlink(missing_ok=True)
        thread.join()
        for name in ("OCTOPUS_STANDIN_PAUSE", "OCTOPUS_STANDIN_PAUSE_FILE"):
            del cluster.environment[name]

    assert refused.exit_code == 1
    assert "Another process is upgrading this database" in refused.output
    assert [result.ok for result in results] == [True], results[0].output


def test_the_cluster_runs_the_new_version_on_every_node(cluster: Cluster) -> None:
    url = cluster.host.start()

    with OctopusClient(url, cluster.instance.api_key) as client:
        nodes = client.get("/api/octopusservernodes/summary")["Nodes"]
    assert {(node["Name"], node["IsOffline"], node["IsInMaintenanceMode"]) for node in nodes} == {
        ("ONE", False, False),
        ("TWO", False, False),
    }
    with SqlServer(cluster.instance.database.server, cluster.instance.database.name) as server:
        installed = {(one.node, one.version) for one in installation_history(server)}
    assert {("ONE", str(NEW)), ("TWO", str(NEW))} <= installed


def test_a_node_left_behind_on_the_old_version_does_not_come_up(cluster: Cluster) -> None:
    cluster.host.stop()
    cluster.second.install(OLD)

    with pytest.raises(UpgradeFailed, match="stopped to protect your data"):
        cluster.host.start()

    cluster.second.install(NEW)
    cluster.restart(cluster.instance)


def test_the_next_upgrade_takes_one_backup_and_leaves_no_node_drained(cluster: Cluster) -> None:
    target = Version(2023, 3, 13181)
    instance = replace(cluster.instance, version=NEW)
    told: list[str] = []

    upgraded = upgrade_test_instance(
        instance,
        cluster.host,
        target,
        told.append,
        main=Identity("http://main.invalid", "main-id", "main.invalid", "OctopusDeploy", ""),
        logs=cluster.folder / "logs",
    )

    assert upgraded.instance.version == target
    assert len(list(cluster.first.sql_server.backups.here.glob("*.bak"))) == 1
    assert told.index("stopping the server") < told.index("backing up the database") < told.index(f"starting {target}")
    log = upgraded.log.read_text(encoding="utf-8")
    assert "- PASS: No other node is running" in log
    with OctopusClient(upgraded.instance.url, instance.api_key) as client:
        nodes = client.get("/api/octopusservernodes/summary")["Nodes"]
        assert {node["Name"] for node in nodes if not node["IsInMaintenanceMode"]} == {"ONE", "TWO"}
