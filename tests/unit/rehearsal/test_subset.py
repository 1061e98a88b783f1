"""What must be true before a subset is exported from a main instance."""

from __future__ import annotations

import pytest

from tidegate.errors import SettingsError
from tidegate.rehearsal.subset import assert_exports_projects
from tidegate.versions import Version


def test_before_2021_1_the_refusal_names_the_tool_of_that_time() -> None:
    with pytest.raises(SettingsError, match=r"Octopus\.Migrator") as refused:
        assert_exports_projects(Version(2020, 6, 4671))

    assert 'approach = "clone"' in str(refused.value)


def test_from_2021_1_on_projects_can_be_exported() -> None:
    assert_exports_projects(Version(2021, 1, 7500))
