"""`pytest features/` and every way to run less than all of it."""

from __future__ import annotations

import pytest

from tests.unit.process.inner import GOOD, Rehearsal

pytest_plugins = ["pytester"]

OUTLINE = """
@plan
Feature: Words
  Scenario: A plain one
    Given nothing

  Rule: A rule
    @backup
    Scenario: One under a rule
      Given nothing

    Scenario Outline: An outline
      When it is <word>

      Examples:
        | word |
        | good |
        | fine |

      @clone
      Examples:
        | word |
        | nice |
"""


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (
            ["features"],
            ["A plain one", "One under a rule", "An outline [good]", "An outline [fine]", "An outline [nice]"],
        ),
        (["features/a.feature:4"], ["A plain one"]),
        (["features/a.feature:5"], ["A plain one"]),
        (["features/a.feature:9"], ["One under a rule"]),
        (["features/a.feature:4:9"], ["A plain one", "One under a rule"]),
        (["features/a.feature:4", "features/a.feature:10"], ["A plain one", "One under a rule"]),
        (["features/a.feature:17"], ["An outline [good]", "An outline [fine]", "An outline [nice]"]),
        (["features/a.feature:9", "features/a.feature"], 5),
        (["features/a.feature::test_a_plain_one"], ["A plain one"]),
        (["features/a.feature::test_an_outline[fine]"], ["An outline [fine]"]),
        (["features", "-k", "under_a_rule"], ["One under a rule"]),
        (["features", "-m", "backup"], ["One under a rule"]),
        (
            ["features", "-m", "plan and not backup and not clone"],
            ["A plain one", "An outline [good]", "An outline [fine]"],
        ),
        (["features", "-m", "clone"], ["An outline [nice]"]),
    ],
)
def test_runs_what_was_asked_for(rehearsal: Rehearsal, arguments: list[str], passed: list[str] | int) -> None:
    rehearsal.feature(OUTLINE)
    ran = rehearsal.run(*arguments)

    if isinstance(passed, int):
        assert len(ran.scenarios()) == passed
    else:
        assert list(ran.scenarios()) == passed
    assert set(ran.scenarios().values()) == {"passed"}


@pytest.mark.parametrize(
    "arguments",
    [["features/a.feature:4"], ["features", "-k", "plain"], ["features/a.feature"], ["features", "-m", "plan"]],
)
def test_less_than_everything_is_incomplete(rehearsal: Rehearsal, arguments: list[str]) -> None:
    rehearsal.feature(OUTLINE)
    rehearsal.feature("Feature: More\n  Scenario: Elsewhere\n    Given nothing\n", "b.feature")
    ran = rehearsal.run(*arguments)

    assert ran.exit_code == 10
    assert "scenario-missing" in ran.codes


def test_a_feature_file_is_a_module_of_its_own(rehearsal: Rehearsal) -> None:
    rehearsal.feature(OUTLINE)
    ran = rehearsal.run("features", "--collect-only", "-q")

    assert "features/a.feature::test_an_outline[good]" in ran.output
    assert ran.folder is None, "collecting leaves nothing behind"


def test_features_are_left_alone_by_other_runs(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD)
    tests = rehearsal.path / "tests"
    tests.mkdir()
    (tests / "test_x.py").write_text("def test_x(): assert False\n", encoding="utf-8")
    (tests / "b.feature").write_text("no Gherkin at all", encoding="utf-8")
    ran = rehearsal.run("tests")

    assert ran.exit_code == 1
    assert (ran.folder, "VERDICT" in ran.output) == (None, False)


def test_two_titles_that_become_one_name_are_both_run(rehearsal: Rehearsal) -> None:
    rehearsal.feature("Feature: F\n  Scenario: A b\n    Given nothing\n  Scenario: a-B\n    When it is bad\n")
    ran = rehearsal.run()

    assert ran.scenarios() == {"A b": "passed", "a-B": "failed"}


def test_features_are_run_from_any_folder(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    rehearsal.feature(GOOD)
    monkeypatch.chdir(rehearsal.path / "features")
    ran = rehearsal.run("a.feature:3")

    assert list(ran.scenarios()) == ["The first thing is good"]
