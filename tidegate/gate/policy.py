"""What the verdict demands of the evidence."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict

from tidegate.checks.finding import Severity

#: Steps of the rehearsal that must have left their trace, and checks of `knowledge/checks.toml`. RELEASE is part of
#: DEPLOY; both come from one deployment.
REQUIRED_CHECKS: Final = (
    *("BACKUP", "PRE", "CLONE", "UPGRADE"),
    *("COUNT", "DIFF", "PERM", "PREVIEW", "FEED", "PERF", "JOURNAL", "API"),
    *("START", "TASKS", "LOGIN", "ART", "TRIG", "DEPLOY", "INTEG", "SAVE", "SCHEMA", "RET"),
)


class Policy(BaseModel):
    """The rules of a decision; recorded with the evidence, so that the same rules recompute it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blocking: tuple[Severity, ...] = (Severity.BREAKING, Severity.DEGRADED)
    required_checks: tuple[str, ...] = REQUIRED_CHECKS
