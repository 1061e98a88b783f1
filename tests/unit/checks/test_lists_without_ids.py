"""An empty list may be any kind of list: what fills it later is told, and never brings a comparison down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.snapshots import item, written
from tidegate.checks.comparison import compare
from tidegate.observation.store import ITEM, LIST, UNSCOPED

PLACE = "tenants/variables-missing"
EMPTY: dict[str, Any] = {"TotalResults": 0, "Ids": [], "Complete": True}
MISSING: list[dict[str, Any]] = [{"TenantId": "Tenants-1", "MissingVariables": [{"Links": {}}]}]


@pytest.mark.parametrize("form", [ITEM, UNSCOPED])
def test_entries_without_ids_where_there_was_none_are_told(tmp_path: Path, form: str) -> None:
    before = written(tmp_path / "before.sqlite", seen=[item(PLACE, EMPTY, form=LIST)])
    after = written(tmp_path / "after.sqlite", seen=[item(PLACE, MISSING, form=form)])

    assert [(one.check, one.place.partition(":")[0]) for one in compare(before, before, after)] != []
    assert all(PLACE in one.place for one in compare(before, before, after))


@pytest.mark.parametrize("form", [ITEM, UNSCOPED])
def test_entries_without_ids_that_all_went_are_told(tmp_path: Path, form: str) -> None:
    before = written(tmp_path / "before.sqlite", seen=[item(PLACE, MISSING, form=form)])
    after = written(tmp_path / "after.sqlite", seen=[item(PLACE, EMPTY, form=LIST)])

    assert all(PLACE in one.place for one in compare(before, before, after))


def test_a_list_that_stayed_empty_is_no_finding(tmp_path: Path) -> None:
    before, after = (written(tmp_path / f"{n}.sqlite", seen=[item(PLACE, EMPTY, form=LIST)]) for n in (1, 2))

    assert compare(before, before, after) == []
