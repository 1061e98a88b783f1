"""The doctor at a whole main instance: an Octopus Server with its database and folders, as a rehearsal meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journeys.conftest import StandingMain
from tidegate.command import main

pytestmark = pytest.mark.journey


def test_finds_a_main_instance_ready_and_changes_nothing(
    standing_main: StandingMain, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_REPORTS__PDF", "false")
    before = standing_main.fingerprint()
    code = main(["doctor", "--settings", str(standing_main.settings), "--json"])
    out = capsys.readouterr().out
    found = {one["name"]: one for one in json.loads(out)["examined"]}

    assert code == 0, out
    assert found["API key"]["told"] == "admin administers the system"
    assert found["SQL Server version"]["told"] == "new enough for 2021.1.7500"
    assert {found[f"right to {right}"]["state"] for right in ("read", "back up", "restore")} == {"good"}
    assert [secret for secret in standing_main.secrets() if secret in out] == []
    assert standing_main.fingerprint() == before


def test_names_the_folder_that_is_not_shared(
    standing_main: StandingMain, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_REPORTS__PDF", "false")
    monkeypatch.setenv("TIDEGATE_MAIN__FOLDERS__PACKAGES", str(tmp_path / "nowhere"))
    assert main(["doctor", "--settings", str(standing_main.settings)]) == 10
    out = capsys.readouterr().out

    assert "✗ [main.folders] packages:" in out
    assert "next: share or mount it, read-only is enough" in out
