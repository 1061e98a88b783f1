"""What a process means for one place."""

from __future__ import annotations

from typing import Any

import pytest

from standins.octopus.behaviour.plan import Place, packages_of, plan, tags_match, takes_part

PLACE = Place("E1", channel="C1")


def action(name: str, **more: Any) -> dict[str, Any]:
    return {"Id": name, "Name": name, "ActionType": "Octopus.Script", "Properties": {}, **more}


def step(*actions: dict[str, Any], roles: str = "") -> dict[str, Any]:
    properties = {"Octopus.Action.TargetRoles": roles} if roles else {}
    return {"Id": actions[0]["Name"], "Name": actions[0]["Name"], "Actions": list(actions), "Properties": properties}


def machine(name: str, **more: Any) -> dict[str, Any]:
    return {"Id": name, "Name": name, "EnvironmentIds": ["E1"], "Roles": ["web"], "IsDisabled": False, **more}


def test_steps_that_do_not_apply_take_no_number() -> None:
    process = {
        "Steps": [
            step(action("Elsewhere", Environments=["E2"])),
            step(action("Never", IsDisabled=True)),
            step(action("Not here", ExcludedEnvironments=["E1"])),
            step(action("Other channel", Channels=["C2"])),
            step(action("Tenants only", TenantTags=["Ring/Alpha"])),
            step(action("Only one")),
            step(action("Child one"), action("Child two")),
        ]
    }

    planned = plan(process, PLACE, [])

    assert [(entry.number, [one.number for one in entry.actions]) for entry in planned] == [
        ("1", ["1"]),
        ("2", ["2.1", "2.2"]),
    ]


def test_targets_are_those_in_role_and_place_and_not_excluded() -> None:
    machines = [
        machine("one"),
        machine("two", Roles=["db"]),
        machine("three", IsDisabled=True),
        machine("four", EnvironmentIds=["E2"]),
        machine("five"),
    ]
    place = Place("E1", excluded_machines=frozenset({"five"}))

    only = plan({"Steps": [step(action("Deploy"), roles="web, app")]}, place, machines)[0].actions[0]

    assert [entry["Id"] for entry in only.machines] == ["one"]
    assert [entry["Id"] for entry in only.excluded] == ["three", "five"]
    assert not only.on_server
    assert not only.lacks_machines


def test_an_action_aimed_at_nobody_lacks_machines_and_a_manual_step_needs_none() -> None:
    process = {
        "Steps": [
            step(action("Deploy"), roles="nobody"),
            step(action("Ask", ActionType="Octopus.Manual"), roles="nobody"),
        ]
    }

    deploy, ask = (entry.actions[0] for entry in plan(process, PLACE, []))

    assert deploy.lacks_machines
    assert not ask.lacks_machines
    assert ask.on_server


@pytest.mark.parametrize(
    ("participation", "tenant", "expected"),
    [
        ("Untenanted", None, True),
        ("Untenanted", "T1", False),
        ("Tenanted", None, False),
        ("Tenanted", "T1", True),
        ("Tenanted", "T2", False),
        ("TenantedOrUntenanted", None, True),
        ("TenantedOrUntenanted", "T1", True),
    ],
)
def test_tenancy_decides_who_takes_part(participation: str, tenant: str | None, expected: bool) -> None:
    target = machine("one", TenantedDeploymentParticipation=participation, TenantIds=["T1"])

    assert takes_part(target, Place("E1", tenant=tenant)) is expected


def test_tags_match_any_within_a_set_and_all_sets() -> None:
    tags = {"Ring/Alpha", "Region/Europe"}

    assert tags_match(["Ring/Alpha", "Ring/Beta"], tags)
    assert not tags_match(["Ring/Alpha", "Region/Asia"], tags)


def test_packages_come_from_references_or_from_the_properties_of_older_processes() -> None:
    new = action("New", Packages=[{"Name": "", "PackageId": "Acme.Web", "FeedId": "feeds-builtin"}])
    old = action(
        "Old", Properties={"Octopus.Action.Package.PackageId": "Acme.Old", "Octopus.Action.Package.FeedId": "Feeds-1"}
    )
    variable = action("Late", Packages=[{"Name": "x", "PackageId": "#{Which}", "FeedId": "feeds-builtin"}])

    assert [(use.package_id, use.feed_id) for use in packages_of(new) + packages_of(old)] == [
        ("Acme.Web", "feeds-builtin"),
        ("Acme.Old", "Feeds-1"),
    ]
    assert not packages_of(variable)[0].resolvable
