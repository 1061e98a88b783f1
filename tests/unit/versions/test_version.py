from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import VersionRefused
from tidegate.versions import ChangeKind, Version
from tidegate.versions.ranges import VersionRange

versions = st.builds(Version, st.integers(2018, 2026), st.integers(1, 13), st.integers(0, 14000))


@given(versions)
def test_a_version_is_read_back_from_its_text(version: Version) -> None:
    assert Version.parse(str(version)) == version


@given(versions, versions)
def test_versions_are_ordered_by_their_numbers_not_their_text(one: Version, other: Version) -> None:
    assert (one < other) == (one.numbers < other.numbers)
    assert (one == other) == (hash(one) == hash(other) and one.numbers == other.numbers)


def test_a_build_of_four_digits_is_later_than_one_of_three() -> None:
    assert Version.parse("2020.5.256") < Version.parse("2020.6.4671")
    assert Version.parse("2019.2.0") < Version.parse("2019.13.5")


@pytest.mark.parametrize(
    "text", ["", "2021", "2021.1", "latest", "2021.1.7500-rc.1", "v2021.1.7500", "2021.1.7500.0", "٢٠٢١.1.1"]
)
def test_anything_else_is_refused_with_the_text_and_an_example(text: str) -> None:
    with pytest.raises(VersionRefused) as refused:
        Version.parse(text)
    assert repr(text) in str(refused.value)
    assert "2021.1.7500" in str(refused.value)


@pytest.mark.parametrize(
    ("current", "target", "kind"),
    [
        ("2018.12.1", "2021.1.7500", ChangeKind.MAJOR),
        ("2021.1.7006", "2021.2.7462", ChangeKind.MINOR),
        ("2021.1.7006", "2021.1.7500", ChangeKind.PATCH),
        ("2021.1.7500", "2021.1.7006", ChangeKind.DOWNGRADE),
        ("2021.1.7500", "2021.1.7500", ChangeKind.NONE),
    ],
)
def test_the_kind_of_change_follows_the_vendors_words(current: str, target: str, kind: ChangeKind) -> None:
    assert ChangeKind.between(Version.parse(current), Version.parse(target)) is kind


@given(versions, versions, versions)
def test_a_range_holds_what_lies_between_its_bounds(low: Version, high: Version, version: Version) -> None:
    assert (version in VersionRange(f">={low}, <{high}")) == (low <= version < high)


def test_an_empty_range_holds_everything() -> None:
    assert Version.parse("2018.1.0") in VersionRange("")


def test_a_range_that_is_no_comparison_is_an_error_of_the_data_file() -> None:
    with pytest.raises(ValueError, match="~2018"):
        assert Version.parse("2018.1.0") in VersionRange("~2018.1.0")
