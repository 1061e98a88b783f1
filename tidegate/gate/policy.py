"""What the verdict demands of the evidence."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict

from tidegate.checks.finding import Severity

#: Checks without whose traces in the evidence nothing is approved.
REQUIRED_CHECKS: Final = ("BACKUP", "CLONE", "UPGRADE", "COMPARE")


class Policy(BaseModel):
    """The rules of a decision; recorded with the evidence, so that the same rules recompute it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blocking: tuple[Severity, ...] = (Severity.BREAKING, Severity.DEGRADED)
    required_checks: tuple[str, ...] = REQUIRED_CHECKS
