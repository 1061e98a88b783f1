"""Servers that do not come up say why; what runs left is found by its labels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.containers.conftest import SETTINGS
from tidegate.errors import ProvisioningFailed, UpgradeFailed
from tidegate.providers.containers.container import Blueprint, Container
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.host import ContainerHost
from tidegate.providers.containers.network import IsolatedNetwork
from tidegate.providers.containers.ownership import Owner
from tidegate.providers.containers.reaper import remove_expired, remove_run
from tidegate.providers.containers.sql_server import ContainerSqlServer
from tidegate.providers.containers.surroundings import Surroundings
from tidegate.providers.leftovers import Leftovers, dead_runs, remove_leftovers
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.versions import Version


def test_a_sql_server_that_answers_no_query_is_told_with_its_last_lines(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    """An image that listens and logs, but speaks no TDS."""
    impostor = "tidegate/octopus-stand-in:2018.12.1"
    wanted = SETTINGS.model_copy(update={"sql_server_image": impostor, "start_timeout": 10})

    with pytest.raises(ProvisioningFailed) as caught:
        _ = ContainerSqlServer(replace(surroundings, wanted=wanted), tmp_path).host

    assert "ended with exit code 1" in caught.value.what
    assert "DB_CONNECTION_STRING must be set" in caught.value.what
    assert caught.value.where == impostor


def test_octopus_that_does_not_start_is_told_with_its_last_lines(surroundings: Surroundings, tmp_path: Path) -> None:
    sql_server = ContainerSqlServer(surroundings, tmp_path / "sql")
    host = ContainerHost(
        surroundings, sql_server, tmp_path / "volumes", node_name="TEST", prove=surroundings.network.prove_isolated
    )
    address = sql_server.host.address
    key = Secret.generated("a key", "AAAAAAAAAAAAAAAAAAAAAA==")
    host.install(Version(2018, 12, 1))
    host.configure(DatabaseAddress(address, "OctopusDeploy"), key)
    url = host.start(timeout=120)
    assert url.startswith("http://127.0.0.1:")
    assert "none was reached" in host.isolation
    host.stop()
    assert "The server has stopped" in host.server_log()

    host.configure(DatabaseAddress(address, "OctopusDeploy"), Secret.generated("another", "BBBBBBBBBBBBBBBBBBBBBA=="))
    with pytest.raises(UpgradeFailed) as caught:
        host.start(timeout=120)

    assert "ended with exit code" in caught.value.what
    assert "master key" in caught.value.what
    with SqlServer(address) as server:  # unharmed
        assert server.value("SELECT DB_ID('OctopusDeploy')") is not None
    assert address.password.reveal() not in host.server_log()


def test_what_a_dead_run_left_is_removed_and_nothing_else(
    engine: Engine, surroundings: Surroundings, tmp_path: Path
) -> None:
    dead = tmp_path / "reports" / "dead-run"
    journal = dead / "provisioned.jsonl"
    Leftovers(dead).containers(surroundings.owner.run)
    journal.write_text(journal.read_text().replace('"started": ', '"started": 1'), encoding="utf-8")
    sleeping(surroundings)
    other = Owner.of("another-run", timedelta(hours=1))
    apart = replace(surroundings, owner=other, network=IsolatedNetwork(other, SETTINGS.gateway_image))
    bystander = sleeping(apart)
    assert list(dead_runs(tmp_path / "reports")) == [dead]

    removed = [one.what for one in remove_leftovers(dead)]

    assert any("container" in what and "sleeper" in what for what in removed)
    assert any("network" in what for what in removed)
    assert bystander.exit_code is None
    assert not journal.exists()
    assert {what.split()[0] for what in remove_run(engine.client, other.run)} == {"container", "network"}


def test_only_what_has_expired_is_reaped(engine: Engine, surroundings: Surroundings) -> None:
    before = datetime.now(UTC)
    short = replace(surroundings.owner, expires=before - timedelta(minutes=1))
    expired = sleeping(replace(surroundings, owner=replace(short, run=short.run + "-x")))
    living = sleeping(surroundings)

    removed = remove_expired(engine.client, before)

    assert any("sleeper" in what for what in removed)
    assert expired.exit_code == -1
    assert living.exit_code is None


def sleeping(around: Surroundings) -> Container:
    blueprint = Blueprint(SETTINGS.gateway_image, "sleeper", command=["sleep", "600"])
    return Container(blueprint, around.owner, around.network.inside)
