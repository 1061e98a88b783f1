"""INTEG: notifications reach those who subscribed, even when another subscriber's webhook fails.

One failing webhook has kept the rest of a batch back (OctopusDeploy/Issues#7216). Two subscriptions of the harness lead
to a sink on this machine: the first made answers with an error, the second must be served all the same.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check, told
from tidegate.errors import HarnessError
from tidegate.octopus.client import OctopusClient
from tidegate.waiting import wait_until

_FAILING: Final = "/tidegate/failing"
_HEARD: Final = "/tidegate/heard"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
DELIVERED: Final = "delivered"


@dataclass(slots=True)
class Sink:
    """Where notifications go: what was posted, by path."""

    port: int
    heard: set[str]


def delivery_outcome(context: LiveContext, *, patience: float = 12.0) -> str:
    """`delivered`, or why no notification arrived within ``patience`` seconds."""
    host = urlsplit(context.client.url).hostname or ""
    if host not in _LOOPBACK:
        return f"not tried: {host} is another machine, whose notifications would not come here"
    try:
        return _delivered(context, patience)
    except HarnessError as error:
        return f"subscribing failed: {error.what}"


def _delivered(context: LiveContext, patience: float) -> str:
    with _sink() as sink, ExitStack() as stack:
        for path in (_FAILING, _HEARD):
            made = context.client.send("POST", context.path("subscriptions"), json=_subscription(sink, path))
            if not made.ok:
                return f"no subscription can be made: {told(made)}"
            own = context.path(f"subscriptions/{made.json['Id']}")
            stack.callback(_remove, context.client, own)
        # Saving one is an event as any other: whoever subscribed to everything is told.
        context.client.put(own, cast("dict[str, Any]", context.client.get(own)))
        try:
            wait_until(lambda: _HEARD in sink.heard, timeout=patience, what="a notification")
        except HarnessError:
            other = "; the one whose webhook fails was" if _FAILING in sink.heard else ""
            return f"no notification came within {patience:g} s{other}"
        return DELIVERED


def check_subscriptions(context: LiveContext, before: str) -> LiveResult:
    """The same after the upgrade; ``before`` is what :func:`delivery_outcome` said then."""

    def body(notes: Notes) -> None:
        if before != DELIVERED:
            notes.uncovered.append(f"a subscription's webhook: before the upgrade, {before}")
            return
        now = delivery_outcome(context)
        if now != DELIVERED:
            notes.find(
                "subscriptions", "those who subscribed to events are not told any more", before=before, after=now
            )
        notes.covered.append(f"a subscription's webhook beside one that fails: {now}")

    return run_check("INTEG", context, body)


@contextmanager
def _sink() -> Generator[Sink]:
    heard: set[str] = set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(500 if self.path == _FAILING else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            heard.add(self.path)

        def log_message(self, format: str, *args: Any) -> None:
            """What arrives is told by the check."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield Sink(server.server_port, heard)
        finally:
            server.shutdown()
            thread.join()


def _remove(client: OctopusClient, path: str) -> None:
    client.send("DELETE", path)


def _subscription(sink: Sink, path: str) -> dict[str, Any]:
    """A subscription to everything (Octopus.Client SubscriptionResource, EventNotificationSubscription)."""
    everything = (
        "Users", "Projects", "Environments", "EventGroups", "EventCategories", "EventAgents", "Tenants", "Tags",
        "DocumentTypes",
    )  # fmt: skip
    return {
        "Name": f"Tidegate rehearsal {path.rpartition('/')[2]}",
        "Type": "Event",
        "IsDisabled": False,
        "EventNotificationSubscription": {
            "Filter": {name: [] for name in everything},
            "EmailTeams": [],
            "EmailFrequencyPeriod": "24:00:00",
            "EmailPriority": "Normal",
            "EmailShowDatesInTimeZoneId": "UTC",
            "WebhookURI": f"http://127.0.0.1:{sink.port}{path}",
            "WebhookTeams": [],
            "WebhookTimeout": "00:00:10",
        },
    }
