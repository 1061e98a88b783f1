"""Whatever the user must change: one clear message, exit code 2, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.process.inner import GOOD, Rehearsal

pytest_plugins = ["pytester"]

TWICE = "Feature: F\n  Scenario: Same\n    Given nothing\n{between}  Scenario: Same\n    When it is bad\n"

FEATURES = {
    "two scenarios of one name": (
        TWICE.format(between=""),
        "features/a.feature:4: a scenario is called 'Same' already",
    ),
    "two of one name across rules": (
        TWICE.format(between="  Rule: R\n"),
        "features/a.feature:5: a scenario is called 'Same' already at features/a.feature:2",
    ),
    "a scenario without steps": (
        "Feature: F\n  Scenario: Empty\n",
        "features/a.feature:2: the scenario 'Empty' has no steps",
    ),
    "a scenario without a title": ("Feature: F\n  Scenario:\n    Given nothing\n", "has no title"),
    "an undefined tag": ("@wrong\n" + GOOD.lstrip(), "features/a.feature:1: tag @wrong: no such tag is known"),
    "a misspelt tag": ("@bakup\n" + GOOD.lstrip(), "did you mean 'backup'?"),
    "an unknown key": ("@owned:me\n" + GOOD.lstrip(), "before the colon stands one of"),
    "an unknown severity": ("@severity:huge\n" + GOOD.lstrip(), "a severity is one of blocker"),
    "an undefined step": (
        "Feature: F\n  Scenario: S\n    Given nothin\n",
        "features/a.feature:3: no step definition matches 'given nothin'; did you mean 'nothing'?",
    ),
    "a step of another kind": ("Feature: F\n  Scenario: S\n    When nothing\n", "matches 'when nothing'"),
    "a step that fits two definitions": (
        "Feature: F\n  Scenario: S\n    When it is ambiguous\n",
        "'when it is ambiguous' fits 2 definitions",
    ),
    "an async step": ("Feature: F\n  Scenario: S\n    Given a coroutine\n", "is async, so it would never run"),
    "an outline without rows": (
        "Feature: F\n  Scenario Outline: O\n    When it is <x>\n    Examples:\n      | x |\n",
        "the outline 'O' has no rows",
    ),
    "an outline without a table": (
        "Feature: F\n  Scenario Outline: O\n    When it is <x>\n",
        "the outline 'O' has no rows",
    ),
    "two rows alike": (
        "Feature: F\n  Scenario Outline: O\n    When it is <x>\n    Examples:\n      | x |\n      | a |\n      | a |\n",
        "two rows of the outline 'O' are the same",
    ),
    "an empty file": ("", "features/a.feature"),
    "no Gherkin": ("This is no feature.\n", "features/a.feature:1"),
    "two features in a file": (GOOD + GOOD, "features/a.feature"),
}


@pytest.mark.parametrize(("text", "told"), FEATURES.values(), ids=FEATURES)
def test_refuses_features_that_would_lie(rehearsal: Rehearsal, text: str, told: str) -> None:
    rehearsal.steps("""
        @when("it is ambiguous")
        def _(): pass

        @given("a coroutine")
        async def _(): assert False
    """)
    rehearsal.feature(text)
    ran = rehearsal.run()

    assert ran.exit_code == 2, ran.output
    assert told in ran.output
    assert ran.output.count("ERROR") == 1
    assert ran.folder is None


def test_refuses_one_name_in_two_features(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD)
    rehearsal.feature(GOOD.replace("Good things", "Others"), "b.feature")
    ran = rehearsal.run("features/b.feature")

    assert ran.exit_code == 2
    assert (
        "features/b.feature:3: a scenario is called 'The first thing is good' already at features/a.feature:3"
        in ran.output
    )


def test_tells_every_problem_at_once(rehearsal: Rehearsal) -> None:
    rehearsal.feature("@wrong\nFeature: F\n  Scenario: Empty\n")
    rehearsal.feature("Feature: G\n  Scenario: Also empty\n", "b.feature")
    ran = rehearsal.run()

    assert [told in ran.output for told in ("@wrong", "'Empty'", "'Also empty'")] == [True] * 3


ARGUMENTS = {
    "a misspelt tag": (["features", "-m", "bakup"], "no tag is called 'bakup'; did you mean 'backup'?"),
    "a misspelt tag among others": (["features", "-m", "plan and not (clone or bakup)"], "'bakup'"),
    "a line before the first scenario": (["features/a.feature:1"], "belongs to no scenario; they start on lines 3, 8"),
    "a line after the end": (["features/a.feature:99"], "belongs to no scenario"),
    "a file that does not exist": (["features/none.feature"], "not found"),
    "a line of a file that does not exist": (["features/none.feature:3"], "not found"),
    "a scenario that does not exist": (["features/a.feature::test_none"], "not found"),
    "settings that do not exist": (["features", "--settings", "none.toml"], "the settings file does not exist"),
    "settings that are no TOML": (["features", "--settings", "broken.toml"], "not valid TOML"),
    "settings with an unknown key": (["features", "--settings", "unknown.toml"], "did you mean 'target'?"),
    "waivers that do not exist": (["features", "--waivers", "none.toml"], "the waiver file does not exist"),
    "a waiver for everything": (["features", "--waivers", "broad.toml"], "too broad"),
    "no version": (["features", "--target", "tomorrow"], "'tomorrow' is not an Octopus Server version"),
    "a version that does not exist": (["features", "--target", "2021.1.7501"], "did you mean"),
    "a withdrawn version": (["features", "--target", "2019.2.5"], "was withdrawn"),
    "the current version": (["features", "--target", "2018.12.1"], "the version the instance already has"),
    "a downgrade": (["features", "--main-version", "2021.1.7500", "--target", "2019.1.0"], "is a downgrade"),
    "a known bad hop": (["features", "--main-version", "2020.2.13", "--target", "2020.2.14"], "known to fail"),
}

WAIVER = 'check = "DIFF"\nplace = "*"\nreason = "r"\nowner = "o"\nlink = "https://a.example/1"\nexpires = 2030-01-01\n'


@pytest.mark.parametrize(("arguments", "told"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_refuses_arguments_that_mean_nothing(rehearsal: Rehearsal, arguments: list[str], told: str) -> None:
    rehearsal.feature(GOOD)
    (rehearsal.path / "broken.toml").write_text("[upgrade", encoding="utf-8")
    (rehearsal.path / "unknown.toml").write_text('[upgrade]\ntarge = "2021.1.7500"\n', encoding="utf-8")
    (rehearsal.path / "broad.toml").write_text(f"[[waiver]]\n{WAIVER}", encoding="utf-8")
    ran = rehearsal.run(*arguments, apart=True)

    assert ran.exit_code == 2, ran.output
    assert told in ran.output
    assert ran.output.count("ERROR") == 1
    assert ran.folder is None


def test_refuses_a_reports_folder_that_cannot_be_written(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD)
    (rehearsal.path / "reports").write_text("a file stands in the way", encoding="utf-8")
    ran = rehearsal.run(apart=True)

    assert ran.exit_code == 2
    assert "no run folder can be made" in ran.output


def test_settings_come_from_the_environment(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    rehearsal.feature(GOOD)
    monkeypatch.setenv("TIDEGATE_SETTINGS", str(Path("nowhere") / "tidegate.toml"))
    ran = rehearsal.run(apart=True)

    assert ran.exit_code == 2
    assert "the settings file does not exist" in ran.output


def test_a_refusal_in_a_fixture_ends_the_run_with_its_message(rehearsal: Rehearsal) -> None:
    rehearsal.steps("""
        @pytest.fixture(scope="session")
        def plan(): raise VersionRefused("the main instance already has the target version", next_step="choose another")

        @given("a plan")
        def _(plan): pass
    """)
    rehearsal.feature("Feature: F\n  Scenario: S\n    Given a plan\n  Scenario: T\n    Given nothing\n")
    ran = rehearsal.run()

    assert ran.exit_code == 2
    assert "the main instance already has the target version" in ran.output
    assert list(ran.scenarios()) == ["S"], "nothing more is run"


def test_with_workers_the_message_is_the_same(rehearsal: Rehearsal) -> None:
    rehearsal.feature("Feature: F\n  Scenario: Empty\n")
    ran = rehearsal.run("features", "-n2", apart=True)

    assert ran.exit_code == 2
    assert "the scenario 'Empty' has no steps" in ran.output
