"""A finding: what changed on the test instance, where, and why it matters."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

#: The checks a finding can come from; `tidegate/knowledge/checks.toml` describes each.
CheckId = str


class Severity(StrEnum):
    """How much a finding matters to the people who use the main instance."""

    BREAKING = "breaking"
    DEGRADED = "degraded"
    INFO = "info"


class Finding(BaseModel):
    """One difference that a release is not known to make, or one live check that failed.

    ``before`` and ``after`` are JSON values (None where there is nothing). ``kind`` is ``upgrade`` for what the
    upgrade did, ``clone`` for what the cloning already lost against the main instance, ``incomplete`` for a check
    that could not run.
    """

    model_config = ConfigDict(frozen=True)

    check: CheckId
    severity: Severity
    place: str
    before: Any = None
    after: Any = None
    consequence: str
    kind: Literal["upgrade", "clone", "incomplete"] = "upgrade"

    def sentence(self) -> str:
        """One line for terminals and reports."""
        return f"[{self.check}] {self.severity} at {self.place}: {self.before!r} → {self.after!r}. {self.consequence}"
