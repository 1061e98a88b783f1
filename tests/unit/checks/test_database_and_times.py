"""COUNT, SCHEMA, JOURNAL and PERF on snapshots written by hand."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.unit.checks.snapshots import item, written
from tidegate.checks.database import compare_database
from tidegate.checks.finding import Severity
from tidegate.checks.timing import compare_times
from tidegate.observation.store import Seen

TABLES = {"dbo.Project": 3, "dbo.Event": 100, "dbo.Empty": 0}
VIEWS = {"dbo.Release_WithDeployments": "", "dbo.Old": "it was broken before"}
#: Routes that are as quick as ever.
QUICK = [item(f"environments/Environments-{n}", seconds=0.02) for n in range(40)]
JOURNAL = ("Script0001", "Script0002")


def test_a_database_that_kept_everything_is_silent(tmp_path: Path) -> None:
    before = written(tmp_path / "b", tables=TABLES, views=VIEWS, journal=JOURNAL)
    grown = {**TABLES, "dbo.Event": 130, "dbo.Space": 1}
    del grown["dbo.Empty"]
    after = written(tmp_path / "a", tables=grown, views=VIEWS, journal=[*JOURNAL, "Script0003"])

    assert list(compare_database(before, after)) == []


@pytest.mark.parametrize(
    ("tables", "views", "journal", "check", "place"),
    [
        ({**TABLES, "dbo.Project": 2}, VIEWS, JOURNAL, "COUNT", "table dbo.Project"),
        ({"dbo.Event": 100}, VIEWS, JOURNAL, "SCHEMA", "table dbo.Project"),
        (
            TABLES, {**VIEWS, "dbo.Release_WithDeployments": "Invalid column name 'SpaceId'. (207)"}, JOURNAL,
            "SCHEMA", "view dbo.Release_WithDeployments",
        ),
        (TABLES, {**VIEWS, "dbo.New": "Invalid object name. (208)"}, JOURNAL, "SCHEMA", "view dbo.New"),
        (TABLES, VIEWS, ("Script0001",), "JOURNAL", "the journal of schema scripts"),
        (TABLES, VIEWS, (*JOURNAL, "Script0002"), "JOURNAL", "the journal of schema scripts"),
    ],
)  # fmt: skip
def test_what_the_database_lost_is_found(  # noqa: PLR0917 - one parameter for each column of the table
    tmp_path: Path,
    tables: dict[str, int],
    views: dict[str, str],
    journal: tuple[str, ...],
    check: str,
    place: str,
) -> None:
    before = written(tmp_path / "b", tables=TABLES, views=VIEWS, journal=JOURNAL)
    after = written(tmp_path / "a", tables=tables, views=views, journal=journal)

    (finding,) = compare_database(before, after)

    assert (finding.check, finding.place) == (check, place)


def test_a_renamed_table_is_followed(tmp_path: Path) -> None:
    before = written(tmp_path / "b", tables={"dbo.PackageMetadata": 7})
    after = written(tmp_path / "a", tables={"dbo.BuildInformation": 7})

    assert list(compare_database(before, after)) == []


def test_a_database_nobody_could_read_is_incomplete(tmp_path: Path) -> None:
    before = written(tmp_path / "b", tables=TABLES)
    after = written(tmp_path / "a", tables={}, database_trouble="Login failed for user 'sa'. (18456)")

    (finding,) = compare_database(before, after)

    assert finding.kind == "incomplete"


def test_a_little_slower_is_silent(tmp_path: Path) -> None:
    places = [f"projects/Projects-{n}" for n in range(5)]
    before = written(tmp_path / "b", seen=[item(place, seconds=0.02) for place in places])
    after = written(tmp_path / "a", seen=[item(place, seconds=0.2) for place in places])

    assert list(compare_times(before, after)) == []


def test_one_slow_place_is_named(tmp_path: Path) -> None:
    before = written(tmp_path / "b", seen=[item("dashboard", seconds=0.05), *QUICK])
    after = written(tmp_path / "a", seen=[item("dashboard", seconds=61.0), *QUICK])

    (finding,) = compare_times(before, after)

    assert (finding.check, finding.place, finding.severity) == ("PERF", "dashboard", Severity.BREAKING)


def test_a_slow_family_is_told_once(tmp_path: Path) -> None:
    places = [f"releases/Releases-{n}" for n in range(30)]
    before = written(tmp_path / "b", seen=[*(item(place, seconds=0.02) for place in places), *QUICK])
    after = written(tmp_path / "a", seen=[*(item(place, seconds=0.9) for place in places), *QUICK])

    (finding,) = compare_times(before, after)

    assert finding.place == "releases/* (30 answers, median)"
    assert finding.severity is Severity.DEGRADED


def test_a_busy_machine_is_no_fault_of_one_route(tmp_path: Path) -> None:
    """Everything takes ten times as long, and two routes happen to take a little longer still."""
    places = [f"projects/Projects-{n}" for n in range(30)]
    before = written(tmp_path / "b", seen=[item(place, seconds=0.02) for place in [*places, "one", "two"]])
    seen = [*(item(place, seconds=0.2) for place in places), item("one", seconds=0.6), item("two", seconds=0.8)]

    assert list(compare_times(before, written(tmp_path / "a", seen=seen))) == []


def test_everything_being_slow_is_found(tmp_path: Path) -> None:
    places = [f"projects/Projects-{n}" for n in range(30)]
    before = written(tmp_path / "b", seen=[item(place, seconds=0.02) for place in places])
    after = written(tmp_path / "a", seen=[item(place, seconds=0.5) for place in places])

    assert [finding.place for finding in compare_times(before, after)] == ["all routes (30 answers, median)"]


# --- times that differ by themselves ----------------------------------------------------------------------------------


def name(family: int) -> str:
    return f"things{chr(ord('a') + family // 26)}{chr(ord('a') + family % 26)}"


def loaded(seed: int, *, slow: str = "", seconds: float = 3.0) -> list[Seen]:
    """One look at 60 families of an instance on a machine that others use, too: it gets slower or quicker while the
    look goes on, and now and then some answers in a row wait for seconds. ``slow`` is a family that really is."""
    places = Random(0)
    usual = {f"{name(family)}/Things-{n}": places.lognormvariate(-4, 1) for family in range(60) for n in range(20)}
    chance = Random(seed)
    begin, end = chance.uniform(1, 4), chance.uniform(1, 4)
    burst = 0
    seen: list[Seen] = []
    for number, (place, own) in enumerate(usual.items()):
        if not burst and chance.random() < 0.01:
            burst = chance.randrange(1, 8)
        waited = chance.uniform(0.5, 6) if burst else 0.0
        burst = max(burst - 1, 0)
        drift = begin + (end - begin) * number / len(usual)
        really = seconds if place.startswith(f"{slow}/") else 0.0
        seen.append(item(place, seconds=own * drift * chance.lognormvariate(0, 0.4) + waited + really))
    return seen


@pytest.mark.parametrize("seed", range(5))
def test_a_machine_that_drifts_and_stutters_is_silent(tmp_path: Path, seed: int) -> None:
    looks = [written(tmp_path / str(n), seen=loaded(1000 * seed + n)) for n in range(3)]

    assert list(compare_times(looks[1], looks[2], earlier=looks[0])) == []
    assert list(compare_times(looks[1], looks[2])) != []  # it is the earlier look that tells noise from slowness


@pytest.mark.parametrize("seed", range(5))
def test_a_family_that_really_is_slower_is_named_on_such_a_machine(tmp_path: Path, seed: int) -> None:
    looks = [written(tmp_path / str(n), seen=loaded(1000 * seed + n)) for n in range(2)]
    slow = written(tmp_path / "slow", seen=loaded(1000 * seed + 2, slow=name(7)))

    assert [one.place for one in compare_times(looks[1], slow, earlier=looks[0])] == [
        f"{name(7)}/* (20 answers, median)"
    ]


def test_one_odd_family_before_the_upgrade_does_not_hide_another(tmp_path: Path) -> None:
    usual = [*QUICK, item("dashboard", seconds=0.05)]
    first = written(tmp_path / "1", seen=[*usual, item("events", seconds=0.1)])
    second = written(tmp_path / "2", seen=[*usual, item("events", seconds=20.0)])
    after = written(tmp_path / "3", seen=[*QUICK, item("dashboard", seconds=4.0), item("events", seconds=0.1)])

    assert [one.place for one in compare_times(second, after, earlier=first)] == ["dashboard"]


def test_what_may_have_waited_for_others_is_no_finding_and_still_a_bound(tmp_path: Path) -> None:
    """Negative seconds are of answers that nobody timed again."""
    first = written(tmp_path / "1", seen=[*QUICK, item("dashboard", seconds=-0.5), item("events", seconds=0.1)])
    second = written(tmp_path / "2", seen=[*QUICK, item("dashboard", seconds=-9.0), item("events", seconds=0.1)])
    after = written(tmp_path / "3", seen=[*QUICK, item("dashboard", seconds=4.0), item("events", seconds=-30.0)])

    assert [one.place for one in compare_times(second, after, earlier=first)] == ["dashboard"]


FACTS = {
    "database collation": "SQL_Latin1_General_CP1_CI_AS",
    "column dbo.Project.Id": "nvarchar(50) not null SQL_Latin1_General_CP1_CI_AS",
    "column dbo.Project.Name": "nvarchar(200) not null SQL_Latin1_General_CP1_CI_AS",
    "column dbo.Project.SpaceId": "nvarchar(50) not null SQL_Latin1_General_CP1_CI_AS",
    "index dbo.Project.PK_Project": "PRIMARY KEY: Id",
    "index dbo.Project.UQ_ProjectName": "UNIQUE: Name",
    "foreign key dbo.Project.FK_Project_Space": "SpaceId → dbo.Space",
    "check dbo.Project.CK_Project": "([Name]<>'')",
    "ids of Projects": "40",
}


def without(*places: str) -> dict[str, str]:
    return {place: value for place, value in FACTS.items() if place not in places}


@pytest.mark.parametrize(
    "after",
    [
        FACTS,
        {
            **FACTS,
            "ids of Projects": "60",
            "column dbo.Project.Name": "nvarchar(max) null SQL_Latin1_General_CP1_CI_AS",
        },
        # Renamed, replaced by a wider one, gone with its column or with its table.
        {**without("index dbo.Project.UQ_ProjectName"), "index dbo.Project.UQ_Name": "UNIQUE: Name, SpaceId"},
        without("column dbo.Project.SpaceId", "foreign key dbo.Project.FK_Project_Space"),
        {"database collation": FACTS["database collation"], "column dbo.Space.Id": "nvarchar(50) not null"},
        {},
    ],
)
def test_a_database_in_the_shape_of_a_newer_version_is_silent(tmp_path: Path, after: dict[str, str]) -> None:
    before = written(tmp_path / "b", tables={}, facts=FACTS)

    assert list(compare_database(before, written(tmp_path / "a", tables={}, facts=after))) == []


@pytest.mark.parametrize(
    ("after", "place"),
    [
        (without("index dbo.Project.UQ_ProjectName"), "index dbo.Project.UQ_ProjectName"),
        (without("foreign key dbo.Project.FK_Project_Space"), "foreign key dbo.Project.FK_Project_Space"),
        (without("check dbo.Project.CK_Project"), "check dbo.Project.CK_Project"),
        ({**FACTS, "column dbo.Project.Name": "nvarchar(100) not null x"}, "column dbo.Project.Name"),
        ({**FACTS, "column dbo.Project.Id": "nvarchar(50) not null x"}, "column dbo.Project.Id (collation)"),
        ({**FACTS, "database collation": "Latin1_General_BIN"}, "database collation"),
        ({**FACTS, "ids of Projects": "1"}, "ids of Projects"),
        ({**FACTS, "state of foreign key dbo.Project.FK": "not trusted"}, "state of foreign key dbo.Project.FK"),
        ({**FACTS, "trigger dbo.Left": "abc"}, "trigger dbo.Left"),
    ],
)
def test_what_weakens_a_database_is_found(tmp_path: Path, after: dict[str, str], place: str) -> None:
    before = written(tmp_path / "b", tables={}, facts=FACTS)

    findings = list(compare_database(before, written(tmp_path / "a", tables={}, facts=after)))

    assert place in [finding.place for finding in findings]
    assert {finding.check for finding in findings} == {"SCHEMA"}
