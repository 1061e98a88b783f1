"""Notifications: events that a subscription's filter lets through are posted to its webhook.

Payload as the Octopus docs show it ("Subscriptions", webhook notifications): one POST an event, with the subscription
and the event. Mail digests need a mail server, which a stand-in has not.
"""

from __future__ import annotations

import http.client
import json
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from standins.octopus.behaviour import event_catalogue
from standins.octopus.behaviour.documents import mapped, text_of, texts
from standins.octopus.behaviour.moments import iso, timespan
from standins.octopus.contract import Document, Server, Transaction
from standins.octopus.regressions import hooks

_log = logging.getLogger("octopus.subscriptions")

#: Filter list → property of the event.
_COLUMNS = {"Users": "UserId", "Projects": "ProjectId", "Environments": "EnvironmentId", "Tenants": "TenantId"}


@dataclass(frozen=True, slots=True)
class Notification:
    """One POST to make."""

    uri: str
    headers: dict[str, str]
    body: str
    timeout: float


def matches(subscription: Document, event: Document, group_of: dict[str, str]) -> bool:
    """Every filter list that is not empty must let the event through. ``group_of``: project → project group."""
    chosen = mapped(mapped(subscription, "EventNotificationSubscription"), "Filter")
    if subscription.get("SpaceId") and event.get("SpaceId") != subscription["SpaceId"]:
        return False
    for name, column in _COLUMNS.items():
        wanted = texts(chosen, name)
        if wanted and event.get(column) not in wanted:
            return False
    groups = texts(chosen, "ProjectGroups")
    if groups and group_of.get(str(event.get("ProjectId"))) not in groups:
        return False
    categories = set(texts(chosen, "EventCategories")) | event_catalogue.categories_of(texts(chosen, "EventGroups"))
    if categories and event["Category"] not in categories:
        return False
    kinds = {kind.lower() for kind in texts(chosen, "DocumentTypes")}
    related = texts(event, "RelatedDocumentIds")
    return not kinds or any(entry.split("-", 1)[0].lower() in kinds for entry in related)


def collect(server: Server, transaction: Transaction, new_events: Sequence[Document]) -> list[Notification]:
    """What must be posted for these events; the subscriptions remember how far they got."""
    if not new_events:
        return []
    waiting: list[Notification] = []
    groups: dict[str, str] | None = None
    for subscription in transaction.query("Subscription", where={"IsDisabled": False}):
        settings = mapped(subscription, "EventNotificationSubscription")
        uri = text_of(settings.get("WebhookURI"))
        if not uri:
            continue
        if groups is None:
            groups = {entry["Id"]: entry["ProjectGroupId"] for entry in transaction.query("Project")}
        batch = [event for event in new_events if matches(subscription, event, groups)]
        if not batch:
            continue
        waiting.extend(_notifications(server, subscription, settings, uri, batch))
        settings["WebhookLastProcessed"] = iso(server.now())
        settings["WebhookLastProcessedEventAutoId"] = int(batch[-1]["AutoId"])
        subscription["EventNotificationSubscription"] = settings
        transaction.update("Subscription", subscription)
    return waiting


def _notifications(
    server: Server, subscription: Document, settings: dict[str, Any], uri: str, batch: Sequence[Document]
) -> list[Notification]:
    batch_id = str(uuid.uuid4())
    now = iso(server.now())
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"Octopus Server/{server.version}"}
    if settings.get("WebhookHeaderKey"):
        headers[str(settings["WebhookHeaderKey"])] = text_of(settings.get("WebhookHeaderValue"))
    shown = {name: value for name, value in settings.items() if name != "WebhookHeaderValue"}
    return [
        Notification(
            uri,
            headers,
            json.dumps(
                {
                    "Timestamp": now,
                    "EventType": "SubscriptionPayload",
                    "Payload": {
                        "ServerUri": "",
                        "ServerAuditUri": "",
                        "BatchProcessingDate": now,
                        "Subscription": {
                            "Id": subscription["Id"],
                            "Name": subscription["Name"],
                            "Type": 0,
                            "IsDisabled": False,
                            "EventNotificationSubscription": shown,
                            "SpaceId": subscription.get("SpaceId"),
                        },
                        "Event": event,
                        "BatchId": batch_id,
                        "TotalEventsInBatch": len(batch),
                        "EventNumberInBatch": number,
                    },
                }
            ),
            timespan(text_of(settings.get("WebhookTimeout")) or "00:00:10").total_seconds(),
        )
        for number, event in enumerate(batch, start=1)
    ]


def send(waiting: Sequence[Notification]) -> None:
    """Post them one after the other; one that fails is told to the log and does not keep the others back."""
    for notification in waiting:
        try:
            status = _post(notification)
        except OSError as problem:
            _log.warning("The webhook %s could not be reached: %s", notification.uri, problem)
            failed = True
        else:
            failed = status >= 300
            if failed:
                _log.warning("The webhook %s answered with %s", notification.uri, status)
        if failed and not hooks.adjust("goes on after a failed webhook", True):
            return


def _post(notification: Notification) -> int:
    parts = urlsplit(notification.uri)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=min(notification.timeout, 10.0))
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, notification.body.encode(), notification.headers)
        reply = connection.getresponse()
        reply.read()
        return reply.status
    finally:
        connection.close()
