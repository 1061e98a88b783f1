"""The `tidegate` command as a whole: help for everything, JSON where a pipeline reads, and errors that help."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.process.inner import REPOSITORY
from tidegate.command import main
from tidegate.command.lab import tell
from tidegate.lab import LabAddress

ADDRESS = LabAddress("http://127.0.0.1:8080", "127.0.0.1,1433", Path("/tmp/lab/settings.toml"))


@pytest.mark.parametrize(
    "command",
    [
        ["doctor"],
        ["plan"],
        ["lab"],
        ["evidence", "verify"],
        ["approval", "sign"],
        ["approval", "verify"],
        ["report"],
        ["reap"],
    ],
)
def test_every_subcommand_explains_itself(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])

    assert ended.value.code == 0
    assert f"usage: tidegate {' '.join(command)}" in capsys.readouterr().out


def test_the_lab_says_where_everything_is_and_shows_no_key() -> None:
    out = io.StringIO()
    tell(ADDRESS, out)

    assert "The main instance is at http://127.0.0.1:8080" in out.getvalue()
    assert "/tmp/lab/secrets/api-key" in out.getvalue()
    assert "pytest features/ --settings=/tmp/lab/settings.toml" in out.getvalue()


def test_a_pipeline_reads_the_lab_from_one_line() -> None:
    out = io.StringIO()
    tell(ADDRESS, out, as_json=True)

    assert json.loads(out.getvalue())["api_key_file"] == "/tmp/lab/secrets/api-key"
    assert out.getvalue().count("\n") == 1


def test_the_lab_refuses_a_folder_that_holds_something(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").touch()

    assert main(["lab", str(tmp_path)]) == 2
    assert "the lab's folder is not empty" in capsys.readouterr().err


def test_reap_says_so_when_nothing_was_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_REPORTS__FOLDER", str(tmp_path))
    monkeypatch.delenv("TIDEGATE_SETTINGS", raising=False)

    assert main(["reap"]) == 0
    assert capsys.readouterr().out == "nothing was left behind\n"
    assert main(["reap", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"done": [], "failed": []}


def test_an_error_says_what_where_and_what_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "verify", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith("tidegate: there is no such run folder")


def test_an_answer_does_not_depend_on_what_the_agent_s_output_can_write() -> None:
    """Arrows of paths once ended in a traceback, and with it in exit code 1: "no" instead of the answer."""
    ran = subprocess.run(
        [sys.executable, "-m", "tidegate.command", "plan", "2018.12.1", "2021.1.7500"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "2018.12.1 \\u2192 2021.1.7500" in ran.stdout
