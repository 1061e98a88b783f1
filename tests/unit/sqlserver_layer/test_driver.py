"""The choice of an ODBC driver, with nothing of it installed but what each test says."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tidegate.errors import DriverMissing
from tidegate.sqlserver import driver
from tidegate.sqlserver.driver import DriverFamily, find_driver, load_pyodbc, wheel_library

EIGHTEEN = "ODBC Driver 18 for SQL Server"
SEVENTEEN = "ODBC Driver 17 for SQL Server"


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_WHEEL", "a_package_that_is_not_installed")


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The layout of the wheel, with a library for each family of Linux."""
    monkeypatch.setattr(driver.platform, "system", lambda: "Linux")
    monkeypatch.setattr(driver.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(driver.sys, "platform", "linux")
    for family in ("debian_ubuntu", "rhel", "suse"):
        for machine in ("x86_64", "arm64"):
            library = tmp_path / "libs" / "linux" / family / machine / "lib" / "libmsodbcsql-18.6.so.2.1"
            library.parent.mkdir(parents=True)
            library.touch()
    return tmp_path


def test_the_newest_installed_microsoft_driver_is_chosen() -> None:
    chosen = find_driver(installed=["FreeTDS", SEVENTEEN, EIGHTEEN])

    assert (chosen.name, chosen.family) == (EIGHTEEN, DriverFamily.MICROSOFT)
    assert "installed" in chosen.reason


def test_the_setting_comes_before_everything_that_is_installed() -> None:
    chosen = find_driver("FreeTDS", installed=["FreeTDS", EIGHTEEN])

    assert (chosen.name, chosen.family) == ("FreeTDS", DriverFamily.FREETDS)
    assert "odbc_driver" in chosen.reason


def test_a_path_in_the_setting_is_taken_when_it_is_a_file(tmp_path: Path) -> None:
    library = tmp_path / "libtdsodbc.so"
    library.touch()

    chosen = find_driver(str(library), installed=[])

    assert chosen.by_path
    assert chosen.family is DriverFamily.FREETDS


def test_a_setting_that_names_nothing_says_what_there_is() -> None:
    with pytest.raises(DriverMissing) as error:
        find_driver("ODBC Driver 13", installed=["FreeTDS"])

    assert "ODBC Driver 13" in error.value.what
    assert "FreeTDS" in error.value.next_step


def test_freetds_is_the_last_choice(no_wheel: None) -> None:
    assert find_driver(installed=["FreeTDS"]).family is DriverFamily.FREETDS


def test_no_driver_at_all_names_the_ways_to_get_one(no_wheel: None) -> None:
    with pytest.raises(DriverMissing) as error:
        find_driver(installed=["PostgreSQL"])

    assert "PostgreSQL" in error.value.what
    assert "mssql-python-odbc" in error.value.next_step


@pytest.mark.parametrize(
    ("distribution", "family"),
    [
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, "debian_ubuntu"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "rhel"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "suse"),
        ({"ID": "never-heard-of"}, "debian_ubuntu"),
    ],
)
def test_the_wheels_library_fits_the_distribution(
    wheel: Path, monkeypatch: pytest.MonkeyPatch, distribution: dict[str, str], family: str
) -> None:
    monkeypatch.setattr(driver.platform, "freedesktop_os_release", lambda: distribution)

    library = wheel_library(wheel)

    assert library is not None
    assert family in library.parts
    assert "x86_64" in library.parts


def test_a_machine_the_wheel_was_not_built_for_gets_no_library(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver.platform, "machine", lambda: "riscv64")

    assert wheel_library(wheel) is None


def test_a_missing_driver_manager_is_told_with_the_packages_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ImportError("libodbc.so.2: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(importlib, "import_module", refuse)

    with pytest.raises(DriverMissing) as error:
        load_pyodbc()

    assert "libodbc.so.2" in error.value.what
    assert "apt-get install libodbc2" in error.value.next_step
