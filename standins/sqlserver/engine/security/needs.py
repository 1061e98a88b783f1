"""The permissions a plan needs on the objects its statement names ("Permissions" of SELECT, INSERT, UPDATE …)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from standins.sqlserver.tsql import nodes, statements
from standins.sqlserver.tsql.translate.plan import ChangePlan, SelectPlan
from standins.sqlserver.tsql.translate.walking import within

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database


@dataclass(frozen=True, slots=True)
class Need:
    """A permission on an object that a statement names itself; what views and modules name is their owner's affair."""

    permission: str
    database: Database
    schema: str
    name: str
    object_id: int


def needs_of(node: object, plan: SelectPlan | ChangePlan, used: Iterable[Need]) -> tuple[Need, ...]:
    """What the statement needs, each once and in its order; ``used`` are its objects, each as if it were only read."""
    uses = list(used)
    found: list[Need] = []
    if isinstance(plan, ChangePlan):
        target = next((use for use in uses if use.object_id == plan.relation.object_id), None)
        if target is not None:
            uses.remove(target)
            found += [replace(target, permission=permission) for permission in _of_target(node)]
    return tuple(dict.fromkeys([*found, *uses]))


def _of_target(node: object) -> list[str]:
    """UPDATE and DELETE that look at the table's rows need SELECT as well."""
    match node:
        case statements.Insert():
            return ["INSERT", *(["SELECT"] if node.output else [])]
        case statements.Update():
            reads = any(
                item.operator != "=" or isinstance(part, nodes.Name)
                for item in node.assignments
                for part in within(item.value)
            )
            return [*(["SELECT"] if reads or node.where is not None or node.source or node.output else []), "UPDATE"]
        case statements.Delete():
            return [*(["SELECT"] if node.where is not None or node.source or node.output else []), "DELETE"]
        case statements.Merge():
            return ["SELECT", *dict.fromkeys(action.action for action in node.actions)]
        case _:
            return ["SELECT", "INSERT", "UPDATE", "DELETE"]
