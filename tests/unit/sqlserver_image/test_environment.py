"""What the SQL Server image wants from its environment before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from standins.sqlserver import sqlcmd
from standins.sqlserver.container import main, password, refusal

GOOD = {"ACCEPT_EULA": "Y", "MSSQL_SA_PASSWORD": "Rehearsal!2021"}


def test_starts_with_an_accepted_licence_and_a_strong_password() -> None:
    assert refusal(GOOD) == ""


@pytest.mark.parametrize("answer", ["", "N", "no"])
def test_wants_the_licence_accepted(answer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main({**GOOD, "ACCEPT_EULA": answer}, tmp_path) == 1
    assert "ACCEPT_EULA" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("weak", ["", "Ab1!", "alllowercase", "lower1234"])
def test_refuses_a_weak_password(weak: str) -> None:
    complaint = refusal({**GOOD, "MSSQL_SA_PASSWORD": weak})

    assert "Password validation failed" in complaint
    assert weak == "" or weak not in complaint


def test_knows_the_old_name_of_the_password() -> None:
    assert password({"SA_PASSWORD": "Rehearsal!2021"}) == "Rehearsal!2021"
    assert password({**GOOD, "SA_PASSWORD": "Another!2021"}) == "Rehearsal!2021"


def test_sqlcmd_takes_the_password_from_its_variable_and_encrypts_as_its_generation_does() -> None:
    parse = sqlcmd._parser().parse_args  # pyright: ignore[reportPrivateUsage]

    old = sqlcmd.odbc_string(parse(["-S", "tcp:db,1444"]), {"SQLCMDPASSWORD": "a}b"})
    new = sqlcmd.odbc_string(parse(["--encrypt-by-default", "-C", "-P", "other"]), {"SQLCMDPASSWORD": "a}b"})

    assert "SERVER={db,1444}" in old
    assert "PWD={a}}b}" in old
    assert "Encrypt={optional};TrustServerCertificate={no}" in old
    assert "Encrypt={yes};TrustServerCertificate={yes}" in new
    assert "PWD={other}" in new
