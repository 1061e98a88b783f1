"""How far the main instance is, and what its audit log says happened since it was copied. Reads only."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tidegate.errors import HarnessError, Refused
from tidegate.octopus.client import OctopusClient
from tidegate.rehearsal.instances import MainMark
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.history import schema_journal

_EVENTS = "/api/events"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One line of the audit log. ``agent`` is the client that caused it, as it named itself."""

    id: str
    occurred: datetime
    category: str
    documents: tuple[str, ...]  # ids of everything the event concerns
    user: str
    agent: str
    message: str


def read_mark(client: OctopusClient, server: SqlServer) -> MainMark:
    """The main instance as it is now. Its user needs EventView in every space."""
    newest = _newest(client)
    journal = schema_journal(server)
    return MainMark(
        version=client.server().version,
        schema=schema_digest(journal),
        scripts=len(journal),
        audited=newest[0].occurred if newest else None,
        newest=tuple(sorted(event.id for event in newest)),
    )


def schema_digest(journal: Iterable[str]) -> str:
    """SHA-256 over the names of the schema scripts that ran, in their order."""
    return hashlib.sha256("\n".join(journal).encode()).hexdigest()


def events_since(client: OctopusClient, audited: datetime | None, known: Collection[str]) -> list[AuditEvent]:
    """What was audited since the moment ``audited``, newest first; of that moment itself, all but the ``known`` events.

    The log is listed newest first (Octopus's API documentation) and read until it is older than that moment. Its
    ``from`` filter is not used: were it misunderstood, nothing would seem to have happened. Ids are no help either,
    because each node of a cluster may number events in blocks of its own.

    Raises :class:`HarnessError` when the known events are gone: the log was cut, or is that of another past.
    """
    gone = set(known)
    found: dict[str, AuditEvent] = {}
    for event in _events(client):
        if audited is not None and event.occurred < audited:
            break
        if event.id in gone and event.occurred == audited:
            gone.discard(event.id)
        elif event.id not in known:
            found[event.id] = event
    if gone:
        raise HarnessError(
            f"the audit log no longer has {', '.join(sorted(gone))}: its newest when the main instance was copied",
            where=client.url,
            next_step="rehearse again: what happened since then cannot be told",
        )
    return list(found.values())


def _newest(client: OctopusClient) -> list[AuditEvent]:
    """Every event of the newest moment."""
    found: list[AuditEvent] = []
    for event in _events(client):
        if found and event.occurred != found[0].occurred:
            break
        found.append(event)
    return found


def _events(client: OctopusClient) -> Iterator[AuditEvent]:
    # Servers without spaces do not know these two.
    scope: dict[str, str | int | bool] = {"spaces": "all", "includeSystem": True} if client.server().spaces else {}
    for raw in client.items(_EVENTS, page=100, **scope):
        yield _event(raw, client.url)


def _event(raw: dict[str, Any], where: str) -> AuditEvent:
    try:
        return AuditEvent(
            id=str(raw["Id"]),
            occurred=audited_at(str(raw["Occurred"])),
            category=str(raw["Category"]),
            documents=tuple(str(one) for one in raw.get("RelatedDocumentIds") or ()),
            user=str(raw.get("Username") or raw.get("UserId") or ""),
            agent=str(raw.get("UserAgent") or ""),
            message=str(raw.get("Message") or ""),
        )
    except (KeyError, ValueError) as error:
        raise Refused(f"the audit log holds something that is no event: {error}", where=where) from None


def audited_at(text: str) -> datetime:
    """The moment that an event's `Occurred` tells; one without an offset is UTC. Raises :class:`ValueError`."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
