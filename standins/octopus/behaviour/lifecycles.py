"""Phases of a lifecycle and how far a release got in them. Pure.

A lifecycle without phases stands for one phase per environment in sort order (Octopus docs, "Lifecycles": default
lifecycle). ``MinimumEnvironmentsBeforePromotion`` 0 means all environments of the phase.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from standins.octopus.behaviour.documents import listed, texts


@dataclass(frozen=True, slots=True)
class Phase:
    name: str
    automatic: tuple[str, ...]
    optional: tuple[str, ...]
    minimum: int = 0
    is_optional: bool = False
    id: str = ""

    @property
    def environments(self) -> tuple[str, ...]:
        return (*self.automatic, *self.optional)

    def complete(self, deployed: Set[str]) -> bool:
        done = sum(environment in deployed for environment in self.environments)
        return done >= (self.minimum or len(self.environments))


@dataclass(frozen=True, slots=True)
class PhaseProgress:
    phase: Phase
    progress: str  # Pending, Current, Complete
    blocked: bool


def phases_of(lifecycle: Mapping[str, Any], environments: Sequence[Mapping[str, Any]]) -> list[Phase]:
    """``environments``: all of the space, in sort order."""
    given = listed(lifecycle, "Phases")
    if not given:
        return [Phase(environment["Name"], (), (environment["Id"],)) for environment in environments]
    known = {environment["Id"] for environment in environments}
    everything = tuple(environment["Id"] for environment in environments)
    phases: list[Phase] = []
    for phase in given:
        automatic = tuple(entry for entry in texts(phase, "AutomaticDeploymentTargets") if entry in known)
        optional = tuple(entry for entry in texts(phase, "OptionalDeploymentTargets") if entry in known)
        phases.append(
            Phase(
                phase["Name"],
                automatic,
                # "Any environment": a phase without environments accepts all of them.
                optional if automatic or optional else everything,
                int(phase.get("MinimumEnvironmentsBeforePromotion") or 0),
                bool(phase.get("IsOptionalPhase")),
                phase.get("Id") or "",
            )
        )
    return phases


def progression(phases: Sequence[Phase], deployed: Set[str], *, blocked: bool = False) -> list[PhaseProgress]:
    """``deployed``: environments the release was deployed to successfully; ``blocked``: it has an unresolved defect."""
    result: list[PhaseProgress] = []
    reached = True
    for phase in phases:
        complete = phase.complete(deployed)
        state = "Complete" if complete else "Current" if reached else "Pending"
        result.append(PhaseProgress(phase, state, blocked and not complete))
        if not complete and not phase.is_optional:
            reached = False
    return result


def deployable(phases: Sequence[Phase], deployed: Set[str], *, blocked: bool = False) -> list[str]:
    """Environments the release may be deployed to now, in lifecycle order; a blocked release may only be repeated."""
    allowed: list[str] = []
    for entry in progression(phases, deployed, blocked=blocked):
        if entry.progress == "Pending":
            break
        allowed.extend(
            environment
            for environment in entry.phase.environments
            if environment not in allowed and (not entry.blocked or environment in deployed)
        )
    return allowed


def next_deployments(phases: Sequence[Phase], deployed: Set[str]) -> list[str]:
    return [environment for environment in deployable(phases, deployed) if environment not in deployed]


def automatic_now(phases: Sequence[Phase], deployed: Set[str]) -> list[str]:
    """Environments a release must be sent to without being asked, now that it got this far."""
    open_phases = [entry.phase for entry in progression(phases, deployed) if entry.progress == "Current"]
    return [environment for phase in open_phases for environment in phase.automatic if environment not in deployed]
