"""Versions, ranges, tags and masks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.octopus.behaviour.version_rules import (
    InvalidVersion,
    PackageVersion,
    has_tag,
    in_range,
    latest,
    next_version,
    test_rule,
)

numbers = st.lists(st.integers(0, 999), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
versions = st.tuples(numbers, st.sampled_from(["", "-alpha", "-alpha.1", "-alpha.beta", "-rc.1", "-rc.11"])).map(
    "".join
)


def test_semantic_versioning_orders_pre_releases() -> None:
    ordered = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
    ]

    assert sorted(set(ordered), key=PackageVersion.parse) == ordered


@given(versions, versions, versions)
def test_the_order_is_total(one: str, two: str, three: str) -> None:
    a, b, c = (PackageVersion.parse(text) for text in (one, two, three))

    assert (a < b) + (a == b) + (a > b) == 1
    if a <= b <= c:
        assert a <= c


@given(st.lists(versions, min_size=1))
def test_the_latest_is_not_below_any(found: list[str]) -> None:
    best = latest(found)

    assert best in found
    assert all(PackageVersion.parse(best or "") >= PackageVersion.parse(text) for text in found)


@pytest.mark.parametrize(
    ("version", "span", "expected"),
    [
        ("1.5.0", "1.0", True),
        ("0.9", "1.0", False),
        ("1.0", "[1.0]", True),
        ("1.0.1", "[1.0]", False),
        ("1.0", "[1.0,2.0)", True),
        ("2.0", "[1.0,2.0)", False),
        ("1.0", "(1.0,2.0]", False),
        ("2.0", "(1.0,2.0]", True),
        ("0.1", "(,1.0)", True),
        ("9.0", "[1.0,)", True),
        ("9.0", "", True),
    ],
)
def test_nuget_ranges(version: str, span: str, expected: bool) -> None:
    assert in_range(version, span) is expected


@given(versions, versions, versions)
def test_a_range_is_its_bounds(version: str, low: str, high: str) -> None:
    inside = PackageVersion.parse(low) <= PackageVersion.parse(version) < PackageVersion.parse(high)

    assert in_range(version, f"[{low},{high})") is inside


@pytest.mark.parametrize(
    ("version", "tag", "expected"),
    [("1.0.0", "^$", True), ("1.0.0-beta", "^$", False), ("1.0.0-hotfix.1", "^hotfix", True), ("1.0.0", "", True)],
)
def test_tags_are_expressions_over_the_pre_release_part(version: str, tag: str, expected: bool) -> None:
    assert has_tag(version, tag) is expected


def test_a_broken_rule_is_an_error_and_not_satisfied() -> None:
    for span, tag in (("[1.0", ""), ("nonsense", ""), ("", "(")):
        tested = test_rule("1.0.0", span, tag)
        assert tested.errors
        assert not tested.satisfied


@pytest.mark.parametrize(
    ("last", "template", "expected"),
    [
        (None, "", "0.0.1"),
        ("1.2.3", "", "1.2.4"),
        ("2024.1", "", "2024.2"),
        ("1.2.3", "1.i", "1.3"),
        ("1.2.3", "c.c.i", "1.2.4"),
        ("1.2.3", "#{Octopus.Version.LastMajor}.#{Octopus.Version.NextMinor}.0", "1.3.0"),
    ],
)
def test_the_next_version(last: str | None, template: str, expected: str) -> None:
    assert next_version(last, template) == expected


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(InvalidVersion):
        PackageVersion.parse("one.two")


test_rule.__test__ = False  # type: ignore[attr-defined] - a function of the stand-in, not a test
