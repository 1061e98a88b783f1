"""What an upgrade said, judged: exit codes, logs, the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.errors import UpgradeFailed
from tidegate.providers.contract import CommandResult
from tidegate.rehearsal.upgrade import is_transient, judge_command, judge_journal, judge_server_log, last_lines
from tidegate.secrets import Secret

LOG = Path("upgrade.log")
GOOD = """2021-06-01 10:00:00.0001   4321      1  INFO  Beginning transaction
2021-06-01 10:00:01.0001   4321      1  INFO  Executing SQL Server script 'Script0266ReorderVariableSetColumns'
2021-06-01 10:00:02.0001   4321      1  INFO  Done.
"""
ROLLED_BACK = """2021-06-01 10:00:01.0001   4321      1 ERROR  Error occured when executing scripts, transaction will be rolled back
2021-06-01 10:00:02.0001   4321      1 FATAL  We encountered an error during the schema upgrade.
"""  # noqa: E501 - a real line


def result(exit_code: int, output: str) -> CommandResult:
    return CommandResult("Octopus.Server database", exit_code, output, 1.0)


def test_a_command_that_ended_well_and_said_nothing_bad_passes() -> None:
    judge_command(result(0, GOOD), LOG)


@pytest.mark.parametrize(("code", "meaning"), [(1, "failed condition"), (100, "unexpected exception"), (77, "unknown")])
def test_a_bad_exit_code_fails_the_upgrade_with_its_meaning_and_the_last_lines(code: int, meaning: str) -> None:
    with pytest.raises(UpgradeFailed) as error:
        judge_command(result(code, ROLLED_BACK), LOG)

    assert meaning in error.value.what
    assert "We encountered an error during the schema upgrade" in error.value.what
    assert error.value.where == "upgrade.log"


def test_exit_code_0_does_not_hide_a_fatal_line() -> None:
    with pytest.raises(UpgradeFailed, match="exit code 0, but its log says"):
        judge_command(result(0, GOOD + ROLLED_BACK), LOG)


def test_a_server_that_started_with_a_fatal_line_failed() -> None:
    judge_server_log(GOOD, LOG)
    with pytest.raises(UpgradeFailed, match="started, but"):
        judge_server_log(GOOD + ROLLED_BACK, LOG)


def test_the_word_fatal_inside_another_word_or_in_a_title_is_no_fatal_line() -> None:
    judge_server_log(GOOD + "Deploying project Nonfatalities\n", LOG)


def test_scripts_that_were_added_to_the_journal_are_returned_in_order() -> None:
    before = ["Script0001", "Script0002", "Script0002"]

    assert judge_journal(before, [*before, "Script0160", "Script0172"], LOG) == ["Script0160", "Script0172"]


def test_entries_that_vanished_from_the_journal_fail_the_upgrade() -> None:
    with pytest.raises(UpgradeFailed, match="1 entries vanished from the journal of schema scripts: Script0002"):
        judge_journal(["Script0001", "Script0002", "Script0002"], ["Script0001", "Script0002", "Script0160"], LOG)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("Transaction (Process ID 55) was deadlocked … and has been chosen as the deadlock victim.", True),
        ("Execution Timeout Expired.  The timeout period elapsed", True),
        ("A network-related or instance-specific error occurred while establishing a connection", True),
        ("Violation of PRIMARY KEY constraint 'PK_ProjectLibraryVariableSet'", False),
        (ROLLED_BACK, False),
    ],
)
def test_only_trouble_that_passes_by_itself_is_tried_again(output: str, expected: bool) -> None:
    assert is_transient(output) is expected


def test_the_last_lines_show_no_secret() -> None:
    secret = Secret.generated("a canary", "canary-91be03")

    assert "canary-91be03" not in last_lines(f"first\nMASTER_KEY={secret.reveal()}\n")
    assert last_lines("a\nb\nc", count=2) == "b\nc"
