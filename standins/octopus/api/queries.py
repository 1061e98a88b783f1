"""What a list request asks for, as conditions for the database and, where the database cannot say it, for the
program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from standins.octopus.api.access import mixed_scope, sees_all, visible
from standins.octopus.api.catalogue import Resource
from standins.octopus.api.hooks import hooks_of
from standins.octopus.api.rendering import skip_and_take
from standins.octopus.api.versions import has_spaces
from standins.octopus.contract import Call, Document

Test = Callable[[Document], bool]


@dataclass(slots=True)
class Selection:
    where: dict[str, Any] = field(default_factory=dict[str, Any])
    contains: dict[str, str] = field(default_factory=dict[str, str])
    tests: list[Test] = field(default_factory=list[Test])
    space: str | list[str | None] | None = None


def split_list(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def selection_of(call: Call, resource: Resource) -> Selection:
    """``ids``, ``partialName`` and the filters of the resource's table."""
    selection = Selection()
    if resource.scope == "space" and has_spaces(call.server.version):
        selection.space = call.space
    ids = split_list(call.query.get("ids"))
    if ids:
        selection.where["Id"] = ids
    partial = call.query.get("partialname")
    columns = call.server.store.kind(resource.kind).columns
    # Root links offer partialName for scoped user roles, too, which have no name of their own.
    if partial and "Name" in columns:
        selection.contains["Name"] = partial
    for name, column in resource.filters.items():
        wanted = call.query.get(name)
        if not wanted:
            continue
        if (
            column in columns
            and columns[column].startswith(("nvarchar", "varchar"))
            and "max" not in columns[column]
            and "," not in wanted
        ):
            selection.where[column] = wanted
        else:
            selection.tests.append(_test(column, split_list(wanted)))
    return selection


def _test(name: str, wanted: list[str]) -> Test:
    lowered = {value.lower() for value in wanted}

    def matches(document: Document) -> bool:
        value = document.get(name)
        if isinstance(value, list):
            return any(str(item).lower() in lowered for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return str(value).lower() in lowered

    return matches


def select(
    call: Call, resource: Resource, selection: Selection | None = None, *, paged: bool = True
) -> tuple[list[Document], int]:
    """The page of documents a list request asks for, and how many there are in all. One query, two where a count is
    needed.
    """
    chosen = selection or selection_of(call, resource)
    narrow = hooks_of(resource.name).narrow
    spaces: list[str | None] | None = None
    if resource.scope == "mixed" and has_spaces(call.server.version):
        named, system = mixed_scope(call, resource.view)
        spaces = chosen.space = [*named, None] if system else list(named)
        if not spaces:
            return [], 0
    transaction = call.transaction
    if chosen.tests or narrow is not None or not sees_all(call, resource, spaces):
        found = transaction.query(
            resource.kind, where=chosen.where, contains=chosen.contains, space=chosen.space, order_by=resource.order
        )
        found = visible(
            call, resource, [document for document in found if all(test(document) for test in chosen.tests)]
        )
        if narrow is not None:
            found = narrow(call, found)
        if not paged:
            return found, len(found)
        skip, take = skip_and_take(call)
        return found[skip : skip + take], len(found)
    if not paged:
        found = transaction.query(
            resource.kind, where=chosen.where, contains=chosen.contains, space=chosen.space, order_by=resource.order
        )
        return found, len(found)
    skip, take = skip_and_take(call)
    found = transaction.query(
        resource.kind,
        where=chosen.where,
        contains=chosen.contains,
        space=chosen.space,
        order_by=resource.order,
        skip=skip,
        take=take,
    )
    if len(found) < take and (found or skip == 0):
        return found, skip + len(found)
    return found, transaction.count(resource.kind, where=chosen.where, contains=chosen.contains, space=chosen.space)
