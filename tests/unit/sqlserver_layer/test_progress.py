"""How often the progress of a backup is told."""

from __future__ import annotations

import pytest

from tidegate.sqlserver import progress
from tidegate.sqlserver.progress import percentages


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_long_backup_is_told_now_and_then_and_at_its_end(clock: list[float]) -> None:
    told: list[str] = []
    listen = percentages("backing up", told.append)

    for percent in range(5, 101, 5):
        clock[0] += 0.5
        listen(f"{percent} percent processed.")

    assert told == [f"backing up: {percent} %" for percent in (20, 40, 60, 80, 100)]


def test_other_messages_are_no_progress() -> None:
    told: list[str] = []
    listen = percentages("backing up", told.append)

    listen("Processed 336 pages for database 'OctopusDeploy', file 'OctopusDeploy' on file 1.")
    listen("BACKUP DATABASE successfully processed 338 pages in 0.1 seconds (26.0 MB/sec).")

    assert told == []
