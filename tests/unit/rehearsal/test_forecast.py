"""The expected outage: measured once, scaled to the size the main instance has now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.gate.evidence import Evidence
from tidegate.rehearsal.forecast import UNMEASURED, forecast, measured_on
from tidegate.rehearsal.size import InstanceSize
from tidegate.versions import Plan, Version, plan, release_knowledge

MAIN = "https://octopus.example.com"
GB = 1 << 30
THEN = InstanceSize(database=10 * GB, folders=100 * GB)
TIMINGS = {
    "stopping the server": 5.0,
    "backing up the database": 100.0,
    "installing 2021.1.7500": 20.0,
    "upgrading the database": 300.0,
    "starting 2021.1.7500": 30.0,
}


def listed(timings: dict[str, float]) -> list[dict[str, object]]:
    return [{"step": step, "seconds": seconds} for step, seconds in timings.items()]


def path(target: str = "2021.1.7500", *via: str) -> Plan:
    return plan(Version(2018, 12, 1), Version.parse(target), release_knowledge(), [Version.parse(one) for one in via])


def rehearsal(reports: Path, name: str, *, main: str = MAIN, to: str = "2021.1.7500", size: bool = True) -> Evidence:
    evidence = Evidence(reports / name)
    evidence.record("main", url=main)
    evidence.record(
        "check", check="BACKUP", timings=listed({"backing up the database": 80.0, "copying the server folders": 60.0})
    )
    if size:
        evidence.record("size", **THEN.as_json())
    evidence.record("upgrade", **{"from": "2018.12.1", "to": to}, timings=listed(TIMINGS))
    return evidence


def steps(reports: Path, size: InstanceSize, planned: Plan | None = None) -> dict[str, float | None]:
    planned = planned or path()
    expected = forecast(planned, measured_on(reports, planned, MAIN), size)
    return {step.name: step.seconds for step in expected.steps}


def test_the_same_size_takes_what_it_took(tmp_path: Path) -> None:
    rehearsal(tmp_path, "2026-11-01T00-00-00Z-aaaaaa")

    expected = forecast(path(), measured_on(tmp_path, path(), MAIN), THEN)

    # 80 and 60 for the backup set, 5 + 20 + 300 + 30 for the hop, whose own backup is not taken a second time.
    assert expected.seconds == pytest.approx(495)
    assert "2026-11-01T00-00-00Z-aaaaaa" in expected.basis


def test_backup_and_scripts_grow_with_the_database_and_copies_with_the_folders(tmp_path: Path) -> None:
    rehearsal(tmp_path, "2026-11-01T00-00-00Z-aaaaaa")

    found = steps(tmp_path, InstanceSize(database=20 * GB, folders=300 * GB))

    assert found["backing up the database"] == pytest.approx(160)
    assert found["copying the server folders"] == pytest.approx(180)
    assert found["upgrading the database"] == pytest.approx(600)
    assert found["stopping the server"] == pytest.approx(5)
    assert found["starting 2021.1.7500"] == pytest.approx(30)


def test_without_a_measurement_every_step_is_told_and_none_is_guessed(tmp_path: Path) -> None:
    expected = forecast(path(), measured_on(tmp_path, path(), MAIN), THEN)

    assert expected.seconds is None
    assert expected.basis == UNMEASURED
    assert {step.seconds for step in expected.steps} == {None}
    assert "starting 2021.1.7500" in {step.name for step in expected.steps}


def test_every_hop_of_the_plan_must_have_been_measured(tmp_path: Path) -> None:
    rehearsal(tmp_path, "2026-11-01T00-00-00Z-aaaaaa")

    assert measured_on(tmp_path, path("2021.1.7500", "2019.13.5"), MAIN) is None


def test_the_state_is_described_once_in_an_outage_whatever_the_rehearsal_did(tmp_path: Path) -> None:
    evidence = rehearsal(tmp_path, "2026-11-01T00-00-00Z-aaaaaa", to="2019.13.5")
    described = listed({"describing the state before the upgrade": 7.0, "upgrading the database": 40.0})
    evidence.record("upgrade", **{"from": "2018.12.1", "to": "2019.13.5"}, timings=described)
    evidence.record("upgrade", **{"from": "2019.13.5", "to": "2021.1.7500"}, timings=described)
    planned = path("2021.1.7500", "2019.13.5")

    expected = forecast(planned, measured_on(tmp_path, planned, MAIN), InstanceSize(database=20 * GB, folders=100 * GB))

    # Backup 160 and folders 60 of the set, then 14 once and 80 for each hop: the database has grown to twice its size.
    assert expected.seconds == pytest.approx(160 + 60 + 14 + 80 + 80)


def test_a_rehearsal_of_the_same_instance_is_taken_before_a_newer_one_of_another(tmp_path: Path) -> None:
    rehearsal(tmp_path, "2026-11-01T00-00-00Z-aaaaaa")
    rehearsal(tmp_path, "2026-11-02T00-00-00Z-bbbbbb")
    rehearsal(tmp_path, "2026-11-03T00-00-00Z-cccccc", main="http://127.0.0.1:1")
    (tmp_path / "latest").symlink_to("2026-11-03T00-00-00Z-cccccc")

    found = measured_on(tmp_path, path(), MAIN)

    assert found is not None
    assert found.run == "2026-11-02T00-00-00Z-bbbbbb"


@pytest.mark.parametrize("damaged", [True, False])
def test_nothing_is_built_on_damaged_or_old_evidence(tmp_path: Path, damaged: bool) -> None:
    evidence = rehearsal(tmp_path, "2026-11-01T00-00-00Z-aaaaaa", size=damaged)
    if damaged:
        evidence.file.write_bytes(evidence.file.read_bytes().replace(b'"kind"', b'"sort"'))

    assert measured_on(tmp_path, path(), MAIN) is None
