"""The pipelines as far as they can be tried without their CI systems: schema, shell, commands, exit codes."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.unit.pipelines.shells import PIPELINES, Shell, checkout, commands, shells, yaml_of
from tests.unit.process.inner import REPOSITORY
from tidegate.command import main
from tidegate.settings import load

SHELLS: Final = shells()
SYSTEMS: Final = {"github-actions.yml", "gitlab-ci.yml", "azure-pipelines.yml", "Jenkinsfile", "settings.kts"}

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the pipelines run bash")


def _tool(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not installed: scripts/setup --dev")
    return found


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("github-actions.yml", "vendor.github-workflows"),
        ("gitlab-ci.yml", "vendor.gitlab-ci"),
        ("azure-pipelines.yml", "vendor.azure-pipelines"),
    ],
)
def test_yaml_keeps_to_the_schema_of_its_system(tmp_path: Path, name: str, schema: str) -> None:
    file = PIPELINES / name
    if name.startswith("azure"):  # its schema knows texts only, as the system itself does
        file = tmp_path / "azure-pipelines.json"
        file.write_text(json.dumps(yaml_of(name)), encoding="utf-8")
    checked = subprocess.run(
        [_tool("check-jsonschema"), "--regex-variant", "nonunicode", "--builtin-schema", schema, str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("name", "opens", "closes"), [("jenkins/Jenkinsfile", "{([", "})]"), ("teamcity/settings.kts", "{(", "})")]
)
def test_brackets_are_closed(name: str, opens: str, closes: str) -> None:
    text = re.sub(
        r'""".*?"""|\'\'\'.*?\'\'\'|"[^"\n]*"|\'[^\'\n]*\'|//[^\n]*',
        "",
        (PIPELINES / name).read_text("utf-8"),
        flags=re.DOTALL,
    )
    depth: list[str] = []
    for character in text:
        if character in opens:
            depth.append(closes[opens.index(character)])
        elif character in closes:
            assert depth.pop() == character
    assert depth == []


def test_every_system_rehearses_publishes_reports_and_gates() -> None:
    for system in SYSTEMS:
        text = "\n".join(shell.text for shell in SHELLS if shell.pipeline == system)
        for command in ("scripts/setup", "tidegate doctor", "scripts/rehearse", "scripts/publish", "tidegate report"):
            assert command in text, f"{system} lacks {command}"
        assert 'tidegate approval verify "$APPROVAL" --main "$OCTOPUS_MAIN_URL"' in text


@pytest.mark.parametrize("shell", SHELLS, ids=str)
def test_shell_is_sound(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "shell"
    file.write_text(f"#!/usr/bin/env bash\n{shell.text}\n", encoding="utf-8")
    told = subprocess.run([_tool("shellcheck"), str(file)], capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("name", ["publish", "rehearse", "setup", "test"])
def test_scripts_are_sound(name: str) -> None:
    file = REPOSITORY / "scripts" / name
    told = subprocess.run([_tool("shellcheck"), str(file)], capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stdout
    assert os.access(file, os.X_OK)


@pytest.mark.parametrize("shell", SHELLS, ids=str)
def test_commands_exist_with_those_options(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    for command in commands(shell):
        words = shlex.split(command.partition(" #")[0])
        program = words[0]
        if program == ".venv/bin/tidegate":
            with pytest.raises(SystemExit) as ended:  # help is only reached when what stands before it is known
                main([*words[1:], "--help"])
            assert ended.value.code == 0
            known = capsys.readouterr().out
            assert not [word for word in words if word.startswith("--") and word not in known]
        elif program.startswith("scripts/"):
            assert (REPOSITORY / program).is_file()
        else:
            assert program in {"npm", "echo", "set", ".venv/bin/python"}, program


def test_settings_in_the_environment_are_settings() -> None:
    texts = [file.read_text("utf-8") for file in PIPELINES.rglob("*") if file.is_file()]
    names = {name for text in texts for name in re.findall(r"TIDEGATE_[A-Z]+__[A-Z]+", text)}

    assert names == {"TIDEGATE_EMBEDDED__VERSION", "TIDEGATE_UPGRADE__TARGET"}
    given = {"TIDEGATE_EMBEDDED__VERSION": "2020.6.4671", "TIDEGATE_UPGRADE__TARGET": "2021.1.7500"}
    settings = load(environment={**given, "TIDEGATE_SETTINGS": ""})
    assert (str(settings.embedded.version), str(settings.upgrade.target)) == tuple(given.values())


def _ran(shell: Shell, folder: Path, **codes: int) -> tuple[int, list[str]]:
    """The exit code of a script as its system runs it, and the calls it made."""
    calls = folder / "calls"
    environment = {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(calls),
        "APPROVAL": "approvals/approval.json",
        "OCTOPUS_MAIN_URL": "https://octopus.example.com",
        "PIPELINE_WORKSPACE": str(folder),
        **{name: str(code) for name, code in codes.items()},
    }
    # All stop at the first command that fails, except TeamCity, whose scripts say so themselves.
    stops = [] if shell.pipeline == "settings.kts" else ["-e"]
    ran = subprocess.run(
        ["bash", *stops, "-c", shell.text], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    told = calls.read_text("utf-8").splitlines() if calls.exists() else []
    return ran.returncode, told


@pytest.mark.parametrize("shell", SHELLS, ids=str)
def test_shell_runs(shell: Shell, tmp_path: Path) -> None:
    code, calls = _ran(shell, checkout(tmp_path))

    assert code == 0
    assert calls or "echo" in shell.text or "publish" in shell.text


@pytest.mark.parametrize("shell", [one for one in SHELLS if "approval verify" in one.text], ids=str)
@pytest.mark.parametrize("code", [0, 1, 2, 10])
def test_only_a_yes_lets_the_production_stage_go_on(shell: Shell, code: int, tmp_path: Path) -> None:
    ended, calls = _ran(shell, checkout(tmp_path), TIDEGATE=code)

    assert ended == code
    assert "tidegate approval verify approvals/approval.json --main https://octopus.example.com" in calls


@pytest.mark.parametrize("shell", [one for one in SHELLS if "scripts/rehearse" in one.text], ids=str)
@pytest.mark.parametrize("code", [1, 2, 10])
def test_a_verdict_that_is_no_approval_fails_the_job(shell: Shell, code: int, tmp_path: Path) -> None:
    assert _ran(shell, checkout(tmp_path), REHEARSE=code)[0] == code


@pytest.mark.parametrize("shell", [one for one in SHELLS if "--output merged" in one.text], ids=str)
def test_every_run_goes_into_the_merged_report(shell: Shell, tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    for above in ("runs", "published", "runs/rehearsal-1"):
        (folder / above / "run-2").mkdir()
    _, calls = _ran(shell, folder)
    [call] = [one for one in calls if one.startswith("tidegate report")]

    assert "run-1" in call
    assert "run-2" in call
    assert call.endswith("--output merged")


def test_a_run_is_published_once_and_not_by_a_later_build(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    run = folder / "reports" / "2026-11-23T07-00-00Z-abcdef"
    run.mkdir(parents=True)
    (run / "verdict.json").touch()
    (folder / "reports" / "latest").symlink_to(run.name)
    publish = Shell("publish", "scripts/publish published")

    code, calls = _ran(publish, folder)
    assert (code, calls) == (0, [f"tidegate report {run.resolve()}"])
    assert [file.name for file in (folder / "published").iterdir()] == [run.name]

    code, _ = _ran(publish, folder)
    assert code == 0
    assert not (folder / "published").exists()
    assert run.exists()
