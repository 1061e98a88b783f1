"""Allure's report as one file: made where Allure 3 is, and a clear word where it is not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.process.inner import REPOSITORY
from tests.unit.reporting.allure_tool import made_up_allure
from tidegate.errors import HarnessError
from tidegate.reporting.allure_report import HISTORY, Allure, AllureUnavailable, find_allure

ALLURE = Path(__file__).parent / "allure" / "node_modules" / ".bin" / "allure"


def _run(folder: Path, name: str = "run-1") -> Path:
    results = folder / "reports" / name / "allure-results"
    results.mkdir(parents=True)
    result = {"uuid": "1", "name": "A scenario", "status": "passed", "start": 1, "stop": 2, "fullName": "a#b"}
    (results / "1-result.json").write_text(json.dumps(result), encoding="utf-8")
    return results


def _told(command: Path) -> dict[str, Any]:
    return json.loads((command.parent / "told.json").read_text(encoding="utf-8"))


@pytest.fixture
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, and a path with nothing on it."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.chdir(tmp_path)
    return path


def test_makes_one_file_with_the_configuration_beside_the_runs(tmp_path: Path) -> None:
    results, command = _run(tmp_path), made_up_allure(tmp_path / "bin")
    reports = tmp_path / "reports"
    (reports / "allurerc.json").write_text('{"plugins": {"awesome": {"options": {"theme": "dark"}}}}', encoding="utf-8")
    page = Allure(str(command), "3.18.0").generate([results], reports / "run-1" / "allure-report", "A run", reports)

    assert page.read_text(encoding="utf-8") == "<html>a report</html>"
    told = _told(command)["configuration"]
    assert (told["name"], told["plugins"]["awesome"]["options"]["theme"]) == ("A run", "dark")
    assert sorted(file.name for file in (reports / "run-1").iterdir()) == ["allure-report", "allure-results"]


def test_folders_may_be_named_as_they_are_seen_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(tmp_path)
    monkeypatch.chdir(tmp_path / "reports")
    allure = Allure(str(made_up_allure(tmp_path / "bin")), "3.18.0")
    page = allure.generate([Path("run-1/allure-results")], Path("merged/allure-report"), "A run", Path("merged"))

    assert page.is_file()
    [results] = [one for one in _told(Path(allure.command))["arguments"] if one.endswith("allure-results")]
    assert Path(results).is_dir()


def test_history_grows_by_one_for_each_run_however_often_it_is_reported(tmp_path: Path) -> None:
    allure = Allure(str(made_up_allure(tmp_path / "bin")), "3.18.0")
    reports = tmp_path / "reports"
    for name in ("run-1", "run-2", "run-1"):
        results = reports / name / "allure-results"
        results = results if results.exists() else _run(tmp_path, name)
        allure.generate([results], reports / name / "allure-report", name, reports)
    lines = (reports / HISTORY).read_text(encoding="utf-8").splitlines()

    assert [json.loads(line)["name"] for line in lines] == ["run-2", "run-1"]


def test_says_what_allure_said_when_it_fails(tmp_path: Path) -> None:
    command = made_up_allure(tmp_path / "bin", fails=True)
    with pytest.raises(HarnessError, match=r"exit code 1\): there is no result that can be read"):
        Allure(str(command), "3").generate([_run(tmp_path)], tmp_path / "out", "A run", tmp_path / "reports")


def test_finds_allure_in_the_modules_of_a_folder_above(empty_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = made_up_allure(empty_machine.parent / "node_modules" / ".bin")
    inner = empty_machine.parent / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)

    assert find_allure() == Allure(str(command), "3.18.0")


def test_finds_allure_on_the_path(empty_machine: Path) -> None:
    command = made_up_allure(empty_machine, "3.20.1")

    assert find_allure() == Allure(str(command), "3.20.1")


def test_allure_2_is_not_taken_for_allure_3(empty_machine: Path) -> None:
    command = made_up_allure(empty_machine, "2.46.1")
    with pytest.raises(AllureUnavailable, match=r"Node\.js is not on this machine"):
        find_allure()
    with pytest.raises(AllureUnavailable, match=r"is not Allure 3, it says 2\.46\.1"):
        find_allure(str(command))


@pytest.mark.usefixtures("empty_machine")
def test_says_what_to_install_where_node_is_missing() -> None:
    with pytest.raises(AllureUnavailable) as error:
        find_allure()

    assert "install Node.js 20 or newer, then `npm install allure@3`" in str(error.value)
    assert "any other Allure" in str(error.value)


def test_says_what_to_install_where_only_allure_is_missing(empty_machine: Path) -> None:
    node = empty_machine / "node"
    node.write_text("#!/bin/sh\n", encoding="utf-8")
    node.chmod(0o755)
    with pytest.raises(AllureUnavailable, match=r"Node\.js is here, Allure 3 is not"):
        find_allure()


def test_the_packaged_configuration_is_the_committed_one() -> None:
    packaged = REPOSITORY / "tidegate" / "reporting" / "allurerc.json"

    assert packaged.read_bytes() == (REPOSITORY / "reports" / "allurerc.json").read_bytes()


def test_the_real_allure_makes_one_self_contained_file(tmp_path: Path) -> None:
    try:
        allure = find_allure(str(ALLURE) if ALLURE.exists() else "")
    except AllureUnavailable as error:
        pytest.skip(f"{error}; or run 'npm install' in {ALLURE.parents[2].relative_to(REPOSITORY)}")
    reports = tmp_path / "reports"
    page = allure.generate([_run(tmp_path)], reports / "run-1" / "allure-report", "A run", reports)
    text = page.read_text(encoding="utf-8")

    assert "<html" in text
    assert re.findall(r'<(?:script|link)\b[^>]{0,200}\b(?:src|href)="(?!data:)[^"]*"', text) == []
    assert json.loads((reports / HISTORY).read_text(encoding="utf-8"))["name"] == "A run"
