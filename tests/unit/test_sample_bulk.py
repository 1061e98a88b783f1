"""A large sample has as many resources as its size says, and the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import pytest

from standins.sample import bulk
from standins.sample.foundations import Foundations
from standins.sample.instance import Instance, Resource


class Counting:
    """Takes everything and counts it; what is made along with something is counted, too."""

    along: Mapping[str, int] = {"projects": 3, "libraryvariablesets": 1}  # process, variables, channel; variables

    def __init__(self) -> None:
        self.made: list[tuple[str, Resource]] = []
        self.resources = 0

    def post(self, path: str, body: Resource) -> Resource:
        self.made.append((path, body))
        self.resources += 1 + self.along.get(path, 0)
        number = len(self.made)
        return {
            **body, "Id": f"{path}-{number}", "DeploymentProcessId": f"process-{number}",
            "VariableSetId": f"variables-{number}",
        }  # fmt: skip

    def put(self, path: str, body: Resource) -> Resource:
        self.made.append((path, body))
        return body

    def create_all(self, path: str, bodies: Iterable[Resource]) -> list[Resource]:
        return [self.post(path, body) for body in bodies]

    def each(self, do: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [do(item) for item in items]


def foundations() -> Foundations:
    made = Foundations()
    made.lifecycles["Standard"] = {"Id": "Lifecycles-1"}
    for name in ("Development", "Test", "Staging", "Production"):
        made.environments[name] = {"Id": f"Environments-{name}"}
    return made


def built(seed: int, size: str, there: int = 700) -> Counting:
    instance = Counting()
    bulk.build(cast("Instance", instance), foundations(), seed, size, there=there, say=lambda _: None)
    return instance


@pytest.mark.parametrize("size", ["m", "l"])
def test_as_many_resources_as_the_size_says(size: str) -> None:
    assert built(1, size).resources + 700 == bulk.RESOURCES[size]


def test_the_smallest_has_nothing_more() -> None:
    assert built(1, "s").made == []


def test_the_same_seed_makes_the_same() -> None:
    assert built(7, "m").made == built(7, "m").made
    assert built(7, "m").made != built(8, "m").made
