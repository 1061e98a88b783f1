"""Ways to run a rehearsal that must not end in an approval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.unit.process.inner import Rehearsal
from tests.unit.process.test_deciding import APPROVED, CHECKED

#: What a run says that was refused before it began, and one that gave no verdict.
REFUSED: Final = "refused"
NO_VERDICT: Final = "no verdict"


@dataclass(frozen=True, slots=True)
class Run:
    """One way: further steps and features, the command line, and what must be among the reasons."""

    code: str
    arguments: tuple[str, ...] = ()
    steps: str = ""
    more: str = ""  # scenarios after those in which all is well
    prepare: Callable[[Rehearsal], object] | None = None
    apart: bool = False

    def exit_code(self, rehearsal: Rehearsal) -> tuple[int, set[str]]:
        """Runs it. Returns the exit code and the codes of the reasons."""
        rehearsal.steps(CHECKED, self.steps)
        rehearsal.feature(APPROVED + self.more)
        if self.prepare:
            self.prepare(rehearsal)
        ran = rehearsal.run("features", *self.arguments, apart=self.apart)
        if ran.folder is None:
            return ran.exit_code, {REFUSED if ran.exit_code == 2 else NO_VERDICT}
        verdict = ran.run_folder / "verdict.json"
        return ran.exit_code, ran.codes if verdict.exists() else {NO_VERDICT}


def third(step: str) -> str:
    """A third scenario of one step."""
    return f"\n  Scenario: The third thing\n    {step}\n"


def given(body: str) -> str:
    """A step "a trap" with that body."""
    return f'\n@given("a trap")\ndef _(evidence):\n    {body}\n'


def only(*arguments: str) -> Callable[[Rehearsal], object]:
    """Runs these paths instead of the whole folder."""

    def narrow(rehearsal: Rehearsal) -> None:
        run = rehearsal.run

        def narrowed(*_: str, apart: bool = False) -> object:
            return run(*arguments, apart=apart)

        object.__setattr__(rehearsal, "run", narrowed)

    return narrow


def second_file(rehearsal: Rehearsal) -> None:
    rehearsal.feature("Feature: More\n  Scenario: Another thing\n    Given nothing\n", "b.feature")


def emptied(rehearsal: Rehearsal) -> None:
    (rehearsal.path / "features" / "a.feature").unlink()


def broken_steps(rehearsal: Rehearsal) -> None:
    file = rehearsal.path / "features" / "conftest.py"
    file.write_text("raise RuntimeError('no')\n", encoding="utf-8")


def addopts(more: str) -> Callable[[Rehearsal], object]:
    def configure(rehearsal: Rehearsal) -> None:
        file = rehearsal.path / "tox.ini"
        file.write_text(file.read_text("utf-8").replace("addopts = ", f"addopts = {more} "), encoding="utf-8")

    return configure


def _and_another(path: str) -> Callable[[Rehearsal], object]:
    def both(rehearsal: Rehearsal) -> None:
        second_file(rehearsal)
        only(path)(rehearsal)

    return both


def failing_test(rehearsal: Rehearsal) -> None:
    (rehearsal.path / "test_x.py").write_text("def test_x(): assert 0\n", encoding="utf-8")


TRAP = third("Given a trap")
NOTHING = third("Given nothing")
ATTACH = "evidence.attach('a log', b'x', 'text/plain')"

RUNS: dict[str, Run] = {
    "`-k` leaves scenarios out": Run("scenario-missing", ("-k", "first")),
    "`-k` leaves every scenario out": Run("scenario-missing", ("-k", "nothing_like_it")),
    "`-m` leaves scenarios out": Run("scenario-missing", ("-m", "not backup"), more="\n  @backup" + NOTHING),
    "the path of one feature file": Run("scenario-missing", prepare=_and_another("features/a.feature")),
    "one line of a feature file": Run("scenario-missing", prepare=only("features/a.feature:3")),
    "one scenario by its pytest name": Run(
        "scenario-missing", prepare=only("features/a.feature::test_the_first_thing_is_good")
    ),
    "`--deselect`": Run("scenario-missing", ("--deselect", "features/a.feature::test_the_second_thing_is_good")),
    "`--ignore`": Run("scenario-missing", ("--ignore", "features/b.feature"), prepare=second_file),
    "only what failed before (`--lf`)": Run(
        "scenario-missing",
        ("--lf", "-p", "cacheprovider"),
        prepare=lambda rehearsal: (
            rehearsal.feature(APPROVED.replace("it is good", "it is bad")),
            rehearsal.run(),
            rehearsal.feature(APPROVED),
        ),
    ),
    "stopped at the first failure (`-x`)": Run(
        "run-not-finished",
        ("-x",),
        steps=given("raise Unreachable('no')"),
        more=TRAP + NOTHING.replace("third", "last"),
    ),
    "only listed (`--collect-only`)": Run(NO_VERDICT, ("--collect-only",)),
    "only set up (`--setup-only`)": Run("scenario-broken", ("--setup-only",)),
    "only planned (`--setup-plan`)": Run("scenario-broken", ("--setup-plan",)),
    "the configuration leaves scenarios out (`addopts`)": Run("scenario-missing", prepare=addopts("-k first")),
    "an outline has no examples": Run(
        REFUSED,
        more="\n  Scenario Outline: The third thing\n    When it is <word>\n    Examples:\n      | word |\n",
    ),
    "a part of the harness is switched off (`-p no:`)": Run(REFUSED, ("-p", "no:fixtures.plugins.outcome"), apart=True),
    "the run itself is switched off (`-p no:`)": Run(REFUSED, ("-p", "no:fixtures.plugins.run"), apart=True),
    "no feature is left in the folder": Run("evidence-missing", prepare=emptied),
    "a scenario is skipped": Run("scenario-not-run", steps=given("pytest.skip('later')"), more=TRAP),
    "a scenario may fail (`xfail`)": Run("scenario-not-run", steps=given("pytest.xfail('known')"), more=TRAP),
    "a scenario has no steps": Run(REFUSED, more="\n  Scenario: The third thing\n"),
    "two scenarios have one title": Run(REFUSED, more=NOTHING.replace("third thing", "second thing is good")),
    "a step is not defined": Run(REFUSED, more=third("Given something nobody knows")),
    "a step is `async` and would never run": Run(
        REFUSED, steps='\n@given("a trap")\nasync def _():\n    assert False\n', more=TRAP
    ),
    "a feature file cannot be read": Run(REFUSED, more="\n  Scenari: The third thing\n"),
    "the steps cannot be loaded": Run(NO_VERDICT, prepare=broken_steps),
    "the harness fails in a step": Run("scenario-broken", steps=given("raise Unreachable('no')"), more=TRAP),
    "a fixture fails in its set-up": Run(
        "scenario-broken",
        steps='\n@pytest.fixture\ndef trap(): raise ProvisioningFailed("no")\n@given("a trap")\ndef _(trap): pass\n',
        more=TRAP,
    ),
    "a fixture fails in its tear-down": Run(
        "clean-up-failed",
        steps='\n@pytest.fixture\ndef trap():\n    yield\n    raise Unreachable("no")\n'
        '@given("a trap")\ndef _(trap): pass\n',
        more=TRAP,
    ),
    "a step ends the run (`pytest.exit`)": Run("run-not-finished", steps=given("pytest.exit('enough')"), more=TRAP),
    "a step ends with exit code 0 (`sys.exit`)": Run("scenario-broken", steps=given("raise SystemExit(0)"), more=TRAP),
    "the disk is full": Run(
        NO_VERDICT,
        steps=given("evidence.record = lambda *a, **k: (_ for _ in ()).throw(OSError(28, 'No space left on device'))"),
        more=TRAP,
        apart=True,
    ),
    "somebody presses Ctrl-C": Run("run-not-finished", steps=given("raise KeyboardInterrupt"), more=TRAP),
    "the process is killed": Run(NO_VERDICT, steps=given("import os; os.kill(os.getpid(), 9)"), more=TRAP, apart=True),
    "a worker crashes": Run("run-not-finished", ("-n1",), steps=given("import os; os._exit(0)"), more=TRAP, apart=True),
    "a required check never ran": Run(
        "check-not-run",
        steps='\n@pytest.fixture(scope="session", autouse=True)\ndef forgetful(evidence):\n'
        "    record = evidence.record\n"
        "    def most(kind, /, **details):\n"
        '        return None if details.get("check") == "PERM" else record(kind, **details)\n'
        "    evidence.record = most\n",
    ),
    "a check could not run": Run(
        "check-not-run",
        steps=given(
            "from tidegate.checks.finding import Finding; "
            "evidence.finding(Finding(check='DIFF', severity='info', place='P', consequence='?', kind='incomplete'))"
        ),
        more=TRAP,
    ),
    "the ledger is deleted while the run goes on": Run(
        "evidence-missing", steps=given("evidence.file.unlink()"), more=TRAP
    ),
    "an attachment changes while the run goes on": Run(
        "evidence-damaged",
        steps=given(f"one = {ATTACH}; (evidence.folder / one.path).write_bytes(b'y')"),
        more=TRAP,
    ),
    "somebody else writes a file among the attachments": Run(
        "evidence-damaged",
        steps=given(f"{ATTACH}; (evidence.folder / 'attachments/y').write_bytes(b'y')"),
        more=TRAP,
    ),
    "a test beside the features fails": Run("run-not-finished", ("test_x.py",), prepare=failing_test),
}
