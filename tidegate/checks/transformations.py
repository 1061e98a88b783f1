"""Named, pure rewritings of what an old version served into what a newer one serves for the same thing.

`knowledge/expected_changes.toml` says which rewriting belongs to which place and version. Each takes the old document
and changes it; none looks at the new document, so a rewriting cannot hide a loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

Document = dict[str, Any]
Transformation = Callable[[Document], None]


def artifact_task(artifact: Document) -> None:
    """2019.1: an artifact belongs to one server task instead of naming every document it is related to."""
    related = cast("list[str]", artifact.pop("RelatedDocumentIds", None) or [])
    tasks = [one for one in related if one.startswith("ServerTasks-")]
    artifact["ServerTaskId"] = tasks[0] if tasks else None


def channel_rule_actions(channel: Document) -> None:
    """2019.1: a channel rule names packages of actions instead of actions."""
    for rule in cast("list[Document]", channel.get("Rules") or []):
        if "Actions" in rule:
            actions = cast("list[str]", rule.pop("Actions") or [])
            rule["ActionPackages"] = [{"DeploymentAction": action} for action in actions]


def donor_package(project: Document) -> None:
    """2019.1: a versioning or release-creation strategy names the step's package in an object of its own.

    The old property keeps the id of the step, the new one the name of the action: the value cannot be carried on.
    """
    for strategy, old in (
        ("VersioningStrategy", "DonorPackageStepId"),
        ("ReleaseCreationStrategy", "ReleaseCreationPackageStepId"),
    ):
        value = project.get(strategy)
        if isinstance(value, dict):
            cast("Document", value).pop(old, None)


_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def trigger_schedule(trigger: Document) -> None:
    """2019.11: daily schedules are split by how often they run, and name days (OctopusClients pull request 474)."""
    filter_ = trigger.get("Filter")
    if not isinstance(filter_, dict):
        return
    schedule = cast("Document", filter_)
    kind = schedule.get("FilterType")
    if kind not in {"DailySchedule", "DaysPerWeekSchedule"}:
        return
    days = [day for day in _DAYS if kind == "DailySchedule" or schedule.get(day)]
    once = schedule.get("Interval") in (None, "OnceDaily")
    # What the other kind of schedule has no use for is left behind.
    unused = ("Interval", "RunAfter", "RunUntil", "HourInterval", "MinuteInterval") if once else ("StartTime",)
    for name in (*_DAYS, *unused):
        schedule.pop(name, None)
    schedule["FilterType"] = "OnceDailySchedule" if once else "ContinuousDailySchedule"
    schedule["DaysOfWeek"] = days


def source_environments(trigger: Document) -> None:
    """2019.11: `DeployLatestRelease` may take releases from several environments."""
    action = trigger.get("Action")
    if isinstance(action, dict) and "SourceEnvironmentId" in action:
        source = cast("Document", action).pop("SourceEnvironmentId")
        cast("Document", action)["SourceEnvironmentIds"] = [source] if source else []


def health_check_policies(policy: Document) -> None:
    """2019.3 – 2019.8: health checks are described by script language instead of by communication style."""
    health = policy.get("MachineHealthCheckPolicy")
    if not isinstance(health, dict):
        return
    health = cast("Document", health)
    for old, new in (
        ("TentacleEndpointHealthCheckPolicy", "PowerShellHealthCheckPolicy"),
        ("SshEndpointHealthCheckPolicy", "BashHealthCheckPolicy"),
    ):
        if old in health:
            health[new] = health.pop(old)
    kinds = {"FullHealthCheck": "RunScript", "ConnectionTest": "OnlyConnectivity"}
    for name in ("PowerShellHealthCheckPolicy", "BashHealthCheckPolicy"):
        part = health.get(name)
        if isinstance(part, dict):
            inner = cast("Document", part)
            old_kind = inner.pop("HealthCheckType", None)
            if old_kind is not None and "HealthCheckType" not in health:
                health["HealthCheckType"] = kinds.get(old_kind, old_kind)
    kind = health.get("HealthCheckType")
    if isinstance(kind, str):
        health["HealthCheckType"] = kinds.get(kind, kind)


def package_metadata(document: Document) -> None:
    """2019.9: what a build says about a package is called build information."""
    if "PackageMetadata" in document:
        value = document.pop("PackageMetadata")
        document["PackageVersionBuildInformation" if "PackageId" in document else "BuildInformation"] = value


def bare_node_name(task: Document) -> None:
    """2019.1: a task names its node by id; before, by the node's name (recorded tasks of 2017 and 2024)."""
    node = task.get("ServerNode")
    if isinstance(node, str) and node and not node.startswith("OctopusServerNodes-"):
        task["ServerNode"] = f"OctopusServerNodes-{node}"
    for part in task.values():
        for inner in cast("list[Any]", part) if isinstance(part, list) else [part]:
            if isinstance(inner, dict):
                bare_node_name(cast("Document", inner))


def sensitive_api_key(key: Document) -> None:
    """2020: reading an API key gives a sensitive value (`HasValue`, `Hint`) instead of nothing."""
    key.pop("ApiKey", None)


BY_NAME: Final[dict[str, Transformation]] = {
    "artifact_task": artifact_task,
    "bare_node_name": bare_node_name,
    "channel_rule_actions": channel_rule_actions,
    "donor_package": donor_package,
    "health_check_policies": health_check_policies,
    "package_metadata": package_metadata,
    "sensitive_api_key": sensitive_api_key,
    "source_environments": source_environments,
    "trigger_schedule": trigger_schedule,
}
