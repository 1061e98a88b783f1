"""The command line without a database."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from standins.octopus.command.catalogue import find
from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.instances import InstanceConfiguration
from standins.octopus.command.options import parse_options
from standins.octopus.command.program import main
from standins.octopus.contract import Version
from standins.octopus.server import parse_prefix


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OCTOPUS_SERVER_CONFIGURATION_DIRECTORY", str(tmp_path / "registry"))
    folder = tmp_path / "install"
    folder.mkdir()
    (folder / "release.json").write_text('{"Version": "2019.13.5"}')
    return folder


def run(install: Path, *arguments: str) -> int:
    return main(["--install-folder", str(install), *arguments])


def test_the_version_comes_from_the_installation(install: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(install, "version") == 0
    assert capsys.readouterr().out == "2019.13.5\n"
    assert run(install, "version", "--format=json") == 0
    assert json.loads(capsys.readouterr().out) == {"Version": "2019.13.5"}


def test_an_unknown_command_shows_the_help_and_ends_with_2(install: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(install, "frobnicate") == 2
    shown = capsys.readouterr()
    assert "Unknown command: frobnicate" in shown.err
    assert "list-instances" in shown.out


def test_no_command_at_all(install: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(install) == 2
    assert "Usage: octopus.server" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["version", "--wrong"], ["version", "stray"], ["version", "--format"]])
def test_a_wrong_option_ends_with_1(install: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(install, *arguments) == 1
    assert capsys.readouterr().err.startswith("FATAL ")


def test_the_watchdog_is_created_and_deleted(install: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(install, "watchdog") == 1
    assert run(install, "watchdog", "--create", "--interval=0") == 1
    assert "is not a number of minutes" in capsys.readouterr().err
    assert run(install, "watchdog", "--create", "--interval=10") == 0
    assert "every 10 minutes" in capsys.readouterr().out
    assert run(install, "watchdog", "--delete") == 0


def test_commands_come_and_go_with_versions() -> None:
    assert find("metrics", Version(2020, 4, 6))
    assert find("metrics", Version(2020, 5, 0)) is None
    assert find("rotate-master-key", Version(2022, 3, 8660)) is None
    assert find("rotate-master-key", Version(2022, 4, 8377))


def test_an_instance_is_created_listed_and_deleted(install: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = install.parent / "home"
    assert run(install, "create-instance", "--instance", "Clone", f"--home={home}", "--serverNodeName=node-1") == 0
    capsys.readouterr()
    assert run(install, "list-instances") == 0
    assert capsys.readouterr().out == f"Instance 'Clone' uses configuration '{home / 'Clone.config'}'.\n"
    assert run(install, "list-instances", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)[0]["InstanceName"] == "Clone"
    assert InstanceConfiguration.read(home / "Clone.config").node_name == "node-1"
    assert run(install, "delete-instance", "--instance=Clone") == 0
    capsys.readouterr()
    run(install, "list-instances")
    assert capsys.readouterr().out == ""


def test_an_instance_must_exist(install: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(install, "show-master-key", "--instance=Nobody") == 1
    assert "Instance Nobody has not been configured on this machine" in capsys.readouterr().err


def test_the_configuration_is_private_and_shows_no_secret(tmp_path: Path) -> None:
    configuration = InstanceConfiguration(tmp_path / "a.config", {"Octopus.Storage.MasterKey": "hunter2"})
    configuration.save()
    assert stat.S_IMODE((tmp_path / "a.config").stat().st_mode) == 0o600
    assert InstanceConfiguration.read(configuration.path).values == configuration.values
    assert "hunter2" not in repr(configuration)


def test_a_key_from_another_machine_cannot_be_read(install: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = install.parent / "a.config"
    InstanceConfiguration(file, {"Octopus.Storage.MasterKey": "AQAAANCMnd8BFdERjHoAwE"}).save()
    assert run(install, "show-master-key", "--config", str(file)) == 1
    assert "Unable to parse configuration key 'Octopus.Storage.MasterKey'" in capsys.readouterr().err


def test_options_in_both_spellings_and_any_case() -> None:
    options = parse_options(["--Username=a", "--password", "b c", "--WAIT"], ["username", "password"], ["wait"])
    assert options.get("username") == "a"
    assert options.get("PASSWORD") == "b c"
    assert options.has("wait")
    assert "b c" not in repr(options)


def test_a_switch_is_true_or_false() -> None:
    assert parse_options(["--drain=true"], ["drain"], []).switch("drain") is True
    assert parse_options([], ["drain"], []).switch("drain") is None
    with pytest.raises(ControlledFailure, match="neither true nor false"):
        parse_options(["--drain=perhaps"], ["drain"], []).switch("drain")


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("http://localhost:0/", ("127.0.0.1", 0)),
        ("http://localhost:8080/,https://octopus:443/", ("127.0.0.1", 8080)),
        ("http://+:80/octopus", ("0.0.0.0", 80)),  # noqa: S104 - what + means
        ("https://octopus.example/", ("octopus.example", 443)),
        ("", ("127.0.0.1", 8080)),
    ],
)
def test_listen_prefixes(prefix: str, expected: tuple[str, int]) -> None:
    assert parse_prefix(prefix) == expected
