"""What Allure gets: Gherkin with its details, every scenario whatever became of it, and nothing secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.process.inner import GOOD, Rehearsal

pytest_plugins = ["pytester"]

STEPS = """
    import allure

    @pytest.fixture(scope="session")
    @allure.title("Clone the main instance")
    def clone(stages):
        with stages.stage("Restoring the database"): pass
        yield {"Password": Secret.generated("p", "hunter2hunter2").reveal()}

    @given("a clone")
    def _(clone): pass

    @when("the clone is upgraded")
    def _(clone):
        with allure.step("run the scripts"):
            allure.attach("SELECT 1", "query.sql", "application/sql", "sql")

    @then("this is so:")
    def _(datatable): assert datatable[0] == ["a", "b"]

    @then("this is written:")
    def _(docstring): assert docstring

    @given("a broken fixture")
    def _(broken): pass

    @pytest.fixture(scope="session")
    def broken(): raise Unreachable("no answer from hunter2hunter2")

    @given("nothing more to do")
    def _(): pytest.skip("not today")

    @pytest.fixture(autouse=True)
    def early(request):
        if "set_up" in request.node.name: raise Unreachable("no set-up")
"""

FEATURE = """
@plan @severity:critical @owner:release_management @issue:5252
Feature: Cloning
  Why cloning matters.

  Background:
    Given a clone

  @guide:administration/upgrading
  Scenario: A clone is made
    Because.

    When the clone is upgraded
    Then this is so:
      | a | b |
      | 1 | 2 |
    And this is written:
      ```
      a document
      ```

  Rule: The policy
    Why the policy.

    Scenario: It breaks
      Given a broken fixture
      When the clone is upgraded
      Then all is well

    Scenario: It builds on what broke
      Given a broken fixture

    Scenario: It is bad
      When it is bad
      Then all is well

    Scenario: It is skipped
      Given nothing more to do
      Then all is well

    Scenario: Its set up fails
      Given nothing

    Scenario Outline: It is <word>
      When it is <word>

      Examples:
        | word  |
        | good  |
        | fine  |
"""


@pytest.fixture
def results(rehearsal: Rehearsal) -> dict[str, dict[str, Any]]:
    rehearsal.steps(STEPS)
    rehearsal.feature(FEATURE)
    ran = rehearsal.run()
    assert len(ran.allure()) == 8, ran.output
    return {result["name"]: result for result in ran.allure()}


def _steps(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["name"], step["status"]) for step in result["steps"]]


def _labels(result: dict[str, Any], name: str) -> list[str]:
    return sorted(label["value"] for label in result["labels"] if label["name"] == name)


def test_every_scenario_is_there_under_its_title(results: dict[str, dict[str, Any]]) -> None:
    assert {name: result["status"] for name, result in results.items()} == {
        "A clone is made": "passed",
        "It breaks": "broken",
        "It builds on what broke": "skipped",
        "It is bad": "failed",
        "It is skipped": "skipped",
        "Its set up fails": "broken",
        "It is good": "passed",
        "It is fine": "passed",
    }


def test_steps_are_told_with_background_tables_documents_and_sub_steps(results: dict[str, dict[str, Any]]) -> None:
    result = results["A clone is made"]

    assert _steps(result) == [
        ("Given a clone", "passed"),
        ("When the clone is upgraded", "passed"),
        ("Then this is so:", "passed"),
        ("And this is written:", "passed"),
    ]
    [sub_step] = result["steps"][1]["steps"]
    assert sub_step["name"] == "run the scripts"
    assert [one["name"] for one in sub_step["attachments"]] == ["query.sql"]
    assert [one["name"] for one in result["steps"][2]["attachments"]] == ["Data table"]
    assert [one["name"] for one in result["steps"][3]["attachments"]] == ["Doc string"]


def test_what_was_not_reached_is_skipped(results: dict[str, dict[str, Any]]) -> None:
    assert _steps(results["It breaks"]) == [
        ("Given a clone", "passed"),
        ("Given a broken fixture", "broken"),
        ("When the clone is upgraded", "skipped"),
        ("Then all is well", "skipped"),
    ]
    assert _steps(results["It is bad"])[1:] == [("When it is bad", "failed"), ("Then all is well", "skipped")]
    assert _steps(results["It is skipped"])[1:] == [
        ("Given nothing more to do", "skipped"),
        ("Then all is well", "skipped"),
    ]


def test_a_dependant_says_why_it_was_not_run(results: dict[str, dict[str, Any]]) -> None:
    assert 'not run, because "It breaks" failed' in results["It builds on what broke"]["statusDetails"]["message"]


def test_labels_come_from_feature_rule_and_tags(results: dict[str, dict[str, Any]]) -> None:
    result = results["It is bad"]

    assert _labels(result, "epic") == ["Upgrade of Octopus Server"]
    assert _labels(result, "feature") == ["Cloning"]
    assert _labels(result, "story") == ["The policy"]
    assert _labels(result, "severity") == ["critical"]
    assert _labels(result, "owner") == ["release management"]
    assert _labels(result, "tag") == ["plan"]
    assert _labels(results["A clone is made"], "story") == ["A clone is made"]


def test_links_come_from_tags(results: dict[str, dict[str, Any]]) -> None:
    links = {link["url"] for link in results["A clone is made"]["links"]}

    assert links == {
        "https://octopus.com/docs/administration/upgrading",
        "https://github.com/OctopusDeploy/Issues/issues/5252",
    }


def test_descriptions_tell_feature_rule_and_scenario(results: dict[str, dict[str, Any]]) -> None:
    assert results["A clone is made"]["description"] == "Why cloning matters.\n\nBecause."
    assert results["It is bad"]["description"] == "Why cloning matters.\n\nWhy the policy."


def test_an_outlines_columns_are_its_parameters(results: dict[str, dict[str, Any]]) -> None:
    shown = [one for one in results["It is good"]["parameters"] if one.get("mode") != "hidden"]

    assert [(one["name"], one["value"].strip("'")) for one in shown] == [("word", "good")]
    assert results["It is good"]["historyId"] != results["It is fine"]["historyId"]


def test_fixtures_are_set_up_without_their_values(rehearsal: Rehearsal) -> None:
    rehearsal.steps(STEPS)
    rehearsal.feature(FEATURE)
    ran = rehearsal.run()
    names = {before["name"] for container in ran.allure("container") for before in container.get("befores", [])}

    assert "Clone the main instance" in names
    assert not any(name.startswith("pytestbdd_") for name in names)
    assert all(after.get("status") for container in ran.allure("container") for after in container.get("afters", []))


def test_nothing_secret_is_written_or_printed(rehearsal: Rehearsal) -> None:
    rehearsal.steps(
        STEPS,
        """
        @when("a secret is everywhere")
        def _(clone):
            import logging
            secret = clone["Password"]
            print(secret); logging.getLogger("x").error(secret)
            allure.attach(secret, "attached", allure.attachment_type.TEXT)
            allure.attach(secret.encode(), "bytes", allure.attachment_type.TEXT)
            with allure.step(f"step {secret}"): pass
            assert clone == {"Password": "other"}, f"wrong: {secret}"
        """,
    )
    rehearsal.feature(FEATURE + "\n    Scenario: A leak\n      When a secret is everywhere\n")
    ran = rehearsal.run()

    assert ran.scenarios()["A leak"] == "failed"
    assert "hunter2hunter2" not in ran.output
    leaks = [file for file in ran.run_folder.rglob("*") if file.is_file() and b"hunter2hunter2" in file.read_bytes()]
    assert leaks == []


def test_the_run_is_described(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "TEAMCITY_VERSION", "JENKINS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_JOB_NAME", "rehearse")
    monkeypatch.setenv("CI_PIPELINE_IID", "42")
    rehearsal.feature(GOOD)
    results = rehearsal.run().run_folder / "allure-results"

    assert "Target = 2021.1.7500" in (results / "environment.properties").read_text(encoding="ascii")
    assert "The upgrade is at fault" in (results / "categories.json").read_text(encoding="utf-8")
    executor = (results / "executor.json").read_text(encoding="utf-8")
    assert '"buildName": "rehearse"' in executor
    assert '"buildOrder": 42' in executor
    assert '"name": "verdict"' in next(results.glob("*-globals.json")).read_text(encoding="utf-8")


def test_the_evidence_names_allures_result_of_each_scenario(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD)
    ran = rehearsal.run()

    assert sorted(event["allure"] for event in ran.events("scenario")) == sorted(one["uuid"] for one in ran.allure())


def test_allure_selects_by_what_tags_say(rehearsal: Rehearsal) -> None:
    rehearsal.steps(STEPS)
    rehearsal.feature(FEATURE)
    rehearsal.feature(GOOD, "b.feature")
    ran = rehearsal.run("features", "--allure-severities", "critical", "-k", "clone_is_made or first")

    assert list(ran.scenarios()) == ["A clone is made"]


def test_a_stage_is_a_sub_step_of_the_fixture_that_took_long(rehearsal: Rehearsal) -> None:
    rehearsal.steps(STEPS)
    rehearsal.feature(FEATURE)
    ran = rehearsal.run()
    [clone] = [
        before
        for container in ran.allure("container")
        for before in container.get("befores", [])
        if before["name"] == "Clone the main instance"
    ]

    assert [step["name"] for step in clone["steps"]] == ["Restoring the database"]


def test_what_the_work_left_is_attached_where_it_was_done(rehearsal: Rehearsal) -> None:
    rehearsal.steps(
        """
        from tidegate import trail
        from tidegate.checks.finding import Finding, Severity
        pytest_plugins = [*pytest_plugins, "fixtures.settings"]

        @pytest.fixture(scope="session")
        def deployed(stages, evidence):
            with stages.stage("Deploying"):
                trail.statement("sql.example.com", "Octopus", "UPDATE Project SET IsDisabled = 1")
                trail.statement("sql.example.com", "Octopus", "USE master")
                trail.task_log("Shop to Test, ServerTasks-1: Success", "Success: Deploy")
            evidence.attach("backup set", '{"b": [1]}', "application/json")
            evidence.attach("snapshot", b"\\x00", "application/vnd.sqlite3")
            trail.task_log("after the stage", "belongs to the next one")

        @when("the shop is deployed")
        def _(deployed): pass

        @then("nothing was found")
        def _(judge):
            judge.require_none([Finding(check="DIFF", severity=Severity.BREAKING, place="Projects-1",
                before={"Name": "a", "Id": 1}, after={"Name": "b", "Id": 1}, consequence="nobody finds it")])
        """
    )
    rehearsal.feature("Feature: A\n  Scenario: B\n    When the shop is deployed\n    Then nothing was found\n")
    ran = rehearsal.run()
    results = ran.run_folder / "allure-results"

    def read(attachments: list[dict[str, str]]) -> dict[str, str]:
        return {one["name"]: (results / one["source"]).read_text(encoding="utf-8") for one in attachments}

    _, then = ran.result("B")["steps"]
    [deployed] = [
        before
        for container in ran.allure("container")
        for before in container.get("befores", [])
        if before["name"] == "Deployed"
    ]
    [stage] = deployed["steps"]
    assert stage["name"] == "Deploying"
    assert read(stage["attachments"]) == {
        "T-SQL": "-- on sql.example.com, in Octopus\nUPDATE Project SET IsDisabled = 1\nGO\n",
        "task logs": "===== Shop to Test, ServerTasks-1: Success =====\nSuccess: Deploy\n",
    }
    kept = read(deployed["attachments"])
    assert json.loads(kept["backup set"]) == {"b": [1]}
    assert "SHA-256" in kept["snapshot (in the run folder)"]
    [table] = read(then["attachments"]).values()
    assert 'DIFF breaking,"Projects-1, Name",a,b,nobody finds it' in table
