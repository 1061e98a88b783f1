"""Names for what a rehearsal puts on a host and into shared folders: they say whose it is, and until when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_NAME: Final = re.compile(r"tidegate-(?P<run>[A-Za-z0-9][A-Za-z0-9_.-]{0,79})-(?P<expiry>\d{12})")
_EXPIRY: Final = "%Y%m%d%H%M"

#: What every such name begins with.
PREFIX: Final = "tidegate-"


@dataclass(frozen=True, slots=True)
class OwnedFolder:
    """A folder of one run. Only folders with such a name are ever deleted."""

    run: str
    expires: datetime

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.run}-{self.expires.astimezone(UTC):{_EXPIRY}}"

    @classmethod
    def of(cls, run: str, lifetime: timedelta) -> OwnedFolder:
        """For the run of this name, from now on."""
        word = re.sub(r"[^A-Za-z0-9_.-]", "", run)[:80] or "run"
        return cls(word, (datetime.now(UTC) + lifetime).replace(second=0, microsecond=0))

    @classmethod
    def parse(cls, name: str) -> OwnedFolder | None:
        """None for a folder that no rehearsal made."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        try:
            return cls(match["run"], datetime.strptime(match["expiry"], _EXPIRY).replace(tzinfo=UTC))
        except ValueError:
            return None
