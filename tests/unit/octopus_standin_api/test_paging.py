"""Collections: the envelope and its links."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standins.octopus.api.rendering import ALL, page, skip_and_take
from standins.octopus.api.requests import parse_query
from standins.octopus.contract import Call, Document
from tests.unit.octopus_standin_api.conftest import Client


def _call(url: str) -> Call:
    query = parse_query(url.partition("?")[2])
    return Call(None, None, "GET", {}, query, {}, None, (), None, None, url=url)  # pyright: ignore[reportArgumentType]


def _page(url: str, everything: list[int]) -> Document:
    call = _call(url)
    skip, take = skip_and_take(call)
    return page(call, "Thing", everything[skip : skip + take], len(everything))


@settings(deadline=None)  # a busy machine
@given(
    st.integers(0, 100),
    st.integers(1, 40),
    st.sampled_from(["", "&partialName=x", "&eventCategories=A,B&from=2020-01-01"]),
)
def test_following_the_pages_gives_everything_once(total: int, take: int, filters: str) -> None:
    everything = list(range(total))
    found: list[int] = []
    url: str | None = f"/api/things?take={take}{filters}"
    seen = 0
    while url is not None:
        shown = _page(url, everything)
        found += shown["Items"]
        assert shown["TotalResults"] == total
        assert shown["LastPageNumber"] == shown["NumberOfPages"] - 1
        for part in filters.strip("&").split("&"):
            assert part in shown["Links"]["Page.Current"]
        url = shown["Links"].get("Page.Next")
        seen += 1
    assert found == everything
    assert seen == max(1, -(-total // take))


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 40))
def test_last_page_ends_and_all_is_all(total: int, skip: int, take: int) -> None:
    links = _page(f"/api/things?skip={skip}&take={take}", list(range(total)))["Links"]

    last = parse_query(links["Page.Last"].partition("?")[2])
    assert int(last["skip"]) <= total <= int(last["skip"]) + take
    assert parse_query(links["Page.All"].partition("?")[2]) == {"skip": "0", "take": str(ALL)}
    assert ("Page.Previous" in links) == (skip > 0)
    assert ("Page.Next" in links) == (skip + take < total)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (0, 30)),
        ("?skip=5", (5, 30)),
        ("?TAKE=2147483647", (0, ALL)),
        ("?skip=-3&take=-1", (0, 0)),
        ("?skip=x&take=y", (0, 30)),
        ("?take=99999999999", (0, ALL)),
    ],
)
def test_skip_and_take(query: str, expected: tuple[int, int]) -> None:
    assert skip_and_take(_call(f"/api/things{query}")) == expected


@pytest.mark.parametrize("form", ["ids={0}%2C{1}", "ids={0},{1}", "ids={0}&ids={1}", "IDS={0},{1}"])
def test_ids_in_every_spelling_clients_use(serve: Callable[[str], Client], form: str) -> None:
    client = serve("2020.6.4671")
    made = [client.post("/api/environments", {"Name": name})["Id"] for name in ("A", "B", "C")]

    listed = client.get("/api/environments?" + form.format(made[0], made[2]))

    assert [item["Name"] for item in listed["Items"]] == ["A", "C"]
    assert listed["TotalResults"] == 2


def test_names_are_found_in_part_or_in_full(any_version: Client) -> None:
    for name in ("Web", "Web shop", "Back office"):
        any_version.post(
            "/api/projects", {"Name": name, "ProjectGroupId": "ProjectGroups-1", "LifecycleId": "Lifecycles-1"}
        )

    assert [item["Name"] for item in any_version.get("/api/projects?partialName=WEB")["Items"]] == ["Web", "Web shop"]
    assert [item["Name"] for item in any_version.get("/api/projects?name=web")["Items"]] == ["Web"]
    assert [item["Name"] for item in any_version.get("/api/projects/all")] == ["Back office", "Web", "Web shop"]


def test_the_envelope_of_an_empty_collection(any_version: Client) -> None:
    shown = any_version.get("/api/tagsets")

    assert {name: shown[name] for name in shown if name != "Links"} == {
        "ItemType": "TagSet",
        "TotalResults": 0,
        "ItemsPerPage": 30,
        "NumberOfPages": 1,
        "LastPageNumber": 0,
        "Items": [],
    }
