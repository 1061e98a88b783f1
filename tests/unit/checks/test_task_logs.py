"""Logs of two runs are compared by what they say, not by when and where they said it."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.checks.live.task_logs import compare_logs, run_log, steadied, steady


def log(*lines: str, status: str = "Success", machine: str = "web-1", category: str = "Info") -> Any:
    """Details of a deployment with one step on one machine."""
    elements = [{"Category": category, "MessageText": line} for line in lines]
    step = {"Name": f"Step 1: Deploy on {machine}", "Status": status, "LogElements": elements, "Children": []}
    return {"ActivityLogs": [{"Name": "Deploy Web 1.0.3", "Status": status, "LogElements": [], "Children": [step]}]}


STEP = "Deploy Web 1.0.3 / Step 1: Deploy on web-1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("done in 12 seconds", "done in 3 minutes"),
        ("at 2020-01-01T10:00:00.123+00:00", "at 2021-11-21T23:59:59.000+00:00"),
        ("ServerTasks-12_AB34CD is over", "ServerTasks-99_ZZ99ZZ is over"),
        ("see http://localhost:4021/app", "see http://localhost:18080/app"),
        ("wrote /tmp/abc123/work/x.txt", "wrote /tmp/zzz/work/x.txt"),
    ],
)
def test_what_every_run_says_anew_is_the_same(one: str, other: str) -> None:
    assert steadied(one) == steadied(other)


def test_values_stay_apart() -> None:
    assert steadied("Database = shop") != steadied("Database = test")
    assert steadied("version 1.0.3") != steadied("version 1.0.4")


def test_a_digest_of_a_secret_says_something() -> None:
    """It may be all that a log tells of a secret; one that is made anew with each run is learnt from two runs."""
    assert steadied("key 9f86d081884c7d659a2feaa0c55ad015") != steadied("key 60303ae22b998861bce3b28f33eec1be")


def test_the_same_run_is_silent() -> None:
    before = steady(run_log(log("Hello", "took 3 seconds")), run_log(log("Hello", "took 5 seconds")))

    assert compare_logs(before, run_log(log("Hello", "took 4 minutes"))) == []


def test_what_two_runs_did_not_share_is_unsteady() -> None:
    before = steady(run_log(log("Hello", "lucky number 7")), run_log(log("Hello", "lucky number 9")))

    assert compare_logs(before, run_log(log("Hello", "lucky number 7"))) == []
    (difference,) = compare_logs(before, run_log(log("Good bye", "lucky number 7")))
    assert (difference.path, difference.lost, difference.new) == (STEP, ("Hello",), ("Good bye",))


def test_a_counter_may_go_on() -> None:
    before = steady(run_log(log("queued as (#1) of 9", "Hello")), run_log(log("queued as (#2) of 9", "Hello")))

    assert compare_logs(before, run_log(log("queued as (#6) of 9", "Hello"))) == []
    assert compare_logs(before, run_log(log("queued as (#6) of 8", "Hello")))


def test_a_step_that_ends_otherwise() -> None:
    before = run_log(log("Hello"))

    differences = compare_logs(before, run_log(log("Hello", status="SuccessWithWarning")))

    assert [(one.before, one.after) for one in differences] == [("Success", "SuccessWithWarning")] * 2


def test_a_step_on_another_machine() -> None:
    differences = compare_logs(run_log(log("Hello")), run_log(log("Hello", machine="web-2")))

    assert [(one.before, one.after) for one in differences] == [("Success", "not run"), ("not run", "Success")]


def test_new_trouble_is_marked() -> None:
    before = run_log(log("Hello"))

    (difference,) = compare_logs(before, run_log(log("Hello", "the feed is slow", category="Warning")))

    assert difference.trouble


def test_quiet_lines_are_the_servers_own_business() -> None:
    before = run_log(log("inner workings", category="Verbose"))

    assert compare_logs(before, run_log(log("other workings", category="Verbose"))) == []
