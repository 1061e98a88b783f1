"""Everything that may be wrong with containers is said before anything is started, once and with what to do."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.providers.docker_engine import Answers, docker_engine
from tidegate.errors import SettingsError, UsageError
from tidegate.providers.containers.preflight import check_containers, versions_to_run
from tidegate.settings import ContainerSettings, EmbeddedSettings, Settings
from tidegate.settings.model import ReportSettings, TestInstanceSettings, UpgradeSettings
from tidegate.versions import Version

IMAGES = ("sql:1", "gateway:1", "octopus:2018.12.1", "octopus:2021.1.7500")


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short path: those of Unix sockets are limited to 107 bytes."""
    return tmp_path_factory.mktemp("d") / "s"


def settings(reports: Path, **containers: object) -> Settings:
    wanted = {
        "accept_eula": True,
        "octopus_image": "octopus:{version}",
        "sql_server_image": "sql:1",
        "gateway_image": "gateway:1",
        "free_disk": 0,
        **containers,
    }
    return Settings(
        test_instance=TestInstanceSettings(provider="containers"),
        containers=ContainerSettings.model_validate(wanted),
        reports=ReportSettings(folder=reports / "reports"),
    )


def refusal(monkeypatch: pytest.MonkeyPatch, address: str, wanted: Settings) -> UsageError:
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(UsageError) as caught:
        check_containers(wanted)
    return caught.value


def test_is_silent_when_everything_is_there(short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(tmp_path, images=IMAGES)
    with docker_engine(short, answers) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        check_containers(settings(tmp_path))

    assert not any(asked.startswith("POST") for asked in answers.asked), "something was started"
    assert not any("distribution" in asked for asked in answers.asked), "a registry was asked for what is here"


def test_accepts_images_that_the_registry_offers(short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with docker_engine(short, Answers(tmp_path, images=IMAGES[:2], offered=IMAGES[2:])) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        check_containers(settings(tmp_path))


def test_names_every_missing_image_with_the_registrys_reason(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with docker_engine(short, Answers(tmp_path, images=IMAGES[:2])) as address:
        error = refusal(monkeypatch, address, settings(tmp_path))

    assert "octopus:2018.12.1: manifest unknown" in error.what
    assert "octopus:2021.1.7500: manifest unknown" in error.what
    assert "sql:1" not in error.what
    assert "docker login" in error.next_step


def test_says_that_no_engine_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(monkeypatch, f"unix://{tmp_path}/nobody", settings(tmp_path))

    assert "no Docker engine answers" in error.what
    assert "embedded" in error.next_step


def test_says_that_this_user_has_no_rights(short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with docker_engine(short, Answers(tmp_path, images=IMAGES)) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        check_containers(settings(tmp_path))  # with rights it works; and everything is imported by now
        with _without_rights(short):
            error = refusal(monkeypatch, address, settings(tmp_path))

    assert "may not use" in error.what
    assert "group `docker`" in error.next_step


@contextmanager
def _without_rights(socket: Path) -> Generator[None]:
    """Nobody may connect; root, whom that does not stop, becomes somebody else for a while."""
    socket.chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        yield
    finally:
        if root:
            os.seteuid(0)
        socket.chmod(0o600)


def test_says_that_the_engine_is_too_old(short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with docker_engine(short, Answers(tmp_path, images=IMAGES, api="1.39")) as address:
        error = refusal(monkeypatch, address, settings(tmp_path))

    assert "too old" in error.what
    assert "1.39" in error.what
    assert "20.10" in error.next_step


def test_says_that_the_disk_is_low(short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with docker_engine(short, Answers(tmp_path / "not" / "readable", images=IMAGES)) as address:
        error = refusal(monkeypatch, address, settings(tmp_path, free_disk=10**6))

    assert "GiB free" in error.what
    assert "1000000" in error.what


def test_refuses_an_engine_on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(monkeypatch, "tcp://docker.example.invalid:2375", settings(tmp_path))

    assert "another machine" in error.what


def test_wants_the_licences_accepted(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="licences of the images are not accepted"):
        check_containers(settings(tmp_path, accept_eula=False))


def test_wants_a_version_in_the_image_name() -> None:
    with pytest.raises(ValueError, match="must contain"):
        ContainerSettings(octopus_image="octopusdeploy/octopusdeploy:latest")


def test_knows_which_versions_will_run() -> None:
    wanted = Settings(
        embedded=EmbeddedSettings(version=Version(2018, 12, 1)),
        upgrade=UpgradeSettings(target=Version(2021, 1, 7500), via=(Version(2020, 6, 4671),)),
    )

    assert versions_to_run(wanted) == [Version(2018, 12, 1), Version(2020, 6, 4671), Version(2021, 1, 7500)]
