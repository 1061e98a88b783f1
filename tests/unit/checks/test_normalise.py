"""Links in comparable form: new filters are no difference, another target is, wherever in a document the link is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tidegate.checks.differences import differences
from tidegate.checks.normalise import documents

OLD = "/api/environments/Environments-1/machines{?skip,take}"
FILTERED = "/api/environments/Environments-1/machines{?skip,take,shellNames}"
ELSEWHERE = "/api/environments/Environments-1/targets{?skip,take}"


def own(link: str) -> dict[str, Any]:
    return {"Id": "Environments-1", "Links": {"Machines": link}}


def one_nested(link: str) -> dict[str, Any]:
    return {"EnvironmentSummaries": [{"Environment": own(link)}]}


def nested_beside_its_own(link: str) -> dict[str, Any]:
    return {**one_nested(link), "Links": {"Self": "/api/environments/summary"}}


def listed(link: str) -> list[dict[str, Any]]:
    return [own(link)]


SHAPES = pytest.mark.parametrize("shape", [own, one_nested, nested_beside_its_own, listed])


@SHAPES
def test_a_new_filter_is_no_difference(shape: Any) -> None:
    assert list(differences(*documents(json.dumps(shape(OLD)), "", json.dumps(shape(FILTERED)), ""))) == []


@SHAPES
def test_another_target_is_one(shape: Any) -> None:
    [change] = differences(*documents(json.dumps(shape(OLD)), "", json.dumps(shape(ELSEWHERE)), ""))

    assert change.path.endswith("Links.Machines")
