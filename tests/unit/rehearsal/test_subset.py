"""What must be true before a subset is exported from a main instance."""

from __future__ import annotations

import pytest

from tidegate.errors import SettingsError
from tidegate.rehearsal.subset import assert_exports_projects, exports_in_maintenance_mode
from tidegate.versions import Version


def test_before_the_migration_api_the_refusal_says_why_its_tool_is_not_used() -> None:
    with pytest.raises(SettingsError, match=r"Octopus\.Migrator.*on its command line") as refused:
        assert_exports_projects(Version(2018, 5, 7))

    assert 'approach = "clone"' in str(refused.value)


@pytest.mark.parametrize(
    ("version", "maintenance"),
    [(Version(2018, 6, 0), True), (Version(2020, 6, 4671), True), (Version(2021, 1, 7500), False)],
)
def test_every_later_version_exports_and_the_older_ones_in_maintenance_mode(
    version: Version, maintenance: bool
) -> None:
    assert_exports_projects(version)

    assert exports_in_maintenance_mode(version) is maintenance
