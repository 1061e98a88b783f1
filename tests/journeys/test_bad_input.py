"""What a user gets wrong: one clear message, the right exit code, and nothing is started on the test side."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.conftest import StandingMain
from tests.journeys.runs import leaks, rehearse

pytestmark = pytest.mark.journey

#: What is wrong → (changes to a good settings file, exit code, what the message says)
WRONG: dict[str, tuple[list[tuple[str, str]], int, str]] = {
    "a server that does not answer": ([("{url}", "http://localhost:9")], 10, "got no answer"),
    "an API key nobody knows": ([("secrets/api-key", "wrong-api-key")], 10, "check the API key"),
    "another master key": ([("secrets/master-key", "wrong-master-key")], 10, "master key"),
    "a SQL password that is wrong": ([("secrets/sql-password", "wrong-password")], 10, "Login failed"),
    "a SQL Server that does not answer": ([("127.0.0.1,{sql_port}", "127.0.0.1,9")], 10, "127.0.0.1,9"),
    "a database that does not exist": ([('"OctopusDeploy"', '"Octopus"')], 10, "Octopus"),
    "server folders that are not there": ([("taskLogs'", "taskLogz'")], 2, "cannot be read from this machine"),
    "a secret that is not there": ([("secrets/api-key", "secrets/none")], 2, "the secret's file cannot be read"),
    "a driver that is not installed": ([("[reports]", '[sql_server]\nodbc_driver = "None"\n[reports]')], 10, "None"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_one_clear_message(
    tmp_path: Path, small_main: StandingMain, wrong: tuple[list[tuple[str, str]], int, str]
) -> None:
    changes, exit_code, told = wrong
    for name, value in (
        ("wrong-api-key", "API-WRONGWRONGWRONGWRONGWRONG"),
        ("wrong-master-key", "AAECAwQFBgcICQoLDA0ODw=="),
        ("wrong-password", "Wr0ng!Wr0ng!"),
    ):
        (small_main.settings.parent / name).write_text(value, encoding="utf-8")
    places = {
        "url": small_main.url,
        "sql_port": small_main.database.server.server.rsplit(",", 1)[1],
    }
    filled = [(old.format(**places), new) for old, new in changes]
    settings = small_main.with_changes(small_main.settings.parent / "wrong.toml", *filled)
    before = small_main.fingerprint()

    ran, seen, _ = rehearse("features/", f"--settings={settings}", reports=tmp_path)

    assert ran.exit_code == exit_code, ran.output
    assert told in ran.output
    assert "Traceback" not in ran.output
    assert ran.output.count("FAILED") <= 1, "one cause, one red scenario"
    assert not any("--install-folder" in line for line in seen.command_lines), "no Octopus Server was started"
    assert leaks(tmp_path, small_main.secrets() | seen.secrets) == []
    assert not small_main.in_maintenance_mode()
    assert small_main.fingerprint() == before


def test_a_backup_folder_that_cannot_be_written(tmp_path: Path, small_main: StandingMain) -> None:
    text = small_main.settings.read_text(encoding="utf-8")
    [on_server] = [line for line in text.splitlines() if line.startswith("on_server")]
    settings = small_main.with_changes(
        small_main.settings.parent / "wrong.toml", (on_server, "on_server = '/proc/nowhere'")
    )

    ran, _, _ = rehearse("features/02_back_up.feature", f"--settings={settings}", reports=tmp_path)

    assert ran.exit_code == 10, ran.output
    assert "/proc/nowhere" in ran.output
    assert not small_main.in_maintenance_mode()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["features/", "--settings", "none.toml"], "the settings file does not exist"),
        (["features/", "--target", "2019.2.5"], "was withdrawn"),
        (["features/", "--target", "2021.9.1"], "there is no Octopus Server 2021.9.1"),
        (["features/", "--main-version", "2021.1.7500"], "the version the instance already has"),
        (["features/", "-m", "bakup"], "did you mean 'backup'?"),
        (["features/01_plan_the_path.feature:2"], "belongs to no scenario"),
        (["features/99_none.feature"], "not found"),
    ],
)
def test_nothing_begins(tmp_path: Path, arguments: list[str], told: str) -> None:
    ran, seen, _ = rehearse(*arguments, reports=tmp_path)

    assert ran.exit_code == 2, ran.output
    assert told in ran.output
    assert ran.output.count("ERROR") == 1
    assert seen.processes == {}
    assert ran.folder is None
    assert list(tmp_path.glob("2*")) == []


def test_a_target_that_the_main_instance_already_has(tmp_path: Path, small_main: StandingMain) -> None:
    ran, seen, _ = rehearse("features/", f"--settings={small_main.settings}", "--target", "2018.12.1", reports=tmp_path)

    assert ran.exit_code == 2, ran.output
    assert "the version the instance already has" in ran.output
    assert not any("--install-folder" in line for line in seen.command_lines)
