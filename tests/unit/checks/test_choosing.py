"""Representative projects cover every sort of step that can run on the server."""

from __future__ import annotations

from typing import Any

from tidegate.checks.live.choosing import Candidate, choose, form_values, reasons, steps_of


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


def test_one_project_for_each_sort_and_no_more() -> None:
    chosen, missing = choose(
        [project("a", BASH), project("b", BASH, MANUAL), project("c", BASH), project("d", POWERSHELL)], most=5
    )

    assert [one.project["Id"] for one in chosen] == ["b", "d"]
    assert missing == set()


def test_a_tenanted_project_is_wanted_besides() -> None:
    chosen, _ = choose([project("a", BASH), project("t", BASH, tenanted=True)], most=5)

    assert [one.project["Id"] for one in chosen] == ["a", "t"]


def test_steps_on_targets_and_mail_are_skipped_and_named() -> None:
    candidates = [project("a", BASH, ON_TARGETS, ON_BEHALF, action("Octopus.Email"))]

    chosen, missing = choose(candidates, most=5)

    assert chosen[0].skipped == ["Octopus.TentaclePackage", "Octopus.Email"]
    assert reasons(candidates, missing) == [
        "steps of the sort Octopus.Email: it would reach people",
        "steps of the sort Octopus.TentaclePackage: it runs on deployment targets, which a clone must not reach",
    ]


def test_disabled_steps_do_not_count() -> None:
    assert steps_of({"Steps": [action("Octopus.Script", disabled=True)]}) == ()


def test_forms_are_answered_the_same_every_time() -> None:
    form = {"Form": {"Values": {"1": "given", "2": None}, "Elements": [{"Name": "2", "IsValueRequired": True}]}}

    assert form_values(form) == {"1": "given", "2": "tidegate"}
