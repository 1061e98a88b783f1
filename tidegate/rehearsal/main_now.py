"""Read the main instance again, to see whether it still is what was rehearsed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from tidegate.errors import Refused
from tidegate.octopus.client import Access, OctopusClient
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.rehearsal.main_mark import AuditEvent, events_since, schema_digest
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.history import schema_journal
from tidegate.sqlserver.identity import database_identity
from tidegate.sqlserver.sanitise import installation_id


@dataclass(frozen=True, slots=True)
class MainNow:
    """The main instance as it was read a moment ago. ``schema`` is None where its database was not asked."""

    url: str
    installation_id: str
    version: str
    database_guid: str
    schema: str | None
    events: tuple[AuditEvent, ...]


def read_main_now(
    url: str,
    api_key: Secret,
    database: DatabaseAddress | None,
    audited: datetime | None,
    known: Collection[str],
    *,
    timeout: float = 30,
) -> MainNow:
    """The main instance at ``url``, and its audit log since the moment ``audited``; nothing is written to it.

    Raises :class:`tidegate.errors.HarnessError` when anything of it cannot be read.
    """
    with OctopusClient(url, api_key, access=Access.READ_ONLY, timeout=timeout) as client:
        server = client.server()
        events = tuple(events_since(client, audited, known))
    schema, guid = _database(database, server.installation_id) if database else (None, "")
    return MainNow(
        url=url,
        installation_id=server.installation_id,
        version=str(server.version),
        database_guid=guid,
        schema=schema,
        events=events,
    )


def _database(address: DatabaseAddress, expected: str) -> tuple[str, str]:
    with SqlServer(address.server, address.name) as server:
        found = installation_id(server)
        if found and expected and found.lower() != expected.lower():
            raise Refused(
                f"the server's installation id is {expected}, but its database says {found}",
                where=f"database {address.name} on {address.server.server}",
                next_step="correct [main] url or [main.database]: they belong to different instances",
            )
        return schema_digest(schema_journal(server)), database_identity(server).guid
