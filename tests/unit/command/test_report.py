"""`tidegate report`: the documents of one run again, or of several together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.ledgers import Event, entries, finished, found, good_run, started
from tests.unit.reporting.allure_tool import made_up_allure
from tidegate.command import main
from tidegate.gate.seal import seal


@pytest.fixture(autouse=True)
def _without_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.chdir(empty)


def _run(folder: Path, events: list[Event] | None = None) -> Path:
    entries(folder, events or good_run())
    results = folder / "allure-results"
    results.mkdir()
    labels = [{"name": "epic", "value": "Upgrade"}, {"name": "owner", "value": "somebody"}]
    result = {"uuid": folder.name, "name": "A", "fullName": "a#b", "historyId": "h", "labels": labels}
    (results / f"{folder.name}-result.json").write_text(json.dumps(result), encoding="utf-8")
    (results / f"{folder.name}-container.json").write_text("{}", encoding="utf-8")
    seal(folder)
    return folder


def _report(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["report", "--json", "--without-pdf", *map(str, arguments)]) == 0
    return json.loads(capsys.readouterr().out)


def test_without_allure_the_page_is_made_and_the_way_to_allure_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _run(tmp_path / "run-1")
    told = _report(capsys, folder)

    assert told["allure"] is None
    assert "npm install allure@3" in told["why_no_allure"]
    assert (told["runs"][0]["verdict"], told["runs"][0]["pdf"]) == ("approved", None)
    assert "APPROVED" in (folder / "change-board.html").read_text(encoding="utf-8")


def test_with_allure_the_page_leads_into_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _run(tmp_path / "run-1")
    told = _report(capsys, folder, "--allure", made_up_allure(tmp_path / "bin"))

    assert told["allure"] == str(folder / "allure-report" / "index.html")
    assert 'href="allure-report/index.html"' in (folder / "change-board.html").read_text(encoding="utf-8")


def test_the_page_comes_out_the_same_on_a_machine_without_allure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _run(tmp_path / "run-1")
    _report(capsys, folder, "--allure", made_up_allure(tmp_path / "bin"))
    page = (folder / "change-board.html").read_bytes()
    told = _report(capsys, folder)

    assert told["allure"] is None
    assert (folder / "change-board.html").read_bytes() == page


def test_people_are_told_where_everything_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(_run(tmp_path / "run-1")), "--without-pdf"]) == 0
    out = capsys.readouterr().out

    assert "2018.12.1 → 2021.1.7500: approved" in out
    assert "change-board.html" in out
    assert "npm install allure@3" in out


def test_damaged_evidence_is_not_reported_as_approved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _run(tmp_path / "run-1")
    ledger = folder / "evidence.jsonl"
    ledger.write_text(ledger.read_text(encoding="utf-8").replace("example.com", "example.org"), encoding="utf-8")
    told = _report(capsys, folder)

    assert told["runs"][0]["verdict"] == "incomplete"
    assert "was changed, removed or added" in (folder / "change-board.html").read_text(encoding="utf-8")


def test_several_runs_become_one_report_in_which_none_hides_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [
        _run(tmp_path / "run-1"),
        _run(tmp_path / "run-2", [started(run="r2"), *good_run()[1:-1], found(), finished()]),
    ]
    output, command = tmp_path / "merged", made_up_allure(tmp_path / "bin")
    told = _report(capsys, *runs, "--output", output, "--allure", command)
    results = [json.loads(file.read_text("utf-8")) for file in sorted(output.glob("allure-results/*-result.json"))]

    assert [run["verdict"] for run in told["runs"]] == ["approved", "rejected"]
    assert len({result["historyId"] for result in results}) == 2
    assert sorted(result["parameters"][0]["value"] for result in results) == [
        "2018.12.1 to 2021.1.7500",
        "2018.12.1 to 2021.1.7500 (2)",
    ]
    assert results[0]["labels"] == [
        {"name": "owner", "value": "somebody"},
        {"name": "epic", "value": "Upgrade of 2018.12.1 to 2021.1.7500"},
        {"name": "parentSuite", "value": "Upgrade of 2018.12.1 to 2021.1.7500"},
    ]
    assert len(list(output.glob("allure-results/*-container.json"))) == 2
    page = (output / "index.html").read_text(encoding="utf-8")
    assert page.index("REJECTED") < page.index("APPROVED"), "the worst comes first"
    assert 'href="run-2/change-board.html"' in page
    assert (output / "run-2" / "change-board.html").is_file()
    assert 'href="allure-report/index.html"' in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run-1", "run-2"], "several runs are given"),
        (["run-1", "run-1", "--output", "o"], "a run is given twice"),
        (["nowhere"], "this is not the folder of a run"),
    ],
)
def test_says_what_to_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("run-1", "run-2"):
        _run(tmp_path / name)

    assert main(["report", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_an_allure_that_is_named_and_does_not_work_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = made_up_allure(tmp_path / "bin", "2.46.1")

    assert main(["report", str(_run(tmp_path / "run-1")), "--allure", str(command)]) == 10
    assert "is not Allure 3" in capsys.readouterr().err


@pytest.mark.parametrize(("expected", "code"), [(0, 0), (2, 0), (3, 10)])
def test_a_path_of_the_matrix_that_left_no_run_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expected: int, code: int
) -> None:
    """Every run that is there is approved, and the report must not look whole."""
    runs = [_run(tmp_path / f"run-{number}") for number in (1, 2)]
    merged = tmp_path / "merged"

    ended = main(["report", "--without-pdf", "--expect", str(expected), *map(str, runs), "--output", str(merged)])

    page = (merged / "index.html").read_text(encoding="utf-8")
    assert ended == code
    assert ("1 rehearsal that was expected left no run" in page) is bool(code)
    assert ("1 rehearsal that was expected left no run" in capsys.readouterr().out) is bool(code)
    assert f"2 of {3 if code else 2} rehearsals" in page


def test_the_folder_of_runs_is_where_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "tidegate.toml"
    settings.write_text('[reports]\nfolder = "runs of May"\n', encoding="utf-8")
    monkeypatch.setenv("TIDEGATE_SETTINGS", str(settings))

    assert main(["report", "--where"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'runs of May'}\n"


def test_a_report_of_no_run_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 2
    assert "no run is named" in capsys.readouterr().err
