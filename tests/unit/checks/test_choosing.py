"""Representative projects cover every sort of step that can run on the server."""

from __future__ import annotations

from typing import Any

from tidegate.checks.live.choosing import Candidate, Covered, form_values, next_candidate, reasons, steps_of


def action(
    kind: str, *, syntax: str = "", roles: str = "", on_server: str = "", disabled: bool = False
) -> dict[str, Any]:
    properties = {"Octopus.Action.Script.Syntax": syntax, "Octopus.Action.RunOnServer": on_server}
    return {
        "Properties": {"Octopus.Action.TargetRoles": roles},
        "Actions": [{"Id": kind, "Name": kind, "ActionType": kind, "IsDisabled": disabled, "Properties": properties}],
    }


def project(name: str, *steps: dict[str, Any], tenanted: bool = False) -> Candidate:
    mode = "Tenanted" if tenanted else "Untenanted"
    return Candidate({"Id": name, "TenantedDeploymentMode": mode}, steps_of({"Steps": list(steps)}))


BASH = action("Octopus.Script", syntax="Bash")
POWERSHELL = action("Octopus.Script", syntax="PowerShell")
MANUAL = action("Octopus.Manual")
ON_TARGETS = action("Octopus.TentaclePackage", roles="web")
ON_BEHALF = action("Octopus.Script", syntax="Bash", roles="web", on_server="true")


def chosen(*candidates: Candidate, failing: tuple[str, ...] = ()) -> tuple[list[str], Covered]:
    """The projects that are rehearsed, in order, when those in ``failing`` fail."""
    covered = Covered()
    succeeded = frozenset(one.id for one in candidates) - set(failing)
    order: list[str] = []
    while (candidate := next_candidate(candidates, covered, succeeded)) is not None:
        order.append(candidate.id)
        covered.add(candidate, succeeded=candidate.id not in failing)
    return order, covered


def test_one_project_for_each_sort_and_no_more() -> None:
    order, covered = chosen(
        project("a", BASH), project("b", BASH, MANUAL), project("c", BASH), project("d", POWERSHELL)
    )

    assert order == ["b", "d"]
    assert covered.sorts == {"Octopus.Script/Bash", "Octopus.Manual", "Octopus.Script/PowerShell"}


def test_a_tenanted_project_is_wanted_besides() -> None:
    order, _ = chosen(project("a", BASH), project("t", BASH, tenanted=True))

    assert order == ["t"]  # it shows both
    order, _ = chosen(project("a", BASH, MANUAL, POWERSHELL), project("t", BASH, tenanted=True))
    assert order == ["a", "t"]


def test_a_project_whose_steps_run_on_conditions_is_wanted_besides() -> None:
    on_failure = {**BASH, "Condition": "Failure"}
    always_after_success = {**BASH, "Condition": "Success"}

    order, covered = chosen(
        project("a", BASH, MANUAL), project("b", BASH, on_failure), project("c", always_after_success)
    )

    assert order == ["a", "b"]
    assert "a step that runs on Failure" in covered.sorts


def test_projects_that_work_are_preferred() -> None:
    order, covered = chosen(project("a", BASH), project("b", BASH), failing=("a",))

    assert (order, covered.sorts) == (["b"], {"Octopus.Script/Bash"})


def test_a_project_that_fails_is_rehearsed_when_nothing_else_shows_its_steps() -> None:
    order, covered = chosen(project("a", POWERSHELL), project("b", BASH), failing=("a",))

    assert (order, covered.tried) == (["b", "a"], {"Octopus.Script/PowerShell"})


def test_steps_on_targets_and_mail_are_skipped_and_named() -> None:
    one = project("a", BASH, ON_TARGETS, ON_BEHALF, action("Octopus.Email"))

    assert one.skipped == ["Octopus.TentaclePackage", "Octopus.Email"]
    assert reasons([one], {"Octopus.TentaclePackage", "Octopus.Email"}) == [
        "steps of the sort Octopus.Email: it would reach people",
        "steps of the sort Octopus.TentaclePackage: it runs on deployment targets, which a clone must not reach",
    ]


def test_disabled_steps_do_not_count() -> None:
    assert steps_of({"Steps": [action("Octopus.Script", disabled=True)]}) == ()


def test_forms_are_answered_the_same_every_time() -> None:
    form = {"Form": {"Values": {"1": "given", "2": None}, "Elements": [{"Name": "2", "IsValueRequired": True}]}}

    assert form_values(form) == {"1": "given", "2": "tidegate"}
