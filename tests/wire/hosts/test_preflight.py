"""Everything that may be wrong with a host is said before anything is started, once and with what to do."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.runs import REPOSITORY
from tests.support.sshd import Sshd, keygen, needs_sshd
from tidegate.doctor.examine import examine
from tidegate.doctor.examined import State
from tidegate.errors import SettingsError, UsageError
from tidegate.providers.contract import SqlServerHost
from tidegate.providers.hosts.preflight import check_host
from tidegate.settings import Settings

pytestmark = needs_sshd

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def wanted(sshd: Sshd, sql_server: SqlServerHost, tmp_path: Path) -> dict[str, Any]:
    """Settings for the loopback host, with nothing wrong in them."""
    for name in ("host", "share"):
        (tmp_path / name).mkdir()
    address = sql_server.address
    return {
        "test_instance": {"provider": "host"},
        "reports": {"folder": str(tmp_path / "reports"), "pdf": False},
        "host": {
            "address": "127.0.0.1",
            "port": sshd.port,
            "identity_file": str(sshd.identity),
            "known_hosts": str(sshd.known_hosts),
            "folder": str(tmp_path / "host"),
            "free_disk": 0,
            "server_folders": {"on_host": str(tmp_path / "share")},
            "sql_server": {
                "server": address.server,
                "user": address.user,
                "password": address.password,
                "trust_server_certificate": True,
                "backups": {"on_server": sql_server.backups.on_server},
            },
        },
    }


@pytest.fixture
def refused(wanted: dict[str, Any], tmp_path: Path) -> Iterator[Callable[..., UsageError]]:
    """Checks settings with changes in [host], which must be refused; nothing may be left anywhere afterwards."""

    def refused(section: str = "", **changes: Any) -> UsageError:
        place = wanted["host"]
        for name in filter(None, section.split(".")):
            place = place[name]
        place.update(changes)
        with pytest.raises(UsageError) as caught:
            check_host(Settings.model_validate(wanted))
        assert caught.value.next_step
        return caught.value

    yield refused
    assert [entry for name in ("host", "share") for entry in (tmp_path / name).iterdir()] == []


def test_is_silent_when_everything_is_there(wanted: dict[str, Any], tmp_path: Path) -> None:
    check_host(Settings.model_validate(wanted))

    assert [entry for name in ("host", "share") for entry in (tmp_path / name).iterdir()] == []


def test_a_host_that_does_not_answer(refused: Callable[..., UsageError]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        error = refused(port=nobody.getsockname()[1])

    assert "the host does not answer" in error.what


def test_a_host_that_nobody_knows(refused: Callable[..., UsageError]) -> None:
    assert "nobody knows a host of this name" in refused(address="no-such-host.invalid").what


def test_an_unknown_host_key(refused: Callable[..., UsageError], tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    assert "key is not known here" in refused(known_hosts=str(tmp_path / "empty")).what


def test_a_changed_host_key(refused: Callable[..., UsageError], sshd: Sshd, tmp_path: Path) -> None:
    keygen(tmp_path / "other")
    public = (tmp_path / "other.pub").read_text(encoding="ascii")
    (tmp_path / "known").write_text(f"[127.0.0.1]:{sshd.port} {public}", encoding="ascii")

    assert "key is not the one that is known" in refused(known_hosts=str(tmp_path / "known")).what


def test_a_user_who_may_not_log_in(refused: Callable[..., UsageError], tmp_path: Path) -> None:
    keygen(tmp_path / "stranger")

    assert "does not let this user in" in refused(identity_file=str(tmp_path / "stranger")).what


def test_a_key_file_that_is_not_there(refused: Callable[..., UsageError]) -> None:
    error = refused(identity_file="/nowhere/id")

    assert ("cannot be read" in error.what, error.where) == (True, "[host] identity_file")


def test_a_machine_without_an_ssh_client(refused: Callable[..., UsageError], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert refused().what == "ssh is not installed on this machine"


def test_a_host_of_another_system(refused: Callable[..., UsageError]) -> None:
    error = refused(system="windows", url="http://127.0.0.1:8080", folder="C:\\Tidegate")

    assert "the host is no Windows machine" in error.what


def test_no_right_to_write(refused: Callable[..., UsageError]) -> None:
    assert "/proc cannot be written to on the host" in refused(folder="/proc/tidegate").what


def test_no_room(refused: Callable[..., UsageError]) -> None:
    assert "[host] free_disk wants 1000000" in refused(free_disk=1_000_000).what


def test_a_share_that_is_another_folder_there(refused: Callable[..., UsageError], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()

    error = refused("server_folders", on_host=str(tmp_path / "elsewhere"), here=str(tmp_path / "share"))

    assert "are not the same folder" in error.what


def test_a_share_that_is_not_mounted(refused: Callable[..., UsageError], tmp_path: Path) -> None:
    error = refused("server_folders", here=str(tmp_path / "not mounted"))

    assert ("cannot be written to here" in error.what, error.where) == (True, "[host.server_folders] here")


def test_a_sql_server_that_lets_nobody_in(refused: Callable[..., UsageError]) -> None:
    error = refused("sql_server", user="nobody")

    assert "the clone's SQL Server cannot be used" in error.what
    assert "[host.sql_server]" in error.where


def test_a_folder_for_backups_that_is_not_there(refused: Callable[..., UsageError], tmp_path: Path) -> None:
    assert "cannot be written to here" in refused("sql_server.backups", here=str(tmp_path / "none")).what


def test_what_cannot_be_put_together(wanted: dict[str, Any]) -> None:
    wanted["test_instance"]["sql_server"] = "container"
    with pytest.raises(SettingsError, match="cannot reach a SQL Server in a container"):
        check_host(Settings.model_validate(wanted))
    wanted["test_instance"] = {"provider": "host", "nodes": 2}
    wanted["host"] |= {"system": "windows", "url": "http://octopus-test:8080"}
    with pytest.raises(SettingsError, match="share their binaries"):
        check_host(Settings.model_validate(wanted))
    del wanted["host"]
    with pytest.raises(SettingsError, match=r"needs the section \[host\]"):
        check_host(Settings.model_validate(wanted))


@pytest.fixture
def with_main(wanted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A main instance on this machine, which is down."""
    monkeypatch.setenv("TEST_SECRET", "not-a-real-secret")
    wanted["main"] = {
        "url": "http://localhost:9",
        "api_key": "env:TEST_SECRET",
        "master_key": "env:TEST_SECRET",
        "database": {"server": "localhost", "name": "Octopus", "user": "sa", "password": "env:TEST_SECRET"},
        "folders": {name: str(tmp_path / "main" / name) for name in ("packages", "artifacts", "task_logs")},
        "backup_folder": {"on_server": str(tmp_path)},
    }
    return wanted


@pytest.mark.usefixtures("with_main")
def test_the_main_instance_s_machine(refused: Callable[..., UsageError]) -> None:
    assert "the host is the main instance's machine: both are this machine" in refused().what


def test_the_main_instance_s_folders(with_main: dict[str, Any], refused: Callable[..., UsageError]) -> None:
    with_main["main"]["url"] = "http://main.invalid"  # elsewhere, and nobody knows where
    with_main["main"]["folders"]["packages"] = with_main["host"]["server_folders"]["on_host"]

    assert "its server folder for packages" in refused().what


def test_the_doctor_tells_what_is_good_and_what_to_do_next(wanted: dict[str, Any]) -> None:
    found = {one.name: one for one in examine(Settings.model_validate(wanted)) if one.name.startswith("host")}
    assert {one.state for one in found.values()} == {State.GOOD}
    assert len(found) == 8

    wanted["host"]["free_disk"] = 1_000_000
    found = {one.name: one for one in examine(Settings.model_validate(wanted)) if one.name.startswith("host")}

    assert found["host"].state is State.GOOD
    assert (found["host, room"].state, "make room" in found["host, room"].next_step) == (State.BAD, True)
    assert found["host, SQL Server"].state is State.UNKNOWN


def test_the_doctor_survives_a_machine_without_an_ssh_client(
    wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    found = {one.name: one for one in examine(Settings.model_validate(wanted)) if one.name.startswith("host")}

    assert "install the OpenSSH client" in found["host, way there"].next_step


def test_a_rehearsal_ends_with_2_before_anything_is_started(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('[test_instance]\nprovider = "host"\n', encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "features/", f"--settings={settings}"],
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", "TIDEGATE_REPORTS__FOLDER": str(tmp_path / "reports")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert 'provider = "host" needs the section [host]' in ended.stderr
    assert not (tmp_path / "reports").exists()
