"""Differences between documents."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.checks.differences import Change, Kind, differences

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
documents = st.dictionaries(
    st.text(min_size=1, max_size=5),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


@given(documents)
def test_a_document_does_not_differ_from_its_copy(document: dict[str, Any]) -> None:
    assert differences(document, deepcopy(document)) == []


@given(documents, st.text(min_size=1, max_size=5), st.integers() | st.text(min_size=1, max_size=5))
def test_a_new_property_is_found_wherever_it_is_put(document: dict[str, Any], name: str, value: int | str) -> None:
    grown = {**document, f"new {name}": value}

    assert [change.kind for change in differences(document, grown)] == [Kind.ADDED]
    assert [change.kind for change in differences(grown, document)] == [Kind.REMOVED]


@given(documents, documents)
def test_differences_are_the_same_from_both_sides(one: dict[str, Any], other: dict[str, Any]) -> None:
    there = {change.where for change in differences(one, other)}
    back = {change.where for change in differences(other, one)}

    assert there == back


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({"A": "x"}, {"A": "y"}, Kind.CHANGED),
        ({"A": "x"}, {"A": None}, Kind.EMPTIED),
        ({"A": ["x"]}, {"A": []}, Kind.EMPTIED),
        ({"A": None}, {"A": "x"}, Kind.FILLED),
        ({"A": "Feeds-1"}, {"A": {"Id": "Feeds-1"}}, Kind.RETYPED),
        ({"A": 1}, {"A": True}, Kind.RETYPED),
        ({"A": ["x", "y"]}, {"A": ["y", "x"]}, Kind.REORDERED),
        ({"A": "x"}, {}, Kind.REMOVED),
    ],
)
def test_kinds(before: Any, after: Any, kind: Kind) -> None:
    assert [change.kind for change in differences(before, after)] == [kind]


def test_null_and_absent_and_empty_are_the_same() -> None:
    assert differences({"A": None, "B": "", "C": []}, {"B": None, "C": None}) == []


def test_entries_are_matched_by_identity_and_named() -> None:
    build: dict[str, Any] = {"Name": "Build", "Actions": [{"Id": "1", "Feed": "a"}]}
    other: dict[str, Any] = {"Name": "Build", "Actions": [{"Id": "1", "Feed": "b"}]}
    ship: dict[str, Any] = {"Name": "Ship", "Actions": []}
    before, after = {"Steps": [build, ship]}, {"Steps": [ship, other]}

    assert differences(before, after) == [
        Change(Kind.CHANGED, "Steps[].Actions[].Feed", "Steps[Build].Actions[1].Feed", "a", "b"),
        Change(Kind.REORDERED, "Steps[]", "Steps", ["Build", "Ship"], ["Ship", "Build"]),
    ]


def test_keys_that_are_ids_are_left_open_in_the_general_path() -> None:
    (change,) = differences(
        {"ProjectEnvironments": {"Projects-1": ["a"]}}, {"ProjectEnvironments": {"Projects-1": ["b"]}}
    )[:1]

    assert (change.path, change.where) == ("ProjectEnvironments.{}[]", "ProjectEnvironments.Projects-1[a]")
