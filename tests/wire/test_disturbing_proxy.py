"""The proxy that disturbs: it changes what it is told to change, over HTTP, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.disturbing_proxy import Disturbance, choose, disturbing
from tests.support.serving import Handler, served

PROJECT = {"Id": "Projects-1", "Name": "Web", "IsDisabled": False, "Steps": [{"Name": "One"}, {"Name": "Two"}]}
OTHER = {**PROJECT, "Id": "Projects-2"}
BODIES: dict[str, Any] = {
    "/api/projects/Projects-1": PROJECT,
    "/api/projects/Projects-2": OTHER,
    "/api/projects": {"Items": [PROJECT, OTHER], "TotalResults": 2},
    "/api/projects/all": [PROJECT, OTHER],
}


class Upstream(Handler):
    def do_GET(self) -> None:
        self.answer_json(
            BODIES[self.path.partition("?")[0]], headers=[("X-Asked-As", self.headers.get("User-Agent", ""))]
        )


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with served(Upstream) as url:
        yield url


def get(upstream: str, disturbance: Disturbance, path: str, **more: Any) -> httpx.Response:
    with disturbing(upstream, [disturbance], **more) as url:
        return httpx.get(url + path, headers={"User-Agent": "a client"}, trust_env=False)


#: Kind, path, and what the project looks like then.
OF_THE_PROJECT: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    ("removed", ("Name",), {name: value for name, value in PROJECT.items() if name != "Name"}),
    ("retyped", ("Name",), {**PROJECT, "Name": {"Value": "Web"}}),
    ("emptied", ("Name",), {**PROJECT, "Name": None}),
    ("changed", ("IsDisabled",), {**PROJECT, "IsDisabled": True}),
    ("removed", ("Steps", "[]", "Name"), {**PROJECT, "Steps": [{}, {}]}),
]


@pytest.mark.parametrize(("kind", "path", "shown"), OF_THE_PROJECT)
def test_a_value_is_changed_where_it_is_and_nowhere_else(
    upstream: str, kind: str, path: tuple[str, ...], shown: Any
) -> None:
    disturbance = Disturbance(kind, "projects/*", path, "projects/Projects-1")

    here, there = (get(upstream, disturbance, f"/api/projects/Projects-{number}") for number in (1, 2))

    assert (here.status_code, here.json()) == (200, shown)
    assert there.json() == OTHER
    assert here.headers["X-Asked-As"] == "a client"


def test_lists_lose_an_entry_or_turn_round(upstream: str) -> None:
    shorter = get(upstream, Disturbance("dropped", "projects"), "/api/projects?take=5").json()
    turned = get(upstream, Disturbance("reordered", "projects/all"), "/api/projects/all").json()

    assert (shorter["TotalResults"], [item["Id"] for item in shorter["Items"]]) == (1, ["Projects-1"])
    assert [item["Id"] for item in turned] == ["Projects-2", "Projects-1"]


@pytest.mark.parametrize(("kind", "status"), [("forbidden", 403), ("failing", 500), ("gone", 404)])
def test_a_whole_family_is_refused(upstream: str, kind: str, status: int) -> None:
    answer = get(upstream, Disturbance(kind, "projects/*"), "/api/projects/Projects-2")

    assert (answer.status_code, list(answer.json())) == (status, ["ErrorMessage"])


def test_an_answer_is_no_json_or_slow(upstream: str) -> None:
    began = time.monotonic()
    slow = get(upstream, Disturbance("slow", "projects"), "/api/projects", delay=0.3)

    assert slow.json()["TotalResults"] == 2
    assert time.monotonic() - began >= 0.3
    assert get(upstream, Disturbance("not json", "projects"), "/api/projects").text.startswith("<html>")


def test_the_same_seed_chooses_the_same_families_once_each() -> None:
    seen = [(path.removeprefix("/api/"), body) for path, body in BODIES.items()]

    chosen = choose(seen, 3, seed=7)

    assert chosen == choose(seen, 3, seed=7)
    assert len({one.family for one in chosen}) == len(chosen)
