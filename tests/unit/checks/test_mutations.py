"""The grammar of mutations: every operation leaves another value, at its place and nowhere else."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from benchmarks.mutations.mutation import Asked, Mutation, Reply, named_by
from benchmarks.mutations.proxy import Proxy
from benchmarks.mutations.values import at_path, changed, named, operations, paths_in

IDS = {"Projects": ["Projects-1", "Projects-2"]}
DOCUMENT: dict[str, Any] = {
    "Id": "Projects-1", "Name": "Web shop", "IsDisabled": False, "Order": 3, "Empty": None, "Tags": ["a", "b"],
    "ProjectId": "Projects-2", "Created": "2020-01-02T03:04:05.000+00:00",
    "Password": {"HasValue": True, "NewValue": None}, "Steps": [{"Name": "Say"}], "Links": {"Self": "/api"},
}  # fmt: skip


def every_operation() -> list[tuple[str, str]]:
    found = [(path, value) for path, value in paths_in(DOCUMENT)]
    return [(".".join(map(str, path)), one) for path, value in found for one in operations(value, path, IDS)]


@pytest.mark.parametrize(("where", "operation"), every_operation())
def test_every_operation_changes_its_place_and_nothing_else(where: str, operation: str) -> None:
    path, value = next((path, value) for path, value in paths_in(DOCUMENT) if ".".join(map(str, path)) == where)

    mutated = at_path(DOCUMENT, path, operation, changed(value, operation, Random(1), IDS))

    assert mutated != DOCUMENT
    assert {name for name in DOCUMENT if name != path[0]} <= mutated.keys()
    assert all(mutated[name] == DOCUMENT[name] for name in DOCUMENT if name != path[0])
    assert named(path) in where


def test_ids_and_links_are_left_to_others() -> None:
    assert {path[0] for path, _ in paths_in(DOCUMENT)}.isdisjoint({"Id", "Links"})


def test_the_right_place_holds_all_words_of_one_alternative() -> None:
    places = (("projects", "Name"), ("Projects-1",))

    assert named_by(places, "projects/*: Name (7 of them)")
    assert named_by(places, "teams: Projects-1")
    assert not named_by(places, "projects/Projects-2: Description")


class Still(Proxy):
    """A proxy whose server answers at once."""

    def forward(self, asked: Asked) -> Reply:
        return Reply(200, [("Content-Type", "application/json")], b'{"Name": "Web shop"}')


@pytest.mark.parametrize(("body", "acted"), [(b'{"Name": "Billing"}', True), (b'{"Name":"Web shop"}', False)])
def test_the_proxy_knows_whether_a_mutation_changed_anything(body: bytes, acted: bool) -> None:
    proxy = Still({"API-1": "administrator"}, "Spaces-1")
    proxy.mutation = Mutation("x", "x", (), lambda asked, forward: Reply(200, forward(asked).headers, body))

    proxy.handle(proxy.asked("GET", "/api/Spaces-1/projects/Projects-1", {"X-Octopus-ApiKey": "API-1"}, b""))

    assert proxy.acted is acted


def test_who_asks_is_known_by_the_key() -> None:
    proxy = Proxy({"API-1": "administrator"}, "Spaces-1")

    asked = [proxy.asked("GET", "/api", headers, b"").user for headers in ({}, {"x-octopus-apikey": "API-1"})]

    assert asked == ["nobody", "administrator"]
