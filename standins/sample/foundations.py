"""What projects stand on.

Environments, targets, workers, lifecycles, feeds, accounts, certificates, library, tag sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from standins.sample import secret_material, steps
from standins.sample.instance import Instance, Resource

ENVIRONMENTS = ("Development", "Test", "Staging", "Production", "Disaster Recovery", "Sandbox")
GROUPS = ("Web", "Services", "Data", "Platform", "Operations", "Retired")
ROLES = ("web-server", "app-server", "db-server", "edge")


@dataclass(slots=True)
class Foundations:
    """What was made, by name."""

    environments: dict[str, Resource] = field(default_factory=dict[str, Resource])
    groups: dict[str, Resource] = field(default_factory=dict[str, Resource])
    lifecycles: dict[str, Resource] = field(default_factory=dict[str, Resource])
    library: dict[str, Resource] = field(default_factory=dict[str, Resource])
    templates: dict[str, Resource] = field(default_factory=dict[str, Resource])
    feeds: dict[str, Resource] = field(default_factory=dict[str, Resource])
    accounts: dict[str, Resource] = field(default_factory=dict[str, Resource])
    certificates: dict[str, Resource] = field(default_factory=dict[str, Resource])
    targets: dict[str, Resource] = field(default_factory=dict[str, Resource])
    built_in_feed: str = "feeds-builtin"
    secrets: dict[str, str] = field(default_factory=dict[str, str])

    def environment(self, name: str) -> str:
        return self.environments[name]["Id"]


def build(instance: Instance, seed: int, scale: int) -> Foundations:
    made = Foundations()
    made.environments = _named(
        instance.create_all(
            "environments",
            (
                {
                    "Name": name,
                    "Description": f"The {name} environment",
                    "SortOrder": position,
                    "UseGuidedFailure": name == "Disaster Recovery",
                    "AllowDynamicInfrastructure": name == "Sandbox",
                }
                for position, name in enumerate(ENVIRONMENTS)
            ),
        )
    )
    made.groups = _named(
        instance.create_all("projectgroups", ({"Name": name, "Description": f"{name} projects"} for name in GROUPS))
    )
    made.lifecycles = _named(instance.create_all("lifecycles", _lifecycles(made)))
    _find_built_in_feed(instance, made)
    instance.each(
        lambda part: part(instance, made, seed, scale),
        (_tag_sets, _targets, _workers, _feeds, _accounts, _certificates, _library, _step_templates),
    )
    return made


def _named(resources: Sequence[Resource]) -> dict[str, Resource]:
    return {resource["Name"]: resource for resource in resources}


def _phase(
    made: Foundations, name: str, *, optional: Sequence[str] = (), automatic: Sequence[str] = (), **more: Any
) -> Resource:
    return {
        "Name": name,
        "OptionalDeploymentTargets": [made.environment(entry) for entry in optional],
        "AutomaticDeploymentTargets": [made.environment(entry) for entry in automatic],
        "MinimumEnvironmentsBeforePromotion": 0,
        "IsOptionalPhase": False,
        **more,
    }


def _keep(quantity: int, unit: str) -> Resource:
    return {"QuantityToKeep": quantity, "Unit": unit, "ShouldKeepForever": quantity == 0}


def _lifecycles(made: Foundations) -> list[Resource]:
    return [
        {
            "Name": "Standard",
            "Description": "Development, Test, then Production and its twin",
            "ReleaseRetentionPolicy": _keep(0, "Items"),
            "TentacleRetentionPolicy": _keep(10, "Items"),
            "Phases": [
                _phase(made, "Develop", optional=["Development"], ReleaseRetentionPolicy=_keep(30, "Days")),
                _phase(made, "Verify", optional=["Test", "Staging"], MinimumEnvironmentsBeforePromotion=1),
                _phase(made, "Live", optional=["Production", "Disaster Recovery"]),
            ],
        },
        {
            "Name": "Hotfix",
            "Description": "Straight to Production, Test if there is time",
            "ReleaseRetentionPolicy": _keep(0, "Items"),
            "TentacleRetentionPolicy": _keep(3, "Items"),
            "Phases": [
                _phase(made, "Verify", optional=["Test"], IsOptionalPhase=True),
                _phase(made, "Live", optional=["Production"]),
            ],
        },
        {
            "Name": "Continuous",
            "Description": "Development happens by itself",
            "ReleaseRetentionPolicy": _keep(90, "Days"),
            "TentacleRetentionPolicy": _keep(90, "Days"),
            "Phases": [
                _phase(made, "Develop", automatic=["Development"]),
                _phase(made, "Verify", optional=["Test"]),
                _phase(made, "Live", optional=["Production"]),
            ],
        },
    ]


def _find_built_in_feed(instance: Instance, made: Foundations) -> None:
    """The built-in feed is listed since 2019.1; before, its id is fixed."""
    if instance.since(2019, 1):
        made.built_in_feed = next(
            (feed["Id"] for feed in instance.get("feeds/all") if feed["FeedType"] == "BuiltIn"), made.built_in_feed
        )


def _tag_sets(instance: Instance, made: Foundations, seed: int, scale: int) -> None:
    del made, seed, scale
    colours = ("#6e6e6e", "#005c9e", "#3cb371", "#c21e1e")
    for order, (name, tags) in enumerate(
        {"Ring": ("Alpha", "Beta", "Stable"), "Region": ("Europe", "America", "Asia")}.items()
    ):
        instance.post(
            "tagsets",
            {
                "Name": name,
                "Description": f"{name} of a tenant",
                "SortOrder": order,
                "Tags": [
                    {"Name": tag, "Color": colours[position % 4], "Description": f"{name} {tag}", "SortOrder": position}
                    for position, tag in enumerate(tags)
                ],
            },
        )


def _targets(instance: Instance, made: Foundations, seed: int, scale: int) -> None:
    del seed
    bodies = [
        _target(made, f"{name} {role} region", [name], [role], {"CommunicationStyle": "None"})
        for name in ENVIRONMENTS[:5]
        for role in ROLES[:3]
    ]
    for number in range(4 * scale):
        endpoint = {
            "CommunicationStyle": "TentaclePassive",
            "Uri": f"https://web{number:02}.acme.test:10933/",
            "Thumbprint": f"{number:040X}",
        }
        # Disabled: nothing listens there, and nothing should try.
        bodies.append(
            _target(made, f"ACME-WEB-{number:02}", ["Production"], ["web-server", "edge"], endpoint, IsDisabled=True)
        )
    drop = {
        "CommunicationStyle": "OfflineDrop",
        "Destination": {"DestinationType": "Artifact"},
        "ApplicationsDirectory": "C:\\Octopus\\Applications",
        "OctopusWorkingDirectory": "C:\\Octopus\\Work",
    }
    bodies.append(_target(made, "Oil rig offline drop", ["Staging"], ["edge"], drop))
    made.targets.update(_named(instance.create_all("machines", bodies)))


def _target(
    made: Foundations,
    name: str,
    environments: Sequence[str],
    roles: Sequence[str],
    endpoint: Mapping[str, Any],
    **more: Any,
) -> Resource:
    return {
        "Name": name,
        "EnvironmentIds": [made.environment(entry) for entry in environments],
        "Roles": list(roles),
        "TenantedDeploymentParticipation": "TenantedOrUntenanted"
        if endpoint["CommunicationStyle"] == "None"
        else "Untenanted",
        "TenantIds": [],
        "TenantTags": ["Ring/Stable", "Ring/Beta", "Ring/Alpha"] if endpoint["CommunicationStyle"] == "None" else [],
        "IsDisabled": False,
        "Endpoint": dict(endpoint),
        "Thumbprint": endpoint.get("Thumbprint"),
        "Uri": endpoint.get("Uri"),
        **more,
    }


def _workers(instance: Instance, made: Foundations, seed: int, scale: int) -> None:
    del made, seed, scale
    pool = instance.post("workerpools", {"Name": "Build helpers", "Description": "Workers beside the build farm"})
    for number in range(2):
        instance.post(
            "workers",
            {
                "Name": f"ACME-WORKER-{number:02}",
                "WorkerPoolIds": [pool["Id"]],
                "IsDisabled": True,
                "Thumbprint": f"{number + 4096:040X}",
                "Uri": f"https://worker{number:02}.acme.test:10933/",
                "Endpoint": {
                    "CommunicationStyle": "TentaclePassive",
                    "Uri": f"https://worker{number:02}.acme.test:10933/",
                    "Thumbprint": f"{number + 4096:040X}",
                },
            },
        )


def _sensitive(made: Foundations, seed: int, name: str) -> Resource:
    made.secrets[name] = secret_material.secret(seed, name)
    return {"HasValue": True, "NewValue": made.secrets[name]}


def _feeds(instance: Instance, made: Foundations, seed: int, scale: int) -> None:
    del scale
    made.feeds.update(
        _named(
            instance.create_all(
                "feeds",
                (
                    {
                        "Name": "NuGet gallery",
                        "FeedType": "NuGet",
                        "FeedUri": "https://api.nuget.org/v3/index.json",
                        "EnhancedMode": True,
                    },
                    {
                        "Name": "Container registry",
                        "FeedType": "Docker",
                        "FeedUri": "https://registry.acme.test",
                        "ApiVersion": "v2",
                        "Username": "octopus",
                        "Password": _sensitive(made, seed, "feed:Container registry"),
                    },
                    {"Name": "Maven central", "FeedType": "Maven", "FeedUri": "https://repo.maven.apache.org/maven2/"},
                    {"Name": "Charts", "FeedType": "Helm", "FeedUri": "https://charts.acme.test"},
                ),
            )
        )
    )


def _accounts(instance: Instance, made: Foundations, seed: int, scale: int) -> None:
    del scale
    production = [made.environment("Production")]
    made.accounts.update(
        _named(
            instance.create_all(
                "accounts",
                (
                    {
                        "Name": "Database login",
                        "AccountType": "UsernamePassword",
                        "Username": "shop_owner",
                        "Password": _sensitive(made, seed, "account:Database login"),
                    },
                    {
                        "Name": "Azure subscription",
                        "AccountType": "AzureServicePrincipal",
                        "SubscriptionNumber": "11111111-2222-4333-8444-555555555555",
                        "ClientId": "22222222-2222-4333-8444-555555555555",
                        "TenantId": "33333333-2222-4333-8444-555555555555",
                        "Password": _sensitive(made, seed, "account:Azure subscription"),
                        "EnvironmentIds": production,
                    },
                    {
                        "Name": "AWS operations",
                        "AccountType": "AmazonWebServicesAccount",
                        "AccessKey": "AKIAEXAMPLEEXAMPLE00",
                        "SecretKey": _sensitive(made, seed, "account:AWS operations"),
                    },
                    {
                        "Name": "Cluster token",
                        "AccountType": "Token",
                        "Token": _sensitive(made, seed, "account:Cluster token"),
                    },
                ),
            )
        )
    )


def _certificates(instance: Instance, made: Foundations, seed: int, scale: int) -> None:
    del scale
    for name, days in (("www.acme.test", 3650), ("api.acme.test", 3650), ("old.acme.test", 90)):
        data, word = secret_material.certificate(seed, name, days)
        made.secrets[f"certificate:{name}"] = word
        made.certificates[name] = instance.post(
            "certificates",
            {
                "Name": name,
                "Notes": f"Certificate of {name}",
                "CertificateData": {"HasValue": True, "NewValue": data},
                "Password": {"HasValue": True, "NewValue": word},
                "EnvironmentIds": [made.environment("Production")] if name.startswith("www") else [],
                "TenantIds": [],
                "TenantTags": [],
            },
        )


def variable(
    owner: str, name: str, value: str | None, *, scope: Mapping[str, Sequence[str]] | None = None, **more: Any
) -> Resource:
    """``more``: Type, Prompt, IsSensitive, Description. The id is that of the name and scope, whatever the server."""
    where = ",".join(f"{key}={'|'.join(ids)}" for key, ids in sorted((scope or {}).items()))
    return {
        "Id": steps.stable_id(owner, "variable", name, where),
        "Name": name,
        "Value": value,
        "Description": None,
        "Type": "String",
        "IsSensitive": False,
        "IsEditable": True,
        "Scope": {key: list(ids) for key, ids in (scope or {}).items()},
        **more,
    }


def secret_variable(made: Foundations, seed: int, owner: str, name: str, suffix: str = "", **more: Any) -> Resource:
    key = f"variable:{owner}:{name}{suffix}"
    made.secrets[key] = secret_material.secret(seed, key)
    return variable(owner, name, made.secrets[key], Type="Sensitive", IsSensitive=True, **more)


def save_variables(instance: Instance, set_id: str, owner_id: str, variables: Sequence[Resource]) -> Resource:
    return instance.put(
        f"variables/{set_id}",
        {"Id": set_id, "OwnerId": owner_id, "Version": 0, "Variables": list(variables), "Links": {}},
    )


def _library(instance: Instance, made: Foundations, seed: int, scale: int) -> None:
    del scale
    common = instance.post(
        "libraryvariablesets",
        {
            "Name": "Acme defaults",
            "Description": "Shared by most projects",
            "ContentType": "Variables",
            "Templates": [
                _template("Acme defaults", "Tenant.Alias", "Short name of the tenant", "none"),
                _template("Acme defaults", "Tenant.LicenseKey", "Key the tenant bought", None, sensitive=True),
            ],
        },
    )
    production = {"Environment": [made.environment("Production")]}
    save_variables(
        instance,
        common["VariableSetId"],
        common["Id"],
        [
            variable("Acme defaults", "Company", "Acme Corporation"),
            variable("Acme defaults", "LogLevel", "Debug"),
            variable("Acme defaults", "LogLevel", "Warning", scope=production),
            secret_variable(made, seed, "Acme defaults", "Smtp.Password"),
        ],
    )
    notifications = instance.post(
        "libraryvariablesets",
        {"Name": "Notifications", "Description": "Where messages go", "ContentType": "Variables", "Templates": []},
    )
    save_variables(
        instance,
        notifications["VariableSetId"],
        notifications["Id"],
        [
            variable("Notifications", "Notify.Channel", "#releases"),
            variable("Notifications", "Notify.Channel", "#production", scope=production),
            variable("Notifications", "Notify.Channel", "#web", scope={"Role": ["web-server"]}),
        ],
    )
    module = instance.post(
        "libraryvariablesets",
        {
            "Name": "Acme helpers",
            "Description": "Functions for scripts",
            "ContentType": "ScriptModule",
            "Templates": [],
        },
    )
    save_variables(
        instance,
        module["VariableSetId"],
        module["Id"],
        [
            variable(
                "Acme helpers", "Octopus.Script.Module[Acme helpers]", 'acme_banner() { echo "*** Acme: $1 ***"; }'
            ),
            variable("Acme helpers", "Octopus.Script.Module.Language[Acme helpers]", "Bash"),
        ],
    )
    made.library.update({"Acme defaults": common, "Notifications": notifications, "Acme helpers": module})


def _template(owner: str, name: str, label: str, default: str | None, *, sensitive: bool = False) -> Resource:
    return {
        "Id": steps.stable_id(owner, "template", name),
        "Name": name,
        "Label": label,
        "HelpText": f"{label}, asked of every tenant",
        "DefaultValue": default,
        "DisplaySettings": {"Octopus.ControlType": "Sensitive" if sensitive else "SingleLineText"},
    }


template = _template


def _step_templates(instance: Instance, made: Foundations, seed: int, scale: int) -> None:
    del seed, scale
    made.templates.update(
        _named(
            instance.create_all(
                "actiontemplates",
                (
                    {
                        "Name": "Acme - Check a web page",
                        "Description": "Says which page would be checked",
                        "ActionType": "Octopus.Script",
                        "Packages": [],
                        "Properties": {
                            "Octopus.Action.Script.ScriptSource": "Inline",
                            "Octopus.Action.Script.Syntax": "Bash",
                            "Octopus.Action.Script.ScriptBody": 'echo "Checking $(get_octopusvariable CheckUrl)"',
                        },
                        "Parameters": [
                            {
                                "Id": steps.stable_id("Acme - Check a web page", "parameter", "CheckUrl"),
                                "Name": "CheckUrl",
                                "Label": "Address",
                                "HelpText": "The page to ask for",
                                "DefaultValue": "https://www.acme.test/",
                                "DisplaySettings": {"Octopus.ControlType": "SingleLineText"},
                            }
                        ],
                    },
                    {
                        "Name": "Acme - Post a message",
                        "Description": "Tells the team",
                        "ActionType": "Octopus.Script",
                        "Packages": [],
                        "Properties": {
                            "Octopus.Action.Script.ScriptSource": "Inline",
                            "Octopus.Action.Script.Syntax": "PowerShell",
                            "Octopus.Action.Script.ScriptBody": "Write-Host $OctopusParameters['Message']",
                        },
                        "Parameters": [
                            {
                                "Id": steps.stable_id("Acme - Post a message", "parameter", "Message"),
                                "Name": "Message",
                                "Label": "Text",
                                "HelpText": "",
                                "DefaultValue": "",
                                "DisplaySettings": {"Octopus.ControlType": "MultiLineText"},
                            }
                        ],
                    },
                ),
            )
        )
    )
