"""What every container, network and volume of a rehearsal says about itself, so that it can be found and removed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

RUN: Final = "tidegate.run"
EXPIRES: Final = "tidegate.expires"
PURPOSE: Final = "tidegate.purpose"


@dataclass(frozen=True, slots=True)
class Owner:
    """A run, and until when what it started may stay."""

    run: str
    expires: datetime

    @classmethod
    def of(cls, run: str, lifetime: timedelta) -> Owner:
        return cls(run, datetime.now(UTC) + lifetime)

    def labels(self, purpose: str) -> dict[str, str]:
        return {RUN: self.run, EXPIRES: self.expires.isoformat(timespec="seconds"), PURPOSE: purpose}

    def name(self, purpose: str) -> str:
        """A name for Docker: it takes letters, digits, underscores, full stops and hyphens."""
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", f"tidegate-{self.run}-{purpose}")


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels read back."""

    run: str
    purpose: str
    expires: datetime = field(default=datetime.max.replace(tzinfo=UTC))

    @classmethod
    def read(cls, labels: dict[str, str] | None) -> Labels | None:
        """None for what no rehearsal made, and for an expiry that nobody can read."""
        if not labels or not labels.get(RUN) or not labels.get(EXPIRES):
            return None
        try:
            expires = datetime.fromisoformat(labels[EXPIRES])
        except ValueError:
            return None
        if expires.tzinfo is None:
            return None
        return cls(labels[RUN], labels.get(PURPOSE, ""), expires)
