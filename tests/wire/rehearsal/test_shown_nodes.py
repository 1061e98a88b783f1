"""What an instance says about its nodes, and waiting until it says so of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.wire.rehearsal.small_octopus import API_KEY, SmallOctopus, small_octopus
from tidegate.errors import UpgradeFailed
from tidegate.octopus.client import OctopusClient
from tidegate.octopus.nodes import await_nodes, running, shown_nodes, working
from tidegate.secrets import Secret

KEY = Secret.generated("an API key", API_KEY)
ONE = {"Id": "OctopusServerNodes-ONE", "Name": "ONE", "IsOffline": False, "IsInMaintenanceMode": False}
DRAINED = {"Id": "OctopusServerNodes-TWO", "Name": "TWO", "IsOffline": False, "IsInMaintenanceMode": True}


class Newer(SmallOctopus):
    """From 2019.1 on only the summary says whether a node is offline."""

    def answer(self, path: str) -> Any:
        if path == "/api/octopusservernodes/summary":
            return {"Nodes": [{**ONE, "IsOffline": True}, DRAINED]}
        return super().answer(path)


@pytest.fixture
def older() -> Iterator[SmallOctopus]:
    with small_octopus() as octopus:
        octopus.nodes = [ONE, DRAINED]
        yield octopus


def test_the_list_tells_where_there_is_no_summary(older: SmallOctopus) -> None:
    with OctopusClient(older.url, KEY) as client:
        found = {str(node["Name"]): (running(node), working(node)) for node in shown_nodes(client)}

    assert found == {"ONE": (True, True), "TWO": (True, False)}


def test_the_summary_tells_where_there_is_one() -> None:
    with small_octopus(Newer(nodes=[ONE])) as octopus, OctopusClient(octopus.url, KEY) as client:
        assert [running(node) for node in shown_nodes(client)] == [False, True]


def test_waits_for_no_longer_than_every_node_is_good(older: SmallOctopus) -> None:
    await_nodes(older.url, KEY, ["one", "TWO"], running, "run", patience=0)


@pytest.mark.parametrize("missing", ["TWO", "THREE"], ids=["it is drained", "nobody knows it"])
def test_a_node_that_takes_no_work_or_is_not_known_is_named(older: SmallOctopus, missing: str) -> None:
    with pytest.raises(UpgradeFailed, match=f"^{missing}, of 2 nodes, does not take work after 0 s"):
        await_nodes(older.url, KEY, ["ONE", missing], working, "take work", patience=0)
