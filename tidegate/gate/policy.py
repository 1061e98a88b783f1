"""What the verdict demands of the evidence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from tidegate.checks.finding import Severity

#: Steps of the rehearsal that must have left their trace, and checks of `knowledge/checks.toml`. RELEASE is part of
#: DEPLOY; both come from one deployment.
REQUIRED_CHECKS: Final = (
    *("BACKUP", "PRE", "CLONE", "UPGRADE"),
    *("COUNT", "DIFF", "PERM", "PREVIEW", "FEED", "PERF", "JOURNAL", "API"),
    *("START", "TASKS", "LOGIN", "ART", "TRIG", "DEPLOY", "INTEG", "SAVE", "SCHEMA", "RET", "ROLL"),
)


#: What the evidence must tell exactly once, because everything else is about it.
REQUIRED_FACTS: Final = ("collected", "main", "main.mark", "plan", "clone", "installed")


class Policy(BaseModel):
    """The rules of a decision; recorded with the evidence, so that the same rules recompute it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blocking: tuple[Severity, ...] = (Severity.BREAKING, Severity.DEGRADED)
    required_checks: tuple[str, ...] = REQUIRED_CHECKS
    required_facts: tuple[str, ...] = REQUIRED_FACTS
    maximum_age: int = Field(default=168, ge=1, description="hours from the copy of the main instance")
    maximum_drift: int = Field(default=0, ge=0, description="audit events that matter since then")
    outage_window: int | None = Field(default=None, ge=1, description="minutes the upgrade's own steps may take")
    approvals: int = Field(default=1, ge=1, description="approvers that must say yes")
    separation_of_duties: bool = Field(default=False, description="whoever rehearsed may not be the only approver")
    subset_is_enough: bool = Field(default=False, description="a rehearsal of a subset may open the cut-over")

    def objection_to(self, reach: str) -> str:
        """Why a rehearsal that reached only this far opens no cut-over; "" when it may. ``reach`` is "" for the whole
        main instance (:func:`tidegate.gate.facts.reach`)."""
        if not reach or self.subset_is_enough:
            return ""
        return "The policy wants a rehearsal of all of it before it is upgraded ([policy] subset_is_enough = false)."

    def stricter_than(self, other: Policy) -> Iterator[str]:
        """In what these rules for judging a rehearsal demand more than ``other``; rules of the approval are not."""
        if checks := [one for one in self.required_checks if one not in other.required_checks]:
            yield f"required_checks without {', '.join(checks)}"
        if severities := [one.value for one in self.blocking if one not in other.blocking]:
            yield f"blocking without {', '.join(severities)}"
        if self.outage_window is not None and (other.outage_window or math.inf) > self.outage_window:
            yield f"outage_window of {other.outage_window or 'any number of'} minutes instead of {self.outage_window}"


def with_settings(policy: Policy, settings: BaseModel) -> Policy:
    """``policy`` with everything that the section ``settings`` sets explicitly and that a verdict looks at."""
    said = settings.model_dump(exclude_unset=True)
    return Policy.model_validate(
        policy.model_dump() | {name: value for name, value in said.items() if name in Policy.model_fields}
    )
