"""A host that was there before is stopped, and neither made, configured nor deleted."""

from __future__ import annotations

import pytest

from tidegate.errors import HarnessError
from tidegate.providers.standing import StandingHost
from tidegate.rehearsal.instances import DatabaseAddress, SqlServerAddress
from tidegate.secrets import Secret


class Found(StandingHost):
    def __init__(self) -> None:
        super().__init__("the main machine")
        self.stopped = 0

    @property
    def node_name(self) -> str:
        return "MAIN"

    def stop(self) -> None:
        self.stopped += 1


def test_it_is_one_node_that_was_given_nothing_yet() -> None:
    assert Found().node_names == ["MAIN"]
    assert Found().installed == {}


def test_its_sql_server_is_not_the_provider_s_to_give() -> None:
    with pytest.raises(HarnessError, match=r"named in \[main\.database\]"):
        _ = Found().sql_server


def test_it_is_configured_already() -> None:
    secret = Secret.generated("a secret of the test", "Tg1!configured")
    database = DatabaseAddress(SqlServerAddress("sql", "sa", secret), "OctopusDeploy")

    with pytest.raises(HarnessError, match="configured already") as refusal:
        Found().configure(database, secret)

    assert refusal.value.where == "the main machine"


def test_removing_it_stops_it() -> None:
    host = Found()

    host.remove()

    assert host.stopped == 1
