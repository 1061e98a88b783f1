"""What projects stand on.

Environments, targets, workers, lifecycles, feeds, accounts, certificates, tag sets; the library is a module apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from standins.sample import library, secret_material
from standins.sample.instance import Instance, Resource, by_name

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
    made.environments = by_name(
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
    made.groups = by_name(
        instance.create_all("projectgroups", ({"Name": name, "Description": f"{name} projects"} for name in GROUPS))
    )
    made.lifecycles = by_name(instance.create_all("lifecycles", _lifecycles(made)))
    _find_built_in_feed(instance, made)
    instance.each(
        lambda part: part(instance, made, seed, scale),
        (_tag_sets, _targets, _workers, _feeds, _accounts, _certificates, library.sets, library.step_templates),
    )
    return made


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
    made.targets.update(by_name(instance.create_all("machines", bodies)))


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
        by_name(
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
        by_name(
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
