"""Which value of a variable a step sees: scopes, their rank, and the sets they come from. Pure.

Rank of scopes, most specific first: step, machine, roles (those the step targets before others), tenant, tenant tag,
environment, channel, process; then the project's own set before library sets (Octopus docs, "Variable scope and
precedence"). A scope dimension matches when any of its values matches; all dimensions given must match.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from standins.octopus.behaviour.documents import listed, mapped, texts

#: Weights are powers of two: one match of a more specific dimension beats every combination of less specific ones.
_WEIGHTS = {
    "Action": 512,
    "Machine": 256,
    "Role": 64,
    "Tenant": 32,
    "TenantTag": 16,
    "Environment": 8,
    "Channel": 4,
    "ProcessOwner": 2,
}
_TARGETED_ROLE = 128


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a value is asked for. Empty means "nowhere in particular"; such a dimension matches no scoped value."""

    environment: str | None = None
    channel: str | None = None
    tenant: str | None = None
    tenant_tags: frozenset[str] = frozenset()
    action: str | None = None
    machine: str | None = None
    machine_roles: frozenset[str] = frozenset()
    step_roles: frozenset[str] = frozenset()
    process_owner: str | None = None

    def at(self, *, action: str | None, step_roles: Iterable[str] = ()) -> Scope:
        return replace(self, action=action, step_roles=frozenset(step_roles))

    def on(self, machine: Mapping[str, Any] | None) -> Scope:
        if machine is None:
            return self
        return replace(self, machine=machine["Id"], machine_roles=frozenset(texts(machine, "Roles")))

    def values(self, dimension: str) -> frozenset[str]:
        single = {
            "Environment": self.environment,
            "Channel": self.channel,
            "Tenant": self.tenant,
            "Action": self.action,
            "Machine": self.machine,
            "ProcessOwner": self.process_owner,
        }
        if dimension in single:
            value = single[dimension]
            return frozenset((value,)) if value else frozenset()
        if dimension == "Role":
            return self.machine_roles | self.step_roles
        return self.tenant_tags if dimension == "TenantTag" else frozenset()


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a variable. ``library`` values lose against the project's own of equal rank."""

    name: str
    value: str | None
    type: str = "String"
    scope: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    library: bool = False
    prompt: Mapping[str, Any] | None = None
    id: str = ""

    @property
    def sensitive(self) -> bool:
        return self.type == "Sensitive"


def values_of(variable_set: Mapping[str, Any], *, library: bool = False) -> list[Value]:
    """The values in a VariableSet document."""
    return [
        Value(
            item["Name"],
            item.get("Value"),
            item.get("Type") or ("Sensitive" if item.get("IsSensitive") else "String"),
            {dimension: list(ids) for dimension, ids in mapped(item, "Scope").items() if ids},
            library,
            item.get("Prompt"),
            item.get("Id") or "",
        )
        for item in listed(variable_set, "Variables")
    ]


def applies(value: Value, scope: Scope) -> bool:
    return all(not ids or not scope.values(dimension).isdisjoint(ids) for dimension, ids in value.scope.items())


def rank(value: Value, scope: Scope) -> int:
    """How specific the value is in this scope; only meaningful where it applies."""
    score = 0 if value.library else 1
    for dimension, ids in value.scope.items():
        if not ids:
            continue
        score += _WEIGHTS.get(dimension, 0)
        if dimension == "Role" and not scope.step_roles.isdisjoint(ids):
            score += _TARGETED_ROLE - _WEIGHTS["Role"]
    return score


def evaluate(values: Iterable[Value], scope: Scope) -> dict[str, Value]:
    """The winning value of every variable, by name in the spelling of the winner. Names are compared without case."""
    winners: dict[str, tuple[int, Value]] = {}
    for value in values:
        if not applies(value, scope):
            continue
        score = rank(value, scope)
        held = winners.get(value.name.lower())
        if held is None or score > held[0]:
            winners[value.name.lower()] = (score, value)
    return {value.name: value for _, value in winners.values()}


def prompts(values: Iterable[Value], scope: Scope) -> list[Value]:
    """Prompted variables that apply, in the order of the set: what a deployment's form asks for."""
    return [value for value in values if value.prompt and _could_apply(value, scope)]


def _could_apply(value: Value, scope: Scope) -> bool:
    """Steps, roles and machines are not known yet when the form is made, so they exclude nothing."""
    open_dimensions = {"Action", "Role", "Machine"}
    return all(
        dimension in open_dimensions or not ids or not scope.values(dimension).isdisjoint(ids)
        for dimension, ids in value.scope.items()
    )
