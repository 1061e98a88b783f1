"""The doctor at a main instance: a small Octopus Server and a SQL Server over the wire, whole and broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.wire.database_layer.scene import MAIN_ID, fill_main
from tests.wire.rehearsal.small_octopus import API_KEY, SmallOctopus, small_octopus
from tidegate.command import main
from tidegate.providers.contract import SqlServerHost
from tidegate.sqlserver.connection import SqlServer


@dataclass
class Patient:
    """The settings of a main instance, as tests change them."""

    octopus: SmallOctopus
    folder: Path
    values: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def examined(self, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, Any]]]:
        file = self.folder / "tidegate.toml"
        sections = (
            f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
            for section, values in self.values.items()
        )
        file.write_text("\n".join(sections), encoding="utf-8")
        code = main(["doctor", "--settings", str(file), "--json"])
        out = capsys.readouterr().out
        assert API_KEY not in out
        return code, {one["name"]: one for one in json.loads(out)["examined"]}


@pytest.fixture
def patient(
    tmp_path: Path, host: SqlServerHost, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Patient]:
    monkeypatch.chdir(tmp_path)
    name = new_database()
    with SqlServer(host.address, name) as server:
        fill_main(server)
    folders = {one: tmp_path / one for one in ("packages", "artifacts", "task_logs")}
    for folder in folders.values():
        folder.mkdir()
    for variable, value in {
        "DOCTOR_KEY": API_KEY,
        "DOCTOR_MASTER": "c2VjcmV0c2VjcmV0c2VjcmU=",
        "DOCTOR_SQL": host.address.password.reveal(),
    }.items():
        monkeypatch.setenv(variable, value)
    with small_octopus() as octopus:
        octopus.installation_id = MAIN_ID
        yield Patient(
            octopus,
            tmp_path,
            {
                "main": {"url": f"'{octopus.url}'", "api_key": "'env:DOCTOR_KEY'", "master_key": "'env:DOCTOR_MASTER'"},
                "main.database": {
                    "server": f"'{host.address.server}'",
                    "name": f"'{name}'",
                    "user": f"'{host.address.user}'",
                    "password": "'env:DOCTOR_SQL'",
                    "trust_server_certificate": "true",
                },
                "main.folders": {one: f"'{folder}'" for one, folder in folders.items()},
                "main.backup_folder": {"on_server": f"'{host.backups.on_server}'", "here": f"'{host.backups.here}'"},
                "reports": {"pdf": "false"},
            },
        )


def test_a_whole_main_instance_is_healthy(patient: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = patient.examined(capsys)

    assert code == 0, found
    assert found["main instance"]["told"].endswith("is Octopus Server 2018.12.1")
    assert {name for name in found if found[name]["state"] == "good"} >= {
        "API key",
        "SQL Server",
        "SQL Server version",
        "right to back up",
        "right to restore",
        "[main] master_key",
        "[main.folders] packages",
        "backup folder",
    }


Change = Callable[[Patient], None]


def _unreachable(patient: Patient) -> None:
    patient.values["main"]["url"] = "'http://127.0.0.1:9'"


def _wrong_key(patient: Patient) -> None:
    patient.values["main"]["api_key"] = "'env:DOCTOR_MASTER'"


def _without_rights(patient: Patient) -> None:
    patient.octopus.permissions = ["UserView"]


def _no_sql_server(patient: Patient) -> None:
    patient.values["main.database"]["server"] = "'127.0.0.1,9'"
    patient.values["sql_server"] = {"login_timeout": "2"}


def _wrong_password(patient: Patient) -> None:
    patient.values["main.database"]["password"] = "'env:DOCTOR_MASTER'"


def _no_database(patient: Patient) -> None:
    patient.values["main.database"]["name"] = "'NoSuchDatabase'"


def _no_secret(patient: Patient) -> None:
    patient.values["main"]["master_key"] = "'env:NOBODY_SET_THIS'"


def _no_folder(patient: Patient) -> None:
    patient.values["main.folders"]["artifacts"] = "'/nowhere/artifacts'"


def _no_driver(patient: Patient) -> None:
    patient.values["sql_server"] = {"odbc_driver": "'ODBC Driver 9 for SQL Server'"}


def _version_too_new(patient: Patient) -> None:
    patient.octopus.version = "2022.1.1"


@pytest.mark.parametrize(
    ("change", "name", "told"),
    [
        (_unreachable, "main instance", "got no answer"),
        (_wrong_key, "API key", "401"),
        (_without_rights, "API key", "does not have AdministerSystem"),
        (_no_sql_server, "SQL Server", "127.0.0.1,9"),
        (_wrong_password, "SQL Server", "refused the login"),
        (_no_database, "SQL Server", "NoSuchDatabase"),
        (_no_secret, "[main] master_key", "NOBODY_SET_THIS"),
        (_no_folder, "[main.folders] artifacts", "cannot be read here"),
        (_no_driver, "ODBC driver", "ODBC Driver 9"),
        (_version_too_new, "path", "2022.1.1"),
    ],
)
def test_what_is_broken_is_named_with_what_to_do(
    patient: Patient, capsys: pytest.CaptureFixture[str], change: Change, name: str, told: str
) -> None:
    change(patient)
    code, found = patient.examined(capsys)

    assert code == 10
    assert found[name]["state"] == "bad", found[name]
    assert told in found[name]["told"]
    assert found[name]["next_step"]


def test_one_broken_thing_does_not_hide_another(patient: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    _unreachable(patient)
    _no_folder(patient)
    _, found = patient.examined(capsys)

    assert found["main instance"]["state"] == found["[main.folders] artifacts"]["state"] == "bad"
    assert found["SQL Server version"]["state"] == "unknown"
    assert found["right to back up"]["state"] == "good"
