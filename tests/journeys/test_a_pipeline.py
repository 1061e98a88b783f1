"""The shell of GitHub's pipeline, word for word and in its order, with the real programs: only GitHub itself is played.

A matrix of two rehearsals on runners of their own, one of a main instance that stands and one of the sample; their runs
go to a third runner, which merges them; a person signs; and the production stage asks whether it may go on.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.gate.approvals import private_key
from tests.unit.pipelines.shells import yaml_of
from tests.unit.process.inner import REPOSITORY
from tidegate.gate.signing import SigningKey
from tidegate.lab import Lab
from tidegate.octopus.client import Access, OctopusClient
from tidegate.secrets import Secret
from tidegate.settings import EmbeddedSettings, load
from tidegate.versions import Version

pytestmark = [
    pytest.mark.journey,
    pytest.mark.thorough,  # it makes three environments
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm, which the pipelines use, is not installed"),
]

#: What GitHub runs when: the shell of a step stops at the first command that fails (its documentation, "shell").
_SHELL: Final = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")


class Runner:
    """A machine of its own: a checkout, and the secrets and variables that GitHub gives to its job."""

    def __init__(self, folder: Path, job: str, **known: str) -> None:
        subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(folder)], check=True)
        self.folder = folder
        self._job = yaml_of("github-actions.yml")["jobs"][job]
        given = {name: _filled(str(text), known) for name, text in self._job.get("env", {}).items()}
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            **{name: value for name, value in given.items() if value},
        }

    def run(self) -> tuple[int, str]:
        """Its steps until one fails, and then those that always run; the first exit code that is not 0, and all that
        was printed."""
        code, told = 0, ""
        for step in self._job["steps"]:
            condition = step.get("if", "")
            if "run" not in step or condition == "cancelled()" or (code and condition != "always()"):
                continue
            ended = self.shell(step["run"])
            code, told = code or ended.returncode, told + ended.stdout + ended.stderr
        return code, told

    def shell(self, text: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*_SHELL, text],
            cwd=self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


def _filled(text: str, known: Mapping[str, str]) -> str:
    """A value with what GitHub puts in; secrets that nobody has set are empty."""
    return re.sub(r"\$\{\{ *([\w.]+) *\}\}", lambda found: known.get(found[1].replace(".", "_"), ""), text)


def test_rehearses_merges_and_lets_production_go_on_only_after_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADA_KEY", private_key())
    public = SigningKey(Secret.parse("env:ADA_KEY")).public
    with Lab(tmp_path / "lab", EmbeddedSettings(version=Version.parse("2018.12.1"))) as lab:
        address = lab.start(lambda _: None)
        wanted = f'[upgrade]\ntarget = "2021.1.7500"\n[[approval.approvers]]\nname = "Ada"\nkey = "{public}"\n'
        address.settings.write_text(address.settings.read_text("utf-8") + wanted, encoding="utf-8")
        settings_file = str(address.settings)
        standing = Runner(tmp_path / "standing", "rehearse", vars_TIDEGATE_SETTINGS=settings_file)
        sample = Runner(tmp_path / "sample", "rehearse", matrix_from="2020.6.4671", matrix_to="2021.1.7500")
        merging = Runner(tmp_path / "merging", "report")
        for runner in (standing, sample):
            code, told = runner.run()
            assert code == 0, told
            [run] = (runner.folder / "published").iterdir()
            assert {"change-board.html", "change-board.pdf", "allure-report", "verdict.json"} <= _names(run)
            shutil.copytree(run, merging.folder / "runs" / run.name)

        code, told = merging.run()
        assert code == 0, told
        assert "index.html" in " ".join(_names(merging.folder / "merged")), _names(merging.folder / "merged")

        [run] = (standing.folder / "published").iterdir()
        signed = standing.shell(
            f".venv/bin/tidegate approval sign {run} --as Ada --key env:ADA_KEY --decision approve --comment fine",
            ADA_KEY=os.environ["ADA_KEY"],
        )
        assert signed.returncode == 0, signed.stdout + signed.stderr
        production = Runner(
            tmp_path / "production",
            "production",
            vars_TIDEGATE_SETTINGS=settings_file,
            vars_OCTOPUS_MAIN_URL=address.url,
            inputs_approval=str(run / "approval.json"),
        )
        code, told = production.run()
        assert (code, "your own upgrade of the main instance comes here" in told) == (0, True), told

        settings: Any = load(address.settings)
        with OctopusClient(address.url, settings.main.api_key, access=Access.FULL) as client:
            client.post("/api/environments", {"Name": "Made since the rehearsal"})
        code, told = production.run()
        assert (code, "your own upgrade of the main instance comes here" in told) == (1, False), told
        assert "audit-drift" in told


def _names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}
