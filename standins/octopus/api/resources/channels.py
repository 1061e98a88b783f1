"""Channels, triggers, runbooks, subscriptions: what their documents need besides the generic handling."""

from __future__ import annotations

import re
from collections.abc import Sequence

from standins.octopus.api import hooks
from standins.octopus.api.cascade import delete_owned
from standins.octopus.api.errors import invalid
from standins.octopus.behaviour.documents import listed, mapped
from standins.octopus.contract import ApiError, Call, Document


def _prepare_channel(call: Call, document: Document, existing: Document | None) -> None:
    if not document.get("ProjectId"):
        raise invalid("Please provide a value for ProjectId.")
    if existing is not None:
        document["ProjectId"] = existing["ProjectId"]
    for rule in listed(document, "Rules"):
        text = str(rule.get("VersionRange") or "")
        if text and not re.fullmatch(r"[\[(]?[\w.,\-+* ]*[\])]?", text):
            raise invalid(f"The version range '{text}' is not valid.")
    others = call.transaction.query("Channel", where={"ProjectId": document["ProjectId"]})
    if document.get("IsDefault"):
        for other in others:
            if other.get("IsDefault") and (existing is None or other["Id"] != existing["Id"]):
                call.transaction.update("Channel", {**other, "IsDefault": False})
    elif existing is not None and existing.get("IsDefault"):
        document["IsDefault"] = True  # a project always has a default channel; another one takes over


def _before_delete_channel(call: Call, channel: Document) -> None:
    others = call.transaction.query("Channel", where={"ProjectId": channel["ProjectId"]})
    if len(others) < 2:
        raise ApiError(400, "You cannot delete the only remaining channel")
    if channel.get("IsDefault"):
        raise ApiError(400, "You cannot delete the default channel.")
    process = call.transaction.load("DeploymentProcess", f"deploymentprocess-{channel['ProjectId']}")
    for step in listed((process or {}), "Steps"):
        for action in listed(step, "Actions"):
            if channel["Id"] in listed(action, "Channels"):
                raise ApiError(400, f"The channel you are about to remove is used by '{action['Name']}' step.")
    if call.transaction.count("Release", where={"ChannelId": channel["Id"]}):
        raise invalid("The channel you are about to remove has releases.")


def _show_channel(call: Call, shown: Sequence[Document], stored: Sequence[Document]) -> None:
    """Rules named actions before 2019.1, and packages of actions since (OctopusClients 4.45.0 to 6.0.2)."""
    if not call.server.at_least("2019.1"):
        return
    for item, document in zip(shown, stored, strict=True):
        for rule, before in zip(item["Rules"], listed(document, "Rules"), strict=True):
            if not rule["ActionPackages"] and before.get("Actions"):
                rule["ActionPackages"] = [
                    {"DeploymentAction": name, "PackageReference": ""} for name in before["Actions"]
                ]


hooks.register("Channel", prepare=_prepare_channel, before_delete=_before_delete_channel, show=_show_channel)

#: Schedules were split and renamed in 2019.11 (OctopusClients pull request 474).
_SCHEDULES_BEFORE = frozenset(
    {"DailySchedule", "DaysPerWeekSchedule", "DaysPerMonthSchedule", "CronExpressionSchedule"}
)
_SCHEDULES_SINCE = frozenset(
    {"OnceDailySchedule", "ContinuousDailySchedule", "DaysPerMonthSchedule", "CronExpressionSchedule"}
)
_ACTIONS = frozenset({"AutoDeploy", "DeployLatestRelease", "DeployNewRelease"})


def _prepare_trigger(call: Call, document: Document, existing: Document | None) -> None:
    condition, action = mapped(document, "Filter"), mapped(document, "Action")
    kind, act = str(condition.get("FilterType") or ""), str(action.get("ActionType") or "")
    renamed = call.server.at_least("2019.11")
    if kind not in {"MachineFilter", *(_SCHEDULES_SINCE if renamed else _SCHEDULES_BEFORE)}:
        raise invalid(f"The filter type '{kind}' is not supported.")
    if act not in _ACTIONS | ({"RunRunbook"} if renamed else set()):
        raise invalid(f"The action type '{act}' is not supported.")
    if existing is not None:
        document["ProjectId"] = existing["ProjectId"]
    if not document.get("ProjectId"):
        raise invalid("Please provide a value for ProjectId.")
    document["TriggerType"] = "DeploymentTarget" if kind == "MachineFilter" else "Scheduled"


hooks.register("ProjectTrigger", prepare=_prepare_trigger)


def _prepare_runbook(_call: Call, document: Document, existing: Document | None) -> None:
    if existing is not None:
        document["ProjectId"] = existing["ProjectId"]
        document["RunbookProcessId"] = existing.get("RunbookProcessId")
    if not document.get("ProjectId"):
        raise invalid("Please provide a value for ProjectId.")


def _after_create_runbook(call: Call, runbook: Document) -> None:
    """A runbook comes with its process."""
    process: Document = {
        "Id": f"RunbookProcess-{runbook['Id']}",
        "OwnerId": runbook["Id"],
        "ProjectId": runbook["ProjectId"],
        "IsFrozen": False,
        "Version": 0,
        "Steps": [],
        "RelatedDocumentIds": [],
        "SpaceId": runbook["SpaceId"],
    }
    runbook["RunbookProcessId"] = call.transaction.insert("RunbookProcess", process)["Id"]
    call.transaction.update("Runbook", runbook)


def _before_delete_runbook(call: Call, runbook: Document) -> None:
    for kind in ("RunbookRun", "RunbookSnapshot"):
        for document in call.transaction.query(kind, where={"RunbookId": runbook["Id"]}):
            call.transaction.delete(kind, document["Id"])
    delete_owned(call.transaction, runbook, "RunbookProcess")


hooks.register(
    "Runbook", prepare=_prepare_runbook, after_create=_after_create_runbook, before_delete=_before_delete_runbook
)


def _prepare_subscription(_call: Call, document: Document, existing: Document | None) -> None:
    """Where a digest stands is the server's own: a client that saves what it read a while ago must not turn it back."""
    document["Type"] = "Event"
    notification = document.get("EventNotificationSubscription")
    if not notification:
        raise invalid("Please provide a value for EventNotificationSubscription.")
    before = mapped((existing or {}), "EventNotificationSubscription")
    for name in (
        "EmailDigestLastProcessed",
        "EmailDigestLastProcessedEventAutoId",
        "WebhookLastProcessed",
        "WebhookLastProcessedEventAutoId",
    ):
        if name in before:
            notification[name] = before[name]


hooks.register("Subscription", prepare=_prepare_subscription)
