"""The doctor on this machine: what is missing is named, with what to do about it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from tidegate.command import main
from tidegate.doctor import machine
from tidegate.doctor.database import examine_rights
from tidegate.doctor.examine import healthy
from tidegate.doctor.examined import Examined, State, bad, good, optional, unknown
from tidegate.doctor.storage import examine_room
from tidegate.errors import DriverMissing
from tidegate.rehearsal.instances import DatabaseAddress, SqlServerAddress
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEGATE_SETTINGS", raising=False)
    monkeypatch.setenv("TIDEGATE_REPORTS__PDF", "false")
    return tmp_path


def _asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code = main(["doctor", "--json", *arguments])
    answer = json.loads(capsys.readouterr().out)
    assert answer["healthy"] is (code == 0)
    return code, {one["name"]: one for one in answer["examined"]}


@pytest.mark.usefixtures("in_a_folder")
def test_a_machine_that_can_rehearse_the_sample_is_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = _asked(capsys)

    assert code == 0
    assert {name: one["state"] for name, one in found.items() if name != "Allure"} == {
        "Python": "good",
        "ODBC driver": "good",
        "main instance": "good",
        "reports folder": "good",
    }
    assert found["main instance"]["told"].startswith("none is configured: the embedded sample 2018.12.1")


@pytest.mark.usefixtures("in_a_folder")
def test_people_read_the_same_with_what_to_do_next(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_SQL_SERVER__ODBC_DRIVER", "ODBC Driver 9 for SQL Server")
    assert main(["doctor"]) == 10
    out = capsys.readouterr().out

    assert (
        "✗ ODBC driver: the ODBC driver 'ODBC Driver 9 for SQL Server' is neither a registered driver nor a file" in out
    )
    assert "    next: registered here:" in out
    assert out.endswith("A rehearsal cannot begin.\n")


@pytest.mark.usefixtures("in_a_folder")
def test_without_unixodbc_it_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: str) -> None:
        raise DriverMissing("pyodbc cannot be loaded: libodbc.so.2 is missing", next_step="apt-get install libodbc2")

    monkeypatch.setattr(machine, "find_driver", missing)
    code, found = _asked(capsys)

    assert code == 10
    assert found["ODBC driver"]["state"] == "bad"
    assert found["ODBC driver"]["next_step"] == "apt-get install libodbc2"


@pytest.mark.usefixtures("in_a_folder")
def test_without_docker_a_rehearsal_in_containers_cannot_begin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_TEST_INSTANCE__PROVIDER", "containers")
    _, found = _asked(capsys)
    assert "accept_eula" in found["Docker"]["next_step"]

    monkeypatch.setenv("TIDEGATE_CONTAINERS__ACCEPT_EULA", "true")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{Path.cwd() / 'nowhere.sock'}")
    code, found = _asked(capsys)
    assert code == 10
    assert (found["Docker"]["state"], bool(found["Docker"]["next_step"])) == ("bad", True)


@pytest.mark.usefixtures("in_a_folder")
def test_a_path_that_cannot_be_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_UPGRADE__TARGET", "2018.9.0")
    code, found = _asked(capsys)

    assert code == 10
    assert found["main instance"]["state"] == "bad"


@pytest.mark.usefixtures("in_a_folder")
def test_wrong_settings_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--settings", "nowhere.toml"]) == 2
    assert "nowhere.toml" in capsys.readouterr().err


@pytest.mark.usefixtures("in_a_folder")
def test_a_feed_that_does_not_answer_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_FEED__URL", "http://127.0.0.1:9")
    code, found = _asked(capsys)

    assert code == 10
    assert found["download feed"]["state"] == "bad"


def test_more_room_than_there_is_cannot_be_had(tmp_path: Path) -> None:
    found = examine_room("reports folder", tmp_path / "not" / "there", 10**18, "a backup set")

    assert found.state is State.BAD
    assert "GiB are needed: a backup set" in found.told
    assert "make room" in found.next_step
    assert examine_room("reports folder", tmp_path / "not" / "there", 1, "little").state is State.GOOD


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """On a file system of its own that really is full."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.name != "posix" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system to fill")
    try:
        (disk / "filling").write_bytes(b"x" * 65536)
        found = examine_room("backup folder", disk, 1, "a backup")
    finally:
        subprocess.run(["umount", str(disk)], check=True)

    assert found.state is State.BAD
    assert "No space left on device" in found.told


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    assert "cannot be written to: Permission denied" in examine_room("reports folder", tmp_path, 1, "x").told


class _Answers:
    """A SQL Server that answers every question about rights the same."""

    def __init__(self, answer: int | None) -> None:
        self.answer = answer

    def value(self, _: str) -> int | None:
        return self.answer


@pytest.mark.parametrize(("answer", "state"), [(1, State.GOOD), (0, State.BAD), (None, State.UNKNOWN)])
def test_each_right_is_asked_for_and_the_missing_one_comes_with_its_cure(answer: int | None, state: State) -> None:
    address = DatabaseAddress(SqlServerAddress("sql,1433", "tidegate", Secret.generated("x", "y" * 9)), "Octopus")
    found = list(examine_rights(cast("SqlServer", _Answers(answer)), address))

    assert [one.name for one in found] == ["right to read", "right to back up", "right to restore"]
    assert {one.state for one in found} == {state}
    if state is not State.GOOD:
        assert found[1].next_step == "ALTER ROLE db_backupoperator ADD MEMBER [tidegate] in database Octopus"
        assert found[2].next_step == "ALTER SERVER ROLE dbcreator ADD MEMBER [tidegate]"


@pytest.mark.parametrize(
    ("found", "fine"),
    [
        ([good("a", "b"), optional("c", "d", "e")], True),
        ([good("a", "b"), bad("c", "d", "e")], False),
        ([good("a", "b"), unknown("c", "d")], False),
    ],
)
def test_what_is_not_known_is_not_healthy(found: list[Examined], fine: bool) -> None:
    assert healthy(found) is fine
