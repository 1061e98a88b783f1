"""Names for the databases a rehearsal makes, and the removal of those that earlier runs left."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.restore import drop_database

_NAME: Final = re.compile(r"tidegate_(?P<run>[a-z0-9]{1,40})_(?P<purpose>[a-z0-9]{1,20})_(?P<expiry>\d{12})")
_EXPIRY: Final = "%Y%m%d%H%M"
#: How long a database is left alone when its run was killed or wanted to keep it.
LIFETIME: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class OwnedDatabase:
    """A database that a rehearsal made; its name says which run, what for, and until when."""

    run: str
    purpose: str
    expires: datetime

    @property
    def name(self) -> str:
        return f"tidegate_{self.run}_{self.purpose}_{self.expires.astimezone(UTC):{_EXPIRY}}"

    @classmethod
    def make(cls, purpose: str, run: str = "", *, lifetime: timedelta = LIFETIME) -> OwnedDatabase:
        """A name nobody uses: without a run's name, a random one takes its place."""
        word = re.sub(r"[^a-z0-9]", "", run.lower())[:40]
        expires = (datetime.now(UTC) + lifetime).replace(second=0, microsecond=0)
        return cls(f"{word[:31]}x{secrets.token_hex(4)}" if word else secrets.token_hex(8), purpose, expires)

    @classmethod
    def parse(cls, name: str) -> OwnedDatabase | None:
        """None for a database that no rehearsal made."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        try:
            expires = datetime.strptime(match["expiry"], _EXPIRY).replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(match["run"], match["purpose"], expires)


def owned_databases(server: SqlServer) -> list[OwnedDatabase]:
    """What rehearsals left on this SQL Server, oldest expiry first."""
    names = (str(name) for (name,) in server.rows("SELECT name FROM sys.databases WHERE name LIKE 'tidegate[_]%'"))
    return sorted((one for one in map(OwnedDatabase.parse, names) if one), key=lambda one: one.expires)


def reap_databases(server: SqlServer, now: datetime, report: Callable[[str], None]) -> list[OwnedDatabase]:
    """Drop the databases whose time is over; returns them. Nothing else is ever touched."""
    expired = [one for one in owned_databases(server) if one.expires <= now]
    for one in expired:
        report(f"dropping {one.name}, left by an earlier run")
        drop_database(server, one.name)
    return expired
