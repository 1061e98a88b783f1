"""The cut-over of a main instance that runs in a container, the way back, and containers that are not its own."""

from __future__ import annotations

import os
import secrets as random
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.containers.conftest import SETTINGS
from tests.support.load_balancer import balancing
from tests.support.ports import free_port
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
    moments_of,
    nodes_of,
    version_of,
)
from tidegate.cutover.beginning import cut_over
from tidegate.cutover.procedure import DRAIN, installing, starting, upgrading
from tidegate.errors import HarnessError, MainInstanceProtected
from tidegate.gate.signing import SigningKey
from tidegate.octopus.client import Access, OctopusClient
from tidegate.octopus.instance_configuration import ado_connection_string
from tidegate.octopus.start_up import answers
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.main_container import MainContainer
from tidegate.providers.containers.ownership import Owner
from tidegate.providers.containers.reaper import remove_run
from tidegate.rehearsal.folders import describe_folder
from tidegate.rehearsal.instances import DatabaseAddress, SqlServerAddress
from tidegate.rehearsal.main import describe_main
from tidegate.secrets import Secret
from tidegate.settings import load
from tidegate.settings.model import MainInContainerSettings
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.history import installation_history
from tidegate.sqlserver.image import image_differences
from tidegate.waiting import wait_until

#: Of this run alone: two on one engine are not in each other's way.
NAME, SECOND = f"tidegate-test-main-{os.getpid()}", f"tidegate-test-main-{os.getpid()}-second"
SERVICE = f"octopus-of-the-test-{os.getpid()}"
#: A container's start sets its administrator's password anew.
STARTED = (*LIVING, "rows of dbo.User:")
FOLDERS = {"/repository": "packages", "/artifacts": "artifacts", "/taskLogs": "task-logs"}


@dataclass
class Standings(Standing):
    """The main instance in a container, as somebody set it up long ago, and everything that belongs to it."""

    engine: Engine
    #: Adds a second node over the same database and folders, and returns its address.
    another: Callable[[], str]

    def container(self, name: str = NAME) -> dict[str, Any]:
        attributes: dict[str, Any] = cast("Any", self.engine.client).containers.get(name).attrs
        return attributes

    def of_the_service(self) -> list[str]:
        chosen = {"label": f"com.docker.compose.service={SERVICE}"}
        return sorted(one.name for one in cast("Any", self.engine.client).containers.list(all=True, filters=chosen))

    def files(self) -> dict[str, Any]:
        return {name: describe_folder(folder) for name, folder in self.main.folders.named().items()}


@pytest.fixture(scope="module")
def standing(engine: Engine, images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standings]:
    folder = tmp_path_factory.mktemp("main")
    owner = Owner.of(f"main-{folder.parent.name}", timedelta(hours=1))
    try:
        yield set_up(engine, owner, folder)
    finally:
        client: Any = engine.client
        made = client.containers.list(all=True, filters={"network": owner.name("network")})
        # To a container that a cut-over made, volumes without a name have one: they are not removed with it.
        volumes = {mount["Name"] for one in made for mount in one.attrs["Mounts"] if mount["Type"] == "volume"}
        for one in made:
            one.remove(force=True, v=True)
        for volume in client.volumes.list():
            if volume.name in volumes:
                volume.remove()
        remove_run(engine.client, owner.run)


def set_up(engine: Engine, owner: Owner, folder: Path) -> Standings:
    client: Any = engine.client
    network = client.networks.create(owner.name("network"), labels=owner.labels("network"))
    password = Secret.generated("a test's sa password", f"Tg1!{random.token_urlsafe(18)}")
    api_key = Secret.generated("a test's API key", f"API-{random.token_hex(14).upper()}")
    master_key = Secret.generated("a test's master key", b64encode(random.token_bytes(16)).decode())
    backups = folder / "backups"
    backups.mkdir()
    backups.chmod(0o2777)
    sql_port, port = free_port(), free_port()
    client.containers.run(
        SETTINGS.sql_server_image,
        detach=True,
        name=owner.name("sql"),
        hostname="sql",
        network=network.name,
        labels=owner.labels("sql"),
        environment={"ACCEPT_EULA": "Y", "MSSQL_SA_PASSWORD": password.reveal()},
        ports={"1433/tcp": ("127.0.0.1", sql_port)},
        volumes={str(backups): {"bind": "/backups", "mode": "rw"}},
        group_add=[str(os.getgid())],
    )
    inside = SqlServerAddress(f"{owner.name('sql')},1433", "sa", password, trust_server_certificate=True)
    mounts = {str(folder / here): {"bind": there, "mode": "rw"} for there, here in FOLDERS.items()}
    environment = {
        "ACCEPT_EULA": "Y",
        "DB_CONNECTION_STRING": ado_connection_string(DatabaseAddress(inside, "OctopusDeploy")),
        "MASTER_KEY": master_key.reveal(),
        "ADMIN_USERNAME": "admin",
        "ADMIN_PASSWORD": password.reveal(),
        "ADMIN_API_KEY": api_key.reveal(),
        "OCTOPUS_SERVER_NODE_NAME": "MAIN",
    }
    how: dict[str, Any] = {
        "detach": True,
        "stdin_open": True,
        "network": network.name,
        "volumes": mounts,
        "restart_policy": {"Name": "on-failure", "MaximumRetryCount": 5},  # SQL Server may take longer to start
    }
    image, labels = SETTINGS.octopus_image_of(ORIGIN), owner.labels("octopus")
    labelled = {**labels, "com.docker.compose.service": SERVICE}
    published = {"8080/tcp": ("127.0.0.1", port)}
    client.containers.run(image, name=NAME, labels=labelled, environment=environment, ports=published, **how)
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(url), timeout=120, what="the main instance to answer", poll=0.5)
    fill(url, api_key, folder)
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = SigningKey(Secret.generated("a test's signing key", private.decode()))
    file = folder / "settings.toml"
    file.write_text(settings_text(folder, url, sql_port, key.public), encoding="utf-8")
    for name, secret in {"api-key": api_key, "master-key": master_key, "sql-password": password}.items():
        (folder / name).write_text(secret.reveal(), encoding="utf-8")
        (folder / name).chmod(0o600)
    settings = load(file)
    assert settings.main is not None
    installers = {str(TARGET): engine.provide_image(SETTINGS.octopus_image_of(TARGET), lambda _: None)}

    def another() -> str:
        there = free_port()
        environment["OCTOPUS_SERVER_NODE_NAME"], published["8080/tcp"] = "SECOND", ("127.0.0.1", there)
        client.containers.run(image, name=SECOND, labels=labels, environment=environment, ports=published, **how)
        return f"http://127.0.0.1:{there}"

    return Standings(folder, file, describe_main(settings.main), key, installers, engine, another)


def fill(url: str, api_key: Secret, folder: Path) -> None:
    """A little of everything that a way back must not lose. Each cut-over looks at all of it, three times at least: the
    whole sample is cut over on the embedded main instance (tests/journeys/test_cut_over.py)."""
    with OctopusClient(url, api_key, access=Access.FULL) as client:
        for name in ("Test", "Live"):
            client.post("/api/environments", {"Name": name})
        client.post("/api/projectgroups", {"Name": "Shop"})
    for here in FOLDERS.values():
        (folder / here / "something.txt").write_text(here, encoding="ascii")


def settings_text(folder: Path, url: str, sql_port: int, approver: str) -> str:
    return f"""
[main]
url = "{url}"
api_key = "file:{folder}/api-key"
master_key = "file:{folder}/master-key"
[main.database]
server = "127.0.0.1,{sql_port}"
name = "OctopusDeploy"
user = "sa"
password = "file:{folder}/sql-password"
trust_server_certificate = true
[main.folders]
packages = "{folder}/packages"
artifacts = "{folder}/artifacts"
task_logs = "{folder}/task-logs"
[main.backup_folder]
on_server = "/backups"
here = "{folder}/backups"
[main.host]
provider = "containers"
service = "{SERVICE}"
[containers]
accept_eula = true
octopus_image = "{SETTINGS.octopus_image}"
[upgrade]
target = "{TARGET}"
[reports]
folder = "{folder}/reports"
[[approval.approvers]]
name = "Ada"
key = "{approver}"
"""


def test_only_the_container_that_says_it_is_the_main_instance_is_taken(standing: Standings, tmp_path: Path) -> None:
    network = next(iter(standing.container()["NetworkSettings"]["Networks"]))
    sql = network.removesuffix("network") + "sql"
    before = standing.container(sql)["State"]

    def chosen(**wanted: str) -> MainContainer:
        host = MainInContainerSettings(provider="containers", **cast("Any", wanted))
        return MainContainer(standing.engine, host, SETTINGS, standing.main, tmp_path)

    with pytest.raises(MainInstanceProtected, match="is not the main instance's"):
        chosen(container=sql)
    with pytest.raises(HarnessError, match="there is no container"):
        chosen(container="nobody")
    with pytest.raises(HarnessError, match="there is: none"):
        chosen(service=SERVICE, project="another")
    assert standing.container(sql)["State"] == before
    assert list(tmp_path.iterdir()) == [], "nothing is remembered about it"
    assert chosen(container=NAME).node_name == "MAIN"


def test_a_cut_over_killed_at_each_point_there_and_back_gets_the_very_container_back(standing: Standings) -> None:
    approval, before, files = standing.approve("killed"), standing.image(), standing.files()
    original = standing.container()

    standing.kill_at_each(approval, *moments_of(*TO_THE_UPGRADE), Moment("done", upgrading(HOP), before=True))
    assert len(standing.of_the_service()) == 2, "the old container is put aside"
    standing.kill_at_each(approval, *moments_of(*THE_WAY_BACK))
    code, output = standing.cut_over(approval)

    assert code == 1, output
    assert "ROLLED-BACK" in output
    assert (standing.version(), standing.closed()) == (ORIGIN, False)
    assert standing.of_the_service() == [NAME]
    assert standing.container()["Id"] == original["Id"]
    assert standing.container()["HostConfig"]["RestartPolicy"] == original["HostConfig"]["RestartPolicy"]
    assert [one for one in image_differences(before, standing.image()) if not one.startswith(STARTED)] == []
    now = standing.files()
    assert (now["packages"], now["artifacts"]) == (files["packages"], files["artifacts"])
    lost = {one.path for one in files["task-logs"]} - {one.path for one in now["task-logs"]}
    assert lost == set(), "a server that starts and stops writes logs of its own tasks, and takes none away"


def test_a_cut_over_killed_at_each_point_after_the_upgrade_gives_the_container_a_new_image_and_nothing_else(
    standing: Standings,
) -> None:
    approval, original = standing.approve("whole"), standing.container()

    standing.kill_at_each(approval, Moment("done", upgrading(HOP)), *moments_of(*AFTER_THE_UPGRADE))
    code, output = standing.cut_over(approval)

    assert code == 0, output
    assert (standing.version(), standing.closed()) == (TARGET, False)
    assert standing.of_the_service() == [NAME], "verified: what was put aside is gone"
    upgraded = standing.container()
    assert upgraded["Config"]["Image"] == SETTINGS.octopus_image_of(TARGET)
    assert upgraded["Config"]["Hostname"] == original["Config"]["Hostname"]
    assert sorted(upgraded["Config"]["Env"]) == sorted(original["Config"]["Env"])
    for name in ("PortBindings", "RestartPolicy", "NetworkMode"):
        assert upgraded["HostConfig"][name] == original["HostConfig"][name]
    assert sources_of(upgraded) == sources_of(original), "the volumes without a name as well"
    written = "".join(one.read_text("utf-8", "replace") for one in standing.folder.glob("reports/*/*.json*"))
    for secret in (standing.main.api_key, standing.main.master_key, standing.main.database.server.password):
        assert secret.reveal() not in output
        assert secret.reveal() not in written


def test_a_cut_over_that_succeeded_can_still_be_led_back(standing: Standings) -> None:
    upgraded = standing.container()

    code, output = standing.cut_over(standing.folder / "whole.json", "--roll-back")

    assert code == 1, output
    assert (standing.version(), standing.closed()) == (ORIGIN, False)
    assert standing.of_the_service() == [NAME]
    assert standing.container()["Config"]["Image"] == SETTINGS.octopus_image_of(ORIGIN)
    assert sources_of(standing.container()) == sources_of(upgraded)
    with SqlServer(standing.main.database.server, standing.main.database.name) as server:
        assert str(TARGET) not in {one.version for one in installation_history(server)}


@pytest.fixture(scope="module")
def second(standing: Standings) -> str:
    """The main instance becomes a cluster; the address of its second node."""
    url = standing.another()
    wait_until(lambda: answers(url), timeout=120, what="the second node to answer", poll=0.5)
    return url


@pytest.fixture
def cluster(standing: Standings, second: str) -> Iterator[Standings]:
    """Known to everybody by the address of a load balancer."""
    text = standing.settings.read_text(encoding="utf-8")
    with balancing(standing.main.url, second) as balancer:
        file = standing.folder / "cluster.toml"
        text = text.replace(f'url = "{standing.main.url}"', f'url = "{balancer.url}"')
        file.write_text(text.replace(f'service = "{SERVICE}"', f'nodes = ["{NAME}", "{SECOND}"]'), encoding="utf-8")
        settings = load(file)
        assert settings.main is not None
        yield replace(standing, settings=file, main=describe_main(settings.main))


def test_a_cluster_of_which_one_node_is_named_is_refused_before_anything_is_touched(
    standing: Standings, cluster: Standings
) -> None:
    approval, before = standing.approve("one-of-two"), standing.container()

    with pytest.raises(HarnessError, match=r"2 nodes run, and \[main.host\] does not name SECOND"):
        cut_over(load(standing.settings), approval, standing.folder / "one-of-two", lambda _: None)

    assert nodes_of(cluster.main) == {"MAIN": (True, True), "SECOND": (True, True)}
    assert standing.container()["State"]["StartedAt"] == before["State"]["StartedAt"]


def test_a_cluster_killed_in_the_middle_of_its_upgrade_gets_all_its_containers_back(
    cluster: Standings, second: str
) -> None:
    approval, before = cluster.approve("cluster-killed"), cluster.image()
    originals = [cluster.container(name)["Id"] for name in (NAME, SECOND)]

    cluster.kill_at_each(approval, *moments_of(DRAIN, installing(HOP)), Moment("done", upgrading(HOP), before=True))
    assert not answers(second), "no node runs while the first one upgrades"
    code, output = cluster.cut_over(approval)

    assert code == 1, output
    assert (cluster.version(), version_of(second), cluster.closed()) == (ORIGIN, ORIGIN, False)
    assert [cluster.container(name)["Id"] for name in (NAME, SECOND)] == originals
    assert nodes_of(cluster.main) == {"MAIN": (True, True), "SECOND": (True, True)}
    assert [one for one in image_differences(before, cluster.image()) if not one.startswith(STARTED)] == []


def test_a_cluster_killed_between_its_nodes_goes_on_and_upgrades_the_others(cluster: Standings, second: str) -> None:
    approval = cluster.approve("cluster")

    cluster.kill_at_each(approval, Moment("begun", starting(HOP)))
    with SqlServer(cluster.main.database.server, cluster.main.database.name) as server:
        first = {(one.node, one.version) for one in installation_history(server)}
    assert ("MAIN", str(TARGET)) in first
    assert ("SECOND", str(TARGET)) not in first
    code, output = cluster.cut_over(approval)

    assert code == 0, output
    assert (cluster.version(), version_of(second), cluster.closed()) == (TARGET, TARGET, False)
    assert nodes_of(cluster.main) == {"MAIN": (True, True), "SECOND": (True, True)}
    for name in (NAME, SECOND):
        assert cluster.container(name)["Config"]["Image"] == SETTINGS.octopus_image_of(TARGET)
    left = cast("Any", cluster.engine.client).containers.list(all=True, filters={"name": f"{NAME}.*aside"})
    assert left == [], "verified: what was put aside is gone"


def sources_of(container: dict[str, Any]) -> dict[str, str]:
    return {mount["Destination"]: mount["Source"] for mount in container["Mounts"]}
