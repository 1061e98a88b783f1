"""The values that a deployment got: its manifest, compared between two runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from tidegate.checks.live.context import LiveContext
from tidegate.checks.live.task_logs import steadied
from tidegate.observation.documents import id_of, property_of


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Values by name and scope. ``known`` is false where the server does not show a deployment's manifest."""

    values: Mapping[str, str]
    unsteady: frozenset[str] = field(default_factory=frozenset[str])
    known: bool = True


def evaluated(context: LiveContext, manifest: str, known: Sequence[tuple[str, str]] = ()) -> Evaluated:
    """The variables of a deployment's manifest; secrets are known only as being there."""
    if not manifest:
        return Evaluated({}, known=False)
    answer = context.client.send("GET", context.path(f"variables/{manifest}"))
    if not answer.ok or not id_of(answer.json):
        return Evaluated({}, known=False)
    values: dict[str, str] = {}
    for variable in cast("list[dict[str, Any]]", property_of(answer.json, "Variables") or []):
        secret = variable.get("IsSensitive") or variable.get("Type") == "Sensitive"
        value = "(secret)" if secret else steadied(str(variable.get("Value") or ""), known)
        values[f"{variable.get('Name')}{_scope(variable.get('Scope'))}"] = value
    return Evaluated(values)


def steady_variables(first: Evaluated, second: Evaluated) -> Evaluated:
    """The first run's values, with those that the second got otherwise marked as unsteady."""
    names = {*first.values, *second.values}
    unsteady = {name for name in names if first.values.get(name) != second.values.get(name)}
    return Evaluated(first.values, frozenset(unsteady), known=first.known and second.known)


def compare_variables(before: Evaluated, after: Evaluated) -> Iterator[tuple[str, str | None, str | None]]:
    """Names whose value is gone or another; names of the product that are new with a version are no difference."""
    if not before.known:
        return
    if not after.known:
        yield "(all)", "could be read", "cannot be read"
        return
    for name, value in before.values.items():
        if name not in before.unsteady and after.values.get(name) != value:
            yield name, value, after.values.get(name)
    for name in after.values.keys() - before.values.keys() - before.unsteady:
        if not name.startswith("Octopus."):
            yield name, None, after.values[name]


def _scope(scope: Any) -> str:
    if not isinstance(scope, dict) or not scope:
        return ""
    parts = [
        f"{kind}={','.join(sorted(map(str, values)))}" for kind, values in sorted(cast("dict[str, Any]", scope).items())
    ]
    return f" ({'; '.join(parts)})"
