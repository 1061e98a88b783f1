"""Names that only a rehearsal gives to databases: what may be dropped, and nothing else."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

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
