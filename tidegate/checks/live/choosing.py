"""Which projects represent an instance: together they use every sort of step that can run on the server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

#: Steps that run on the Octopus Server itself or wait for a person (Octopus docs, deployment process; ActionType values
#: of Octopus.Client's step builders).
ON_SERVER: Final = frozenset({"Octopus.Manual", "Octopus.DeployRelease", "Octopus.Email"})

#: Steps that send something to people or systems outside and are therefore never run by a rehearsal.
REACHES_PEOPLE: Final = frozenset({"Octopus.Email", "Octopus.JiraIntegration.ServiceDeskAction"})

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a process, and whether a rehearsal can run it."""

    action_id: str
    name: str
    sort: str
    runs_here: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A project that could be deployed on the test instance."""

    project: Document
    steps: tuple[Step, ...]

    @property
    def sorts(self) -> frozenset[str]:
        return frozenset(step.sort for step in self.steps if step.runs_here)

    @property
    def skipped(self) -> list[str]:
        return [step.action_id for step in self.steps if not step.runs_here]


def steps_of(process: Document) -> tuple[Step, ...]:
    """The enabled actions of a process."""
    steps: list[Step] = []
    for step in cast("list[Document]", process.get("Steps") or []):
        roles = str(_properties(step).get("Octopus.Action.TargetRoles") or "")
        for action in cast("list[Document]", step.get("Actions") or []):
            if not action.get("IsDisabled"):
                steps.append(_step(action, roles))  # noqa: PERF401 - two loops read better than one comprehension
    return tuple(steps)


def choose(candidates: Iterable[Candidate], most: int) -> tuple[list[Candidate], set[str]]:
    """A few candidates that cover as many sorts of steps as they can, and the sorts that stay uncovered."""
    left = sorted(candidates, key=lambda one: str(one.project.get("Id")))
    every = {step.sort for candidate in left for step in candidate.steps}
    covered: set[str] = set()
    chosen: list[Candidate] = []
    # Tenanted projects are deployed differently, so one of them is wanted besides the steps.
    for tenanted in (False, True):
        wanted = [
            one for one in left if (one.project.get("TenantedDeploymentMode") == "Tenanted") is tenanted and one.sorts
        ]
        while wanted and len(chosen) < most:
            best = max(wanted, key=lambda one: len(one.sorts - covered))
            if not best.sorts - covered and (chosen if not tenanted else any(_tenanted(one) for one in chosen)):
                break
            covered |= best.sorts
            chosen.append(best)
            wanted.remove(best)
    return chosen, every - covered


def reasons(candidates: Iterable[Candidate], sorts: set[str]) -> list[str]:
    """Why sorts of steps are not covered, for the report."""
    why: defaultdict[str, set[str]] = defaultdict(set)
    for candidate in candidates:
        for step in candidate.steps:
            if step.sort in sorts:
                why[step.sort].add(step.why_not or "no project with it was chosen")
    return [f"steps of the sort {sort}: {', '.join(sorted(why[sort]))}" for sort in sorted(why)]


def _tenanted(candidate: Candidate) -> bool:
    return candidate.project.get("TenantedDeploymentMode") == "Tenanted"


def _step(action: Document, roles: str) -> Step:
    kind = str(action.get("ActionType"))
    properties = _properties(action)
    sort = (
        f"{kind}/{properties['Octopus.Action.Script.Syntax']}"
        if properties.get("Octopus.Action.Script.Syntax")
        else kind
    )
    why = ""
    if kind in REACHES_PEOPLE:
        why = "it would reach people"
    elif kind not in ON_SERVER and roles and str(properties.get("Octopus.Action.RunOnServer")).lower() != "true":
        why = "it runs on deployment targets, which a clone must not reach"
    return Step(str(action.get("Id")), str(action.get("Name")), sort, not why, why)


def _properties(part: Mapping[str, Any]) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", part.get("Properties") or {})


def form_values(preview: Document) -> dict[str, str]:
    """Answers to the questions of a deployment: what the form proposes, else a word; the same every time."""
    form = cast("Document", preview.get("Form") or {})
    values = {
        name: str(value) for name, value in cast("Document", form.get("Values") or {}).items() if value is not None
    }
    for element in cast("Sequence[Document]", form.get("Elements") or ()):
        name = str(element.get("Name"))
        if element.get("IsValueRequired") and not values.get(name):
            values[name] = "tidegate"
    return values
