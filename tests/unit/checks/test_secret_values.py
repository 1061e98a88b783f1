"""Secrets are compared by what they are, not by where or how they are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.checks.snapshots import written
from tidegate.checks.finding import Finding, Severity
from tidegate.checks.secret_values import compare_secrets

PASSWORD = "secret VariableSet variableset-Projects-1.Variables[0].Value"
TOKEN = "secret Account Accounts-1.Token"
BEFORE = {PASSWORD: "aa11", TOKEN: "bb22", "documents of VariableSet": "3", "documents of Account": "1"}


def found(tmp_path: Path, after: dict[str, str], before: dict[str, str] = BEFORE) -> list[Finding]:
    one, other = written(tmp_path / "before", facts=before), written(tmp_path / "after", facts=after)
    return list(compare_secrets(one, other))


def test_secrets_that_stay_or_move_are_silent(tmp_path: Path) -> None:
    moved = {**BEFORE, "secret Certificate Certificates-1.Data": "cc33"}
    moved["secret TenantVariable Tenants-1.Value"] = moved.pop(PASSWORD)

    assert found(tmp_path, moved) == []


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({**BEFORE, PASSWORD: "dd44"}, "another value"),
        ({**BEFORE, PASSWORD: ""}, "cannot be decrypted"),
        ({name: value for name, value in BEFORE.items() if name != PASSWORD}, "gone"),
    ],
)
def test_a_secret_that_is_nowhere_any_more_is_found(tmp_path: Path, after: dict[str, str], told: str) -> None:
    [finding] = found(tmp_path, after)

    assert finding.place == "secrets of VariableSet: variableset-Projects-1.Variables[0].Value"
    assert (finding.severity, finding.after) == (Severity.BREAKING, told)


def test_one_that_could_not_be_read_before_says_nothing(tmp_path: Path) -> None:
    broken = {**BEFORE, PASSWORD: ""}

    assert found(tmp_path, {**broken, PASSWORD: "ee55"}, broken) == []


def test_many_of_a_table_are_told_together(tmp_path: Path) -> None:
    many = {f"secret Feed Feeds-{n}.Password": f"{n:04}" for n in range(9)} | {"documents of Feed": "9"}

    [finding] = found(tmp_path, {"documents of Feed": "9"}, many)

    assert finding.place.endswith("Feeds-4.Password and 4 more")


def test_a_table_without_documents_is_told_as_not_known(tmp_path: Path) -> None:
    [finding] = found(tmp_path, {TOKEN: "bb22", "documents of VariableSet": "0", "documents of Account": "1"})

    assert (finding.severity, finding.place) == (Severity.INFO, "secrets of VariableSet")


def test_without_a_key_nothing_is_compared(tmp_path: Path) -> None:
    assert found(tmp_path, {}, {}) == []
    assert found(tmp_path, BEFORE, {"column dbo.Project.Name": "nvarchar(200) not null"}) == []
