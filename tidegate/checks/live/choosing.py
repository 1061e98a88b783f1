"""Which projects represent an instance: together they use every sort of step that can run on the server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

#: A step that waits for a person.
MANUAL: Final = "Octopus.Manual"

#: Steps that run on the Octopus Server itself or wait for a person (Octopus docs, deployment process; ActionType values
#: of Octopus.Client's step builders).
ON_SERVER: Final = frozenset({MANUAL, "Octopus.DeployRelease", "Octopus.Email"})

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
    environments: tuple[str, ...] = ()  # where it applies; everywhere when empty
    condition: str = ""  # when it runs, unless that is after success


@dataclass(frozen=True, slots=True)
class Candidate:
    """A project that could be deployed on the test instance."""

    project: Document
    steps: tuple[Step, ...]

    @property
    def id(self) -> str:
        return str(self.project.get("Id"))

    @property
    def tenanted(self) -> bool:
        return self.project.get("TenantedDeploymentMode") == "Tenanted"

    @property
    def sorts(self) -> frozenset[str]:
        """Sorts of steps, and conditions on which steps run: those have been ignored (OctopusDeploy/Issues#9325)."""
        running = [step for step in self.steps if step.runs_here]
        conditions = {f"a step that runs on {step.condition}" for step in running if step.condition}
        return frozenset({*(step.sort for step in running), *conditions})

    @property
    def skipped(self) -> list[str]:
        return [step.action_id for step in self.steps if not step.runs_here]


def steps_of(process: Document) -> tuple[Step, ...]:
    """The enabled actions of a process."""
    steps: list[Step] = []
    for step in cast("list[Document]", process.get("Steps") or []):
        roles = str(_properties(step).get("Octopus.Action.TargetRoles") or "")
        condition = str(step.get("Condition") or "").removeprefix("Success")
        for action in cast("list[Document]", step.get("Actions") or []):
            if not action.get("IsDisabled"):
                steps.append(replace(_step(action, roles), condition=condition))  # noqa: PERF401 - two loops read better
    return tuple(steps)


@dataclass(slots=True)
class Covered:
    """What the projects rehearsed so far cover."""

    sorts: set[str] = field(default_factory=set[str])  # sorts of steps that ran in a deployment that succeeded
    tried: set[str] = field(default_factory=set[str])  # and in one that failed
    tenanted: bool = False
    projects: set[str] = field(default_factory=set[str])

    def copy(self) -> Covered:
        return Covered(set(self.sorts), set(self.tried), self.tenanted, set(self.projects))

    def add(self, candidate: Candidate, *, succeeded: bool) -> None:
        self.projects.add(candidate.id)
        (self.sorts if succeeded else self.tried).update(candidate.sorts)
        self.tenanted = self.tenanted or (succeeded and candidate.tenanted)


def next_candidate(candidates: Iterable[Candidate], covered: Covered, succeeded: frozenset[str]) -> Candidate | None:
    """The project that adds most to what is covered; None when no project adds anything.

    ``succeeded`` are projects whose last deployments succeeded: they say more than ones that fail anyway. A project
    that waits for a person is wanted early, and a tenanted one besides the steps: tenants are deployed differently.
    """

    def worth(candidate: Candidate) -> tuple[int, bool, int]:
        new = candidate.sorts - covered.sorts
        fresh = len(new - covered.tried) + (candidate.tenanted and not covered.tenanted)
        manual = MANUAL in new
        return (
            (fresh, manual, candidate.id in succeeded) if candidate.id in succeeded else (min(fresh, 1), manual, False)
        )

    left = [one for one in candidates if one.id not in covered.projects and one.sorts]
    best = max(sorted(left, key=lambda one: one.id), key=worth, default=None)
    return best if best is not None and worth(best)[0] > 0 else None


def reasons(candidates: Iterable[Candidate], sorts: set[str]) -> list[str]:
    """Why sorts of steps are not covered, for the report."""
    why: defaultdict[str, set[str]] = defaultdict(set)
    for candidate in candidates:
        for step in candidate.steps:
            if step.sort in sorts:
                why[step.sort].add(step.why_not or "no project with it was chosen")
    return [f"steps of the sort {sort}: {', '.join(sorted(why[sort]))}" for sort in sorted(why)]


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
    environments = tuple(map(str, cast("list[Any]", action.get("Environments") or [])))
    return Step(str(action.get("Id")), str(action.get("Name")), sort, not why, why, environments)


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
