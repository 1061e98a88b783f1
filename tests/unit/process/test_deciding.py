"""From what happened to the exit code: decided once, on the controller, whatever pytest thinks of it."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from tests.unit.process.inner import GOOD, Rehearsal
from tidegate.digests import sha256_of
from tidegate.gate.evidence import read_entries
from tidegate.gate.integrity import verify
from tidegate.gate.policy import REQUIRED_CHECKS
from tidegate.gate.seal import verify_run
from tidegate.gate.verdict import recompute

pytest_plugins = ["pytester"]

#: Leaves the traces that the policy requires, so that nothing else stands between a run and its approval.
CHECKED = f"""
    @pytest.fixture(scope="session")
    def evidence(pytestconfig):
        from fixtures.plugins.run import RUN
        return pytestconfig.stash[RUN].evidence

    @given("every check has run")
    def _(evidence):
        from tests.unit.gate.ledgers import facts
        for fact in facts():
            fact(evidence)
        for check in {REQUIRED_CHECKS!r}:
            evidence.record("check", check=check)
"""

APPROVED = GOOD.replace("Given nothing", "Given every check has run", 1)


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["one process", "with workers"])
def test_approves_when_everything_was_run_and_passed(rehearsal: Rehearsal, workers: list[str]) -> None:
    rehearsal.steps(CHECKED)
    rehearsal.feature(APPROVED)
    ran = rehearsal.run("features", *workers, apart=bool(workers))

    assert (ran.exit_code, ran.verdict["outcome"]) == (0, "approved"), ran.output
    assert "VERDICT APPROVED: the main instance may follow" in ran.output
    assert verify(ran.run_folder).sound


#: What happens → (steps, scenario, exit code, outcome of the scenario, reason)
ENDINGS = {
    "an assertion fails": ("", "When it is bad", 1, "failed", "scenario-failed"),
    "pytest.fail": ('@given("x")\ndef _(): pytest.fail("lost")', "Given x", 1, "failed", "scenario-failed"),
    "the upgrade fails": ('@given("x")\ndef _(): raise UpgradeFailed("no")', "Given x", 1, "failed", "scenario-failed"),
    "the harness fails": ('@given("x")\ndef _(): raise Unreachable("no")', "Given x", 10, "broken", "scenario-broken"),
    "a mistake of ours": ('@given("x")\ndef _(): {}["no"]', "Given x", 10, "broken", "scenario-broken"),
    "the main instance was protected": (
        '@given("x")\ndef _(): raise MainInstanceProtected("no")',
        "Given x",
        10,
        "broken",
        "scenario-broken",
    ),
    "a skip": ('@given("x")\ndef _(): pytest.skip("later")', "Given x", 10, "not-run", "scenario-not-run"),
    "an expected failure": (
        '@given("x")\ndef _(): pytest.xfail("known")',
        "Given x",
        10,
        "not-run",
        "scenario-not-run",
    ),
    "a finding that blocks": (
        """
        @given("x")
        def _(evidence):
            from tidegate.checks.finding import Finding
            evidence.finding(Finding(check="DIFF", severity="breaking", place="Projects-1", consequence="gone"))
        """,
        "Given x",
        1,
        "passed",
        "finding-blocks",
    ),
    "a check that could not run": (
        """
        @given("x")
        def _(evidence):
            from tidegate.checks.finding import Finding
            evidence.finding(Finding(check="DIFF", severity="info", place="P", consequence="?", kind="incomplete"))
        """,
        "Given x",
        10,
        "passed",
        "check-not-run",
    ),
    "a failing fixture of the set-up": (
        """
        @pytest.fixture(autouse=True)
        def early(request):
            if "third" in request.node.name: raise Unreachable("no")
        """,
        "Given nothing",
        10,
        "broken",
        "scenario-broken",
    ),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_does_not_approve_after(rehearsal: Rehearsal, ending: tuple[str, str, int, str, str]) -> None:
    steps, step, exit_code, outcome, code = ending
    rehearsal.steps(CHECKED, steps)
    rehearsal.feature(APPROVED + f"\n  Scenario: A third thing\n    {step}\n")
    ran = rehearsal.run()

    assert ran.exit_code == exit_code, ran.output
    assert ran.scenarios()["A third thing"] == outcome
    assert ran.codes == {code}


def test_a_failing_teardown_is_not_approved(rehearsal: Rehearsal) -> None:
    rehearsal.steps(
        CHECKED
        + """
    @pytest.fixture(scope="session")
    def main():
        yield
        raise Unreachable("maintenance mode could not be switched off")

    @given("the main instance")
    def _(main): pass
"""
    )
    rehearsal.feature(APPROVED + "\n  Scenario: A third thing\n    Given the main instance\n")
    ran = rehearsal.run()

    assert ran.exit_code == 10
    assert ran.codes == {"clean-up-failed"}
    assert "maintenance mode could not be switched off" in ran.output


def test_a_failed_link_fails_once_and_its_dependants_say_why(rehearsal: Rehearsal) -> None:
    rehearsal.steps("""
        made = []

        @pytest.fixture(scope="session")
        def clone():
            made.append(1)
            raise ProvisioningFailed("the disk is full", where="/data")

        @pytest.fixture(scope="session")
        def upgraded(clone): raise AssertionError("never reached")

        @given("a clone")
        def _(clone): pass

        @given("an upgraded clone")
        def _(upgraded): pass

        @then("it was tried once")
        def _(): assert made == [1]
    """)
    rehearsal.feature("""
        Feature: F
          Scenario: First
            Given a clone
          Scenario: Second
            Given an upgraded clone
          Scenario: Third
            Given nothing
            Then it was tried once
    """)
    ran = rehearsal.run()

    assert ran.scenarios() == {"First": "broken", "Second": "not-run", "Third": "passed"}
    [second] = [event for event in ran.events("scenario") if event["id"].endswith("Second")]
    assert second["why"] == 'not run, because "First" failed: the disk is full'
    assert ran.exit_code == 10


def test_a_failed_upgrade_rejects_and_what_follows_is_not_judged(rehearsal: Rehearsal) -> None:
    rehearsal.steps("""
        @pytest.fixture(scope="session")
        def upgraded(): raise UpgradeFailed("script 0180 failed")

        @given("the upgraded instance")
        def _(upgraded): pass
    """)
    scenarios = "".join(f"  Scenario: {name}\n    Given the upgraded instance\n" for name in ("One", "Two"))
    rehearsal.feature(f"Feature: F\n{scenarios}")
    ran = rehearsal.run()

    assert (ran.exit_code, ran.scenarios()) == (1, {"One": "failed", "Two": "not-run"})


def test_stopping_at_the_first_failure_is_incomplete_or_rejected(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD.replace("it is good", "it is bad"))
    ran = rehearsal.run("features", "-x")

    assert ran.exit_code == 1
    assert {"scenario-failed", "scenario-missing", "run-not-finished"} <= ran.codes


def test_nothing_selected_is_incomplete(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD)
    ran = rehearsal.run("features", "-k", "nothing_like_that")

    assert ran.exit_code == 10
    assert "VERDICT INCOMPLETE" in ran.output


def test_a_test_beside_the_features_cannot_fail_unseen(rehearsal: Rehearsal) -> None:
    rehearsal.steps(CHECKED)
    rehearsal.feature(APPROVED)
    (rehearsal.path / "test_x.py").write_text("def test_x(): assert False\n", encoding="utf-8")
    ran = rehearsal.run("features", "test_x.py")

    assert ran.exit_code == 10
    assert ran.codes == {"run-not-finished"}


def test_a_dead_worker_is_incomplete_and_its_scenario_is_not_repeated(rehearsal: Rehearsal) -> None:
    rehearsal.steps(
        CHECKED
        + """
    @given("a sudden end")
    def _():
        import os, pathlib
        with open("deaths", "a") as deaths: deaths.write("x")
        os._exit(1)
"""
    )
    rehearsal.feature(APPROVED + "\n  Scenario: A third thing\n    Given a sudden end\n")
    ran = rehearsal.run("features", "-n2", apart=True)

    assert ran.exit_code == 10, ran.output
    assert {"run-not-finished", "scenario-missing"} <= ran.codes
    assert (rehearsal.path / "deaths").read_text(encoding="utf-8") == "x"


def test_an_interrupted_worker_may_clean_up_for_longer_than_pytest_xdist_waits(rehearsal: Rehearsal) -> None:
    rehearsal.steps("""
        import os, signal, threading
        from xdist.workermanage import NodeManager
        NodeManager.EXIT_TIMEOUT = 0.2  # instead of ten seconds; the harness gives more

        @pytest.fixture(scope="session")
        def main():
            yield
            threading.Event().wait(2)  # giving the main instance back takes a while
            with open("restored", "w") as restored: restored.write("x")

        @given("the main instance")
        def _(main):
            os.kill(os.getppid(), signal.SIGINT)
            threading.Event().wait(60)  # until the controller passes it on
    """)
    rehearsal.feature("Feature: F\n  Scenario: One\n    Given the main instance\n")
    ran = rehearsal.run("features", "-n1", apart=True)

    assert (rehearsal.path / "restored").exists(), ran.output
    assert ran.exit_code == 10
    assert "run-not-finished" in ran.codes


def test_workers_share_one_run_and_one_chain_of_fixtures(rehearsal: Rehearsal) -> None:
    rehearsal.steps("""
        @pytest.fixture(scope="session")
        def clone(stages):
            with open("clones", "a") as clones: clones.write("x")
            with stages.stage("Cloning"): pass

        @given("a clone")
        def _(clone): pass
    """)
    scenarios = "".join(f"  Scenario: Number {number}\n    Given a clone\n" for number in range(6))
    rehearsal.feature("Feature: F\n" + scenarios)
    rehearsal.feature("Feature: G\n" + scenarios.replace("Number", "Other"), "b.feature")
    ran = rehearsal.run("features", "-n2", apart=True)

    assert len(ran.scenarios()) == 12
    assert set(ran.scenarios().values()) == {"passed"}
    assert (rehearsal.path / "clones").read_text(encoding="utf-8") == "x"
    assert [event["title"] for event in ran.events("stage")] == ["Cloning"]
    assert len(list((rehearsal.path / "reports").glob("2*/evidence.jsonl"))) == 1


def test_everything_a_run_leaves_is_in_its_folder(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD)
    before = set(rehearsal.path.iterdir())
    ran = rehearsal.run("features", "-p", "no:cacheprovider")

    left = set(rehearsal.path.iterdir()) - before - {rehearsal.path / "__pycache__"}  # Python's own
    assert left == {rehearsal.path / "reports"}
    assert {path.name for path in ran.run_folder.iterdir()} == {
        "evidence.jsonl",
        "verdict.json",
        "change-board.html",
        "SHA256SUMS",
        "junit.xml",
        "allure-results",
    }
    assert ran.run_folder.stat().st_mode & 0o777 == 0o700


def test_reports_go_where_the_user_wants_them(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD)
    ran = rehearsal.run("features", "--alluredir", "elsewhere", "--junitxml", "here.xml")

    assert {path.name for path in ran.run_folder.iterdir()} == {
        "evidence.jsonl",
        "verdict.json",
        "change-board.html",
        "SHA256SUMS",
    }
    assert list((rehearsal.path / "elsewhere").glob("*-result.json"))
    assert (rehearsal.path / "here.xml").is_file()


def test_latest_points_to_the_newest_run(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD)
    first, second = rehearsal.run().run_folder, rehearsal.run().run_folder

    assert first != second
    assert (rehearsal.path / "reports" / "latest").resolve() == second


def test_junit_carries_the_verdict(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD)
    ran = rehearsal.run()
    [suite] = ElementTree.parse(ran.run_folder / "junit.xml").iter("testsuite")  # noqa: S314

    assert {one.get("name"): one.get("value") for one in suite.iter("property")}["tidegate.verdict"] == "incomplete"
    assert {case.get("classname") for case in suite.iter("testcase")} == {"features.a.feature"}


def test_the_verdict_names_the_evidence_it_was_given_on(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD)
    ran = rehearsal.run()

    assert ran.verdict["evidence_sha256"] == verify(ran.run_folder).head
    started = json.loads((ran.run_folder / "evidence.jsonl").read_text(encoding="utf-8").splitlines()[0])
    feature = rehearsal.path / "features" / "a.feature"
    assert started["details"]["features"] == {"features/a.feature": sha256_of(feature)}
    assert started["details"]["required"] == [
        "features/a.feature: The first thing is good",
        "features/a.feature: The second thing is good",
    ]


def test_the_verdict_can_be_recomputed_from_the_evidence_alone(rehearsal: Rehearsal) -> None:
    rehearsal.feature(GOOD)
    folder = rehearsal.run().run_folder

    assert recompute(list(read_entries(folder / "evidence.jsonl"))).to_bytes() == (folder / "verdict.json").read_bytes()


def test_a_worker_that_ends_before_it_was_ready_disturbs_nothing(rehearsal: Rehearsal) -> None:
    """On a busy machine the second worker is told that it is not needed while it still starts."""
    rehearsal.steps(
        CHECKED
        + """
    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(node):
        if node.gateway.id == "gw0":
            node.config.hook.pytest_testnodedown(node=node, error=None)
"""
    )
    rehearsal.feature(APPROVED)
    ran = rehearsal.run("features", "-n1", apart=True)

    assert (ran.exit_code, ran.verdict["outcome"]) == (0, "approved"), ran.output


def test_an_internal_error_ends_with_a_verdict_that_is_seen_and_sealed(rehearsal: Rehearsal) -> None:
    rehearsal.steps(CHECKED + "\n    def pytest_runtest_logfinish(nodeid): raise RuntimeError('no')\n")
    rehearsal.feature(APPROVED)
    ran = rehearsal.run("features", apart=True)

    assert "VERDICT INCOMPLETE" in ran.output, ran.output
    assert ran.exit_code == 10
    assert verify_run(ran.run_folder).sound
