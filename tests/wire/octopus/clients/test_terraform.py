"""What the Terraform provider sends, reads back and compares (OctopusDeploy/terraform-provider-octopusdeploy, files
octopusdeploy_framework/resource_*.go; bodies as go-octopusdeploy writes its models).

A plan is empty only if the server shows what it was sent: any other value is a difference that Terraform would apply
again each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest

from tests.wire.octopus.clients.test_requests import S, created, go, name

__all__ = ["go"]

KEEP = {"QuantityToKeep": 30, "ShouldKeepForever": False, "Unit": "Days"}
SECRET = {"HasValue": True, "NewValue": "hush"}


def differs(sent: Any, shown: Any) -> bool:
    """Whether a property that was sent is shown otherwise. Secrets are never shown; ids may be added."""
    if isinstance(sent, dict):
        wanted = cast("dict[str, Any]", sent)
        if "NewValue" in wanted:
            return shown["HasValue"] is not True or shown["NewValue"] is not None
        return not isinstance(shown, dict) or any(
            differs(value, cast("dict[str, Any]", shown).get(key)) for key, value in wanted.items()
        )
    if isinstance(sent, list):
        entries = cast("list[Any]", sent)
        return (
            not isinstance(shown, list)
            or len(entries) != len(cast("list[Any]", shown))
            or any(map(differs, entries, cast("list[Any]", shown)))
        )
    return sent != shown


def environment(_: httpx.Client) -> tuple[str, dict[str, Any]]:
    return f"{S}/environments", {
        "AllowDynamicInfrastructure": True,
        "Description": "",
        "UseGuidedFailure": True,
        "SortOrder": 3,
    }


def lifecycle(go: httpx.Client) -> tuple[str, dict[str, Any]]:
    test = created(go.post(f"{S}/environments", json={"Name": name("Env")}))["Id"]
    phase = {
        "Name": "Only",
        "AutomaticDeploymentTargets": [],
        "OptionalDeploymentTargets": [test],
        "MinimumEnvironmentsBeforePromotion": 1,
    }
    more = {"IsOptionalPhase": True, "IsPriorityPhase": False, "ReleaseRetentionPolicy": KEEP}
    return f"{S}/lifecycles", {
        "Phases": [{**phase, **more}],
        "ReleaseRetentionPolicy": KEEP,
        "TentacleRetentionPolicy": KEEP,
    }


def project(go: httpx.Client) -> tuple[str, dict[str, Any]]:
    group, cycle = (go.get(f"{S}/{path}/all").json()[0]["Id"] for path in ("projectgroups", "lifecycles"))
    policy = {
        "AllowDeploymentsToNoTargets": True,
        "ExcludeUnhealthyTargets": False,
        "SkipMachineBehavior": "SkipUnavailableMachines",
    }
    template = {
        "Name": "Colour",
        "Label": "Colour",
        "HelpText": "",
        "DefaultValue": "blue",
        "DisplaySettings": {"Octopus.ControlType": "SingleLineText"},
    }
    return f"{S}/projects", {
        "ProjectGroupId": group,
        "LifecycleId": cycle,
        "AutoCreateRelease": False,
        "DefaultGuidedFailureMode": "EnvironmentDefault",
        "DefaultToSkipIfAlreadyInstalled": True,
        "DiscreteChannelRelease": False,
        "IncludedLibraryVariableSetIds": [],
        "IsDisabled": True,
        "TenantedDeploymentMode": "TenantedOrUntenanted",
        "ProjectConnectivityPolicy": policy,
        "Templates": [template],
    }


def tag_set(_: httpx.Client) -> tuple[str, dict[str, Any]]:
    return f"{S}/tagsets", {"Tags": [{"Name": "Alpha", "Color": "#333333", "Description": "First"}]}


def feed(_: httpx.Client) -> tuple[str, dict[str, Any]]:
    retries = {"DownloadAttempts": 7, "DownloadRetryBackoffSeconds": 12}
    return "/api/feeds", {
        "FeedType": "NuGet",
        "FeedUri": "https://feed.example.test/v3",
        "EnhancedMode": True,
        "Username": "u",
        "Password": SECRET,
        **retries,
    }


def account(_: httpx.Client) -> tuple[str, dict[str, Any]]:
    use: dict[str, Any] = {
        "EnvironmentIds": [],
        "TenantIds": [],
        "TenantTags": [],
        "TenantedDeploymentParticipation": "Untenanted",
    }
    return f"{S}/accounts", {"AccountType": "UsernamePassword", "Username": "u", "Password": SECRET, **use}


def listening_tentacle(go: httpx.Client) -> tuple[str, dict[str, Any]]:
    test = created(go.post(f"{S}/environments", json={"Name": name("Env")}))["Id"]
    policy = go.get(f"{S}/machinepolicies/all").json()[0]["Id"]
    endpoint = {
        "CommunicationStyle": "TentaclePassive",
        "Uri": "https://web1.example.test:10933/",
        "Thumbprint": "AB12",
    }
    return f"{S}/machines", {
        "EnvironmentIds": [test],
        "Roles": ["web"],
        "MachinePolicyId": policy,
        "IsDisabled": True,
        "TenantedDeploymentParticipation": "Untenanted",
        "TenantIds": [],
        "TenantTags": [],
        "Endpoint": endpoint,
    }


def machine_policy(_: httpx.Client) -> tuple[str, dict[str, Any]]:
    health = {"HealthCheckInterval": "1.00:00:00", "HealthCheckType": "RunScript"}
    return f"{S}/machinepolicies", {
        "MachineHealthCheckPolicy": health,
        "MachineConnectivityPolicy": {"MachineConnectivityBehavior": "ExpectedToBeOnline"},
    }


def library_set(_: httpx.Client) -> tuple[str, dict[str, Any]]:
    template = {
        "Name": "Region",
        "Label": "Region",
        "HelpText": "",
        "DefaultValue": "eu",
        "DisplaySettings": {"Octopus.ControlType": "SingleLineText"},
    }
    return f"{S}/libraryvariablesets", {"ContentType": "Variables", "Templates": [template]}


def user_role(_: httpx.Client) -> tuple[str, dict[str, Any]]:
    return "/api/userroles", {"GrantedSpacePermissions": ["ProjectView"], "GrantedSystemPermissions": ["SpaceView"]}


def plain(path: str) -> Callable[[httpx.Client], tuple[str, dict[str, Any]]]:
    return lambda _: (f"{S}/{path}", {})


@pytest.mark.parametrize(
    "resource",
    [
        environment,
        lifecycle,
        project,
        tag_set,
        feed,
        account,
        listening_tentacle,
        machine_policy,
        library_set,
        user_role,
        pytest.param(plain("projectgroups"), id="project group"),
        pytest.param(plain("tenants"), id="tenant"),
        pytest.param(plain("workerpools"), id="worker pool"),
    ],
)
def test_a_plan_after_an_apply_is_empty(
    go: httpx.Client, resource: Callable[[httpx.Client], tuple[str, dict[str, Any]]]
) -> None:
    path, body = resource(go)
    described = {} if path.endswith(("machines", "feeds")) else {"Description": "as it was"}
    sent = {"Name": name("Terraform"), **described, **body}

    made = created(go.post(path, json=sent))
    item = f"{path}/{made['Id']}"
    read = go.get(item).json()
    assert [key for key in sent if differs(sent[key], made.get(key))] == []
    assert [key for key in sent if differs(sent[key], read.get(key))] == []

    changed = {"Name": name("Changed"), **dict.fromkeys(described, "changed")}
    wanted = {**sent, **changed}
    saved = created(go.put(item, json={**read, **changed}))
    again = go.get(item).json()
    assert [key for key in wanted if differs(wanted[key], saved.get(key))] == []
    assert again == saved
    assert created(go.put(item, json=again)) == go.get(item).json()
    assert go.delete(item).status_code == 200
    gone = go.get(item)
    assert (gone.status_code, list(gone.json())) == (404, ["ErrorMessage"])
