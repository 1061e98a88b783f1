"""A small rehearsal in a folder of its own: the real plugins around inline features and steps."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import pytest

from fixtures.plugins import PLUGINS

REPOSITORY = Path(__file__).parents[3]

STEPS = """
import pytest
from pytest_bdd import given, parsers, then, when
from tidegate.errors import *
from tidegate.secrets import Secret

pytest_plugins = {plugins!r}

def pytest_configure(config):
    from fixtures.plugins.whole import refuse_less
    refuse_less(config)

@given("nothing")
def _(): pass

@when(parsers.parse("it is {{word}}"))
def _(word):
    assert word != "bad", f"it is {{word}}"

@then("all is well")
def _(): pass
"""

#: A feature in which all is well.
GOOD = """
Feature: Good things
  Scenario: The first thing is good
    Given nothing
    When it is good
    Then all is well

  Scenario: The second thing is good
    Given nothing
    Then all is well
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run printed and left behind."""

    exit_code: int
    output: str
    folder: Path | None

    @property
    def run_folder(self) -> Path:
        assert self.folder is not None, self.output
        return self.folder

    @property
    def verdict(self) -> dict[str, Any]:
        return json.loads((self.run_folder / "verdict.json").read_text(encoding="utf-8"))

    @property
    def codes(self) -> set[str]:
        return {str(reason["code"]) for reason in self.verdict["reasons"]}

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.run_folder / "evidence.jsonl").read_text(encoding="utf-8").splitlines()
        return [entry["details"] for entry in map(json.loads, lines) if entry["kind"] == kind]

    def scenarios(self) -> dict[str, str]:
        """Title → outcome."""
        return {event["id"].split(": ", 1)[1]: event["outcome"] for event in self.events("scenario")}

    def allure(self, kind: str = "result") -> list[dict[str, Any]]:
        found = sorted(self.run_folder.glob(f"allure-results/*-{kind}.json"))
        return [json.loads(file.read_text(encoding="utf-8")) for file in found]

    def result(self, name: str) -> dict[str, Any]:
        [one] = [result for result in self.allure() if result["name"] == name]
        return one


@final
class Rehearsal:
    """An inner project: write features and steps, then run it."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        ini = {
            "addopts": "--strict-markers --tb=short -ra -p no:schemathesis -p no:hypothesispytest -p no:anyio",
            "filterwarnings": "error",
        }
        pytester.makeini("[pytest]\n" + "".join(f"{name} = {value}\n" for name, value in ini.items()))
        self.steps("")

    def feature(self, text: str, name: str = "a.feature") -> None:
        file = self.path / "features" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")

    def steps(self, *texts: str) -> None:
        source = "\n".join([STEPS.format(plugins=list(PLUGINS)), *map(textwrap.dedent, texts)])
        (self.path / "conftest.py").write_text(source, encoding="utf-8")

    def run(self, *arguments: str, apart: bool = False) -> Ran:
        """In this process, or ``apart`` in one of its own (workers and signals need that)."""
        given = arguments or ("features",)
        runner = self.pytester.runpytest_subprocess if apart else self.pytester.runpytest_inprocess
        result = runner(*given)
        output = result.stdout.str() + "\n" + result.stderr.str()
        return Ran(int(result.ret), re.sub(r"\x1b\[[0-9;]*m", "", output), self.latest())

    def latest(self) -> Path | None:
        latest = self.path / "reports" / "latest"
        return latest.resolve() if latest.exists() else None
