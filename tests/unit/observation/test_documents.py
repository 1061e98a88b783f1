"""What is known of a document by its id and version."""

from __future__ import annotations

import pytest

from tidegate.observation.documents import is_frozen, renewed


@pytest.mark.parametrize(
    ("name", "frozen"),
    [
        ("variableset-Projects-1", False),
        ("variableset-Projects-1-s-0-ABCDE", True),
        ("deploymentprocesses/deploymentprocess-Projects-21-s-4-VWXYZ", True),
        ("projects/Projects-21", False),
    ],
)
def test_a_release_s_copy_is_known_by_its_id(name: str, frozen: bool) -> None:
    assert is_frozen(name) is frozen


def test_what_is_saved_again_carries_the_version_that_is_stored_now() -> None:
    first = {"Id": "variableset-Projects-1", "Version": 3}

    assert renewed(first, {"Version": 5, "Variables": []}) == {**first, "Version": 5}
    assert first["Version"] == 3


@pytest.mark.parametrize("current", [None, {}, {"Version": None}, ["no resource"]])
def test_what_has_no_version_now_is_saved_as_it_was(current: object) -> None:
    assert renewed({"Name": "Octopus", "Version": 3}, current) == {"Name": "Octopus", "Version": 3}
