"""What the schema scripts do to data, and which versions need what."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from standins.octopus.api.permissions import permissions_for
from standins.octopus.contract import Version
from standins.octopus.releases import releases
from standins.octopus.schema.licence import Licence
from standins.octopus.schema.manifest import scripts_of, views_of
from standins.octopus.schema.prechecks import sql_server_floor
from standins.octopus.schema.roles import built_in_roles
from standins.octopus.schema.scripts.script0164_split_user_role_permissions import split
from standins.octopus.schema.scripts.script0180_built_in_feed_migration import move_packages
from standins.octopus.schema.scripts.script0211_project_trigger_filters import renamed
from standins.octopus.schema.scripts.script0341_step_slugs import give_slugs


@pytest.mark.parametrize(
    ("version", "floor"),
    [
        ("2018.12.1", 10),
        ("2020.1.4", 10),
        ("2020.2.13", 14),
        ("2020.2.18", 13),
        ("2020.3.5", 14),
        ("2020.3.6", 13),
        ("2020.6.4671", 13),
        ("2025.4.10338", 13),
    ],
)
def test_the_sql_server_floor(version: str, floor: int) -> None:
    assert sql_server_floor(Version.parse(version)) == floor


def test_later_versions_have_all_scripts_of_earlier_ones_first() -> None:
    earlier: list[str] = []
    for release in releases():
        names = [script.name for script in scripts_of(release.version)]
        assert names[: len(earlier)] == earlier
        assert len(set(names)) == len(names)
        earlier = names


def test_one_text_for_each_view() -> None:
    for release in releases():
        names = [view.name for view in views_of(release.version)]
        assert len(set(names)) == len(names)


def test_built_in_roles_grant_only_what_their_version_knows() -> None:
    for release in releases():
        known = permissions_for(release.version)
        for role in built_in_roles(release.version):
            assert set(role.space) | set(role.system) <= known.keys(), (release.version, role.name)


def test_the_administrator_held_everything_before_spaces() -> None:
    version = Version(2018, 12, 1)
    administrator = next(role for role in built_in_roles(version) if role.id == "userroles-systemadministrator")
    assert set(administrator.json(split=False)["GrantedPermissions"]) == set(permissions_for(version))


def test_runbook_roles_came_with_runbooks() -> None:
    assert "Runbook Producer" not in {role.name for role in built_in_roles(Version(2019, 10, 0))}
    assert "Runbook Producer" in {role.name for role in built_in_roles(Version(2019, 11, 0))}


def test_a_role_of_space_permissions_is_split() -> None:
    role = split(
        {"Description": "x", "GrantedPermissions": ["ProjectView", "TeamView", "UserView", "AuditView", "Gone"]}
    )
    assert role == {
        "Description": "x",
        "GrantedSpacePermissions": ["ProjectView", "TeamView", "EventView"],
        "GrantedSystemPermissions": ["UserView", "TeamView"],
    }


def test_a_role_without_space_permissions_becomes_a_system_role() -> None:
    assert split({"GrantedPermissions": ["UserInvite", "TeamEdit"]}) == {
        "GrantedSpacePermissions": [],
        "GrantedSystemPermissions": ["UserInvite", "TeamEdit"],
    }


def test_a_weekly_schedule_keeps_its_days_and_time() -> None:
    old: dict[str, Any] = {
        "FilterType": "DaysPerWeekSchedule",
        "Interval": "OnceDaily",
        "Timezone": "UTC",
        "StartTime": "2018-12-01T09:00:00.000+00:00",
        "Monday": True,
        "Tuesday": False,
        "Friday": True,
        "HourInterval": None,
    }
    assert renamed(old) == {
        "FilterType": "OnceDailySchedule",
        "Timezone": "UTC",
        "StartTime": "2018-12-01T09:00:00.000+00:00",
        "DaysOfWeek": ["Monday", "Friday"],
    }


def test_an_hourly_schedule_becomes_a_continuous_one() -> None:
    old: dict[str, Any] = {
        "FilterType": "DailySchedule",
        "Interval": "OnceHourly",
        "Timezone": "UTC",
        "RunAfter": "2018-12-01T08:00:00.000+00:00",
        "RunUntil": "2018-12-01T18:00:00.000+00:00",
        "HourInterval": 2,
    }
    new = renamed(old)
    assert new["FilterType"] == "ContinuousDailySchedule"
    assert new["Interval"] == "OnceHourly"
    assert new["HourInterval"] == 2
    assert len(new["DaysOfWeek"]) == 7


def test_packages_move_into_the_default_space(tmp_path: Path) -> None:
    root = tmp_path / "Packages"
    (root / "Acme.Web").mkdir(parents=True)
    (root / "Acme.Web" / "Acme.Web.1.0.0.zip").write_bytes(b"package")

    move_packages(root)

    moved = root / "Spaces-1" / "feeds-builtin" / "Acme.Web" / "Acme.Web.1.0.0.zip"
    assert moved.read_bytes() == b"package"
    assert [path.name for path in root.iterdir()] == ["Spaces-1"]
    assert [path.name for path in tmp_path.iterdir()] == ["Packages"]


def test_moving_packages_twice_changes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "Packages"
    (root / "A").mkdir(parents=True)
    move_packages(root)
    move_packages(root)
    assert (root / "Spaces-1" / "feeds-builtin" / "A").is_dir()
    assert not (root / "Spaces-1" / "feeds-builtin" / "Spaces-1").exists()


def licence(body: str) -> Licence:
    return Licence.parse(f'<License Signature="x">{body}</License>'.encode())


def test_a_licence_out_of_maintenance_stops_an_upgrade() -> None:
    old = licence("<MaintenanceExpires>2020-01-31</MaintenanceExpires>")
    assert "2020-01-31" in old.problem_after_upgrade(date(2021, 1, 1))
    assert old.problem_after_upgrade(date(2020, 1, 1)) == ""


def test_a_subscription_has_60_days_of_grace() -> None:
    trial = licence("<ValidTo>2020-01-01</ValidTo>")
    assert trial.problem_after_upgrade(date(2020, 2, 20)) == ""
    assert "01 January 2020" in trial.problem_after_upgrade(date(2020, 3, 20))


def test_a_free_licence_can_be_read_back() -> None:
    free = Licence.free(date(2021, 1, 1))
    again = Licence.parse(free.text.encode())
    assert again.serial_number() == free.serial_number()
    assert again.problem_after_upgrade(date(2021, 1, 2)) == ""


@pytest.mark.parametrize("text", [b"", b"<Other/>", b"<License/>", b"not xml"])
def test_what_is_no_licence_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a valid license"):
        Licence.parse(text)


def test_steps_and_actions_get_slugs_and_keep_those_they_have() -> None:
    process: dict[str, Any] = {
        "Steps": [
            {"Name": "Deploy site", "Actions": [{"Name": "Deploy site"}, {"Name": "Warm up", "Slug": "warm"}]},
            {"Name": "Report", "Slug": "report", "Actions": []},
        ]
    }

    assert give_slugs(process)
    assert [step["Slug"] for step in process["Steps"]] == ["deploy-site", "report"]
    assert [action["Slug"] for action in process["Steps"][0]["Actions"]] == ["deploy-site", "warm"]
    assert not give_slugs(process), "nothing is left to do"
    assert not give_slugs({"Steps": []})
