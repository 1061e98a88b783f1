"""Two nodes in containers over one database: what they share, what is refused while one runs, and their upgrade."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.containers.conftest import NEW_NODES, OLD_NODES, SETTINGS
from tidegate.errors import Refused
from tidegate.octopus.client import OctopusClient
from tidegate.providers.cluster import HostCluster
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.host import ContainerHost
from tidegate.providers.containers.network import IsolatedNetwork
from tidegate.providers.containers.ownership import PURPOSE, RUN, Owner
from tidegate.providers.containers.reaper import remove_run
from tidegate.providers.containers.sql_server import ContainerSqlServer
from tidegate.providers.containers.surroundings import Surroundings
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.rehearsal.readiness import assert_nobody_works
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.history import installation_history


@dataclass(frozen=True, slots=True)
class Cluster:
    engine: Engine
    owner: Owner
    first: ContainerHost
    second: ContainerHost
    host: HostCluster
    database: DatabaseAddress

    def container_of(self, node: ContainerHost) -> dict[str, Any]:
        """As `docker inspect` tells it."""
        wanted = [f"{RUN}={self.owner.run}", f"{PURPOSE}=octopus-{node.node_name.lower()}"]
        client: Any = self.engine.client
        [found] = client.containers.list(filters={"label": wanted})
        attributes: dict[str, Any] = found.attrs
        return attributes


@pytest.fixture(scope="module")
def cluster(engine: Engine, lively_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running cluster of the old version, over a database that its first node made."""
    folder = tmp_path_factory.mktemp("cluster")
    owner = Owner.of(f"cluster-{folder.parent.name}-{folder.name}", timedelta(hours=1))
    wanted = SETTINGS.model_copy(update={"octopus_image": lively_image})
    network = IsolatedNetwork(owner, wanted.gateway_image)
    around = Surroundings(engine, network, owner, wanted)
    try:
        sql_server = ContainerSqlServer(around, folder / "sql")
        first, second = (
            ContainerHost(around, sql_server, folder / "volumes", node_name=name, prove=network.prove_isolated)
            for name in ("ONE", "TWO")
        )
        host = HostCluster([first, second])
        database = DatabaseAddress(sql_server.host.address, "OctopusDeploy")
        host.install(OLD_NODES)
        host.configure(database, Secret.generated("the cluster's key", b64encode(bytes(range(16))).decode()))
        first.upgrade_database()  # a container makes the database at its start; before, no node could be told anything
        first.stop()
        host.start()
        yield Cluster(engine, owner, first, second, host, database)
    finally:
        remove_run(engine.client, owner.run)


def test_nodes_share_volumes_and_key_and_nothing_else(cluster: Cluster) -> None:
    one, two = cluster.container_of(cluster.first), cluster.container_of(cluster.second)

    shared = [
        {mount["Destination"]: mount["Source"] for mount in node["Mounts"] if mount["Type"] == "bind"}
        for node in (one, two)
    ]
    assert shared[0] == shared[1]
    assert set(shared[0]) == {"/repository", "/artifacts", "/taskLogs", "/import", "/eventExports"}
    environments = [dict(entry.split("=", 1) for entry in node["Config"]["Env"]) for node in (one, two)]
    assert {name for name in environments[0] if environments[0][name] != environments[1][name]} == {
        "OCTOPUS_SERVER_NODE_NAME"
    }
    assert environments[0]["OCTOPUS_SERVER_NODE_NAME"] == "ONE"


def test_while_a_node_runs_the_harness_and_the_server_refuse_to_upgrade(cluster: Cluster) -> None:
    cluster.first.stop()
    cluster.first.install(NEW_NODES)
    try:
        with pytest.raises(Refused, match="still in use"):
            assert_nobody_works(cluster.database, ["ONE"])
        result = cluster.first.upgrade_database()
    finally:
        cluster.first.install(OLD_NODES)

    assert result.exit_code == 1
    assert "nodes appear to be running: TWO" in result.output
    assert ("ONE", str(NEW_NODES)) not in installations(cluster)


def test_the_first_node_upgrades_the_others_follow_and_all_of_them_work(cluster: Cluster) -> None:
    cluster.host.stop()
    cluster.host.install(NEW_NODES)

    result = cluster.host.upgrade_database()
    after_the_first = installations(cluster)
    url = cluster.host.start()

    assert result.ok, result.output
    assert ("ONE", str(NEW_NODES)) in after_the_first
    assert ("TWO", str(NEW_NODES)) not in after_the_first
    assert ("TWO", str(NEW_NODES)) in installations(cluster)
    with OctopusClient(url, None) as client:
        ping = client.send("GET", "/api/octopusservernodes/ping")
        assert (ping.status, client.server().version) == (200, NEW_NODES)
    with SqlServer(cluster.database.server, cluster.database.name) as server:
        rows = server.rows("SELECT Name, IsInMaintenanceMode FROM dbo.OctopusServerNode ORDER BY Name")
    assert [tuple(row) for row in rows] == [("ONE", False), ("TWO", False)], "nobody drains any more"


def installations(cluster: Cluster) -> set[tuple[str, str | None]]:
    with SqlServer(cluster.database.server, cluster.database.name) as server:
        return {(one.node, one.version) for one in installation_history(server)}
