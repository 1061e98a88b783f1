"""Findings as a table: the property that differs, not two documents."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.unit.gate.ledgers import finding
from tidegate.reporting.difference_table import HEAD, differences, findings_table


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("Shop", None, [("", "Shop", "null")]),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [("b", "2", "3")]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3, 4]}}, [("a.b[1]", "2", "3"), ("a.b[2]", "(absent)", "4")]),
        ({"a": 1}, {"b": 1}, [("a", "1", "(absent)"), ("b", "(absent)", "1")]),
        ({"a": 1}, [1], [("", '{"a": 1}', "[1]")]),
        ({"a": None}, {}, [("a", "null", "(absent)")]),
        ({"a": 1}, {"a": 1}, [("", '{"a": 1}', '{"a": 1}')]),
    ],
)
def test_names_the_property_that_differs(before: Any, after: Any, told: list[tuple[str, str, str]]) -> None:
    assert differences(before, after) == told


def test_every_finding_has_its_rows() -> None:
    nested = finding(before={"Name": "a", "Slug": "b"}, after={"Name": "x", "Slug": "y"}, place="Projects-2")
    rows = _rows(findings_table([finding(), nested]))

    assert rows[0] == list(HEAD)
    assert rows[1] == ["DIFF breaking", "Projects-1/Name", "Shop", "null", "nobody finds the project"]
    assert [row[1:4] for row in rows[2:]] == [["Projects-2, Name", "a", "x"], ["Projects-2, Slug", "b", "y"]]


def test_values_stay_short_and_are_no_formulas() -> None:
    rows = _rows(findings_table([finding(before="=1+1", after="x" * 9000, kind="clone")]))

    assert rows[1][0] == "DIFF breaking (clone)"
    assert rows[1][2] == "'=1+1"
    assert len(rows[1][3]) == 500


def test_a_very_long_table_says_that_there_is_more() -> None:
    rows = _rows(findings_table(finding(place=f"Projects-{number}") for number in range(2500)))

    assert len(rows) == 2002
    assert rows[-1][1] == "and 500 more rows, all in verdict.json"
