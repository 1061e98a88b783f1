"""A server task's log as people read it."""

from __future__ import annotations

from tidegate.octopus.task_log import readable


def test_activities_are_nested_with_their_lines_and_how_they_ended() -> None:
    line = {"OccurredAt": "2026-11-23T07:00:01.5Z", "Category": "Info", "MessageText": "hello\nagain"}
    step = {"Name": "Step 1: Run", "Status": "Failed", "LogElements": [line], "Children": []}
    told = readable({"ActivityLogs": [{"Name": "Deploy", "Status": "Failed", "LogElements": [], "Children": [step]}]})

    assert told.splitlines() == [
        "Failed: Deploy",
        "  Failed: Step 1: Run",
        "    07:00:01  Info      hello",
        "                        again",
    ]


def test_a_task_without_activities_has_no_log() -> None:
    assert readable({"ActivityLogs": None}) == ""
