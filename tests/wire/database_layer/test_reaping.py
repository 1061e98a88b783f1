"""`tidegate reap` drops databases of rehearsals whose time is over, and no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tidegate.command import main
from tidegate.providers.contract import SqlServerHost
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.owned import OwnedDatabase
from tidegate.sqlserver.restore import drop_database


def test_expired_databases_are_dropped_by_the_command(
    host: SqlServerHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expired = OwnedDatabase.make("verify", "reaping", lifetime=-timedelta(minutes=2)).name
    living = OwnedDatabase.make("verify", "reaping").name
    foreign = f"tidegate_like_{datetime.now(UTC):%H%M%S%f}"
    with SqlServer(host.address) as server:
        for name in (expired, living, foreign):
            server.execute(f"CREATE DATABASE [{name}]")
    monkeypatch.setenv("REAPING_PASSWORD", host.address.password.reveal())

    code = main(["reap", "--settings", str(settings(tmp_path, host.address.server))])

    with SqlServer(host.address) as server:
        left = {name for (name,) in server.rows("SELECT name FROM sys.databases")}
        drop_database(server, living)
        server.execute(f"DROP DATABASE [{foreign}]")
    assert code == 0
    assert expired not in left
    assert {living, foreign} <= left
    assert f"database {expired} dropped" in capsys.readouterr().out


def test_a_server_that_does_not_answer_is_told_and_makes_the_command_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REAPING_PASSWORD", "unused-password")

    code = main(["reap", "--settings", str(settings(tmp_path, "127.0.0.1,1"))])

    assert code == 10
    assert "could not all be removed" in capsys.readouterr().out


def settings(folder: Path, server: str) -> Path:
    file = folder / "settings.toml"
    file.write_text(
        f"""
[main]
url = "http://127.0.0.1:1"
api_key = "env:REAPING_PASSWORD"
master_key = "env:REAPING_PASSWORD"
database = {{server = "{server}", name = "OctopusDeploy", user = "sa", password = "env:REAPING_PASSWORD",
             trust_server_certificate = true}}
folders = {{packages = "p", artifacts = "a", task_logs = "t"}}
backup_folder = {{on_server = "b"}}
[sql_server]
login_timeout = 3
[reports]
folder = "reports"
""".replace(",\n             ", ", "),
        encoding="utf-8",
    )
    return file
