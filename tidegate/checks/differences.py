"""What differs between two JSON documents, entry by entry, with lists matched by identity instead of position."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast


class Kind(StrEnum):
    """How a value differs."""

    REMOVED = "removed"  # a property or an entry of a list is gone
    ADDED = "added"  # a property or an entry of a list is new
    CHANGED = "changed"
    EMPTIED = "emptied"  # there was something, now there is null, "", [] or {}
    FILLED = "filled"  # there was null, "", [] or {}, now there is something
    RETYPED = "retyped"  # another JSON type: a string became an object
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``path`` leaves list entries open (`Steps[].Name`), ``where`` names them (`Steps[Web].Name`)."""

    kind: Kind
    path: str
    where: str
    before: Any = None
    after: Any = None


#: Properties that tell entries of a list apart, in order of preference.
_IDENTITIES: Final = (
    "Id", "Name", "Key", "ActionName", "CanonicalTagName", "ConfigurationSet", "ReferencedDocumentId", "EnvironmentId",
    "ProjectId", "TenantId", "MachineId", "PackageId", "ActionId", "IdentityProviderName",
)  # fmt: skip

#: Keys of dictionaries that are ids of documents: the dictionary is a list by another name.
_ID_KEY: Final = re.compile(r"[A-Za-z]+-\d+|[0-9a-f]{8}-[0-9a-f-]{27}", re.IGNORECASE)


def differences(before: Any, after: Any) -> list[Change]:
    """Every difference between two JSON values."""
    return list(_compare(before, after, "", ""))


def _compare(before: Any, after: Any, path: str, where: str) -> Iterator[Change]:
    # Python takes 1 for True; texts of equal values tell them apart, and are made faster than a walk through them.
    if before == after and (repr(before) == repr(after) or _same_types(before, after)):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _compare_objects(cast("dict[str, Any]", before), cast("dict[str, Any]", after), path, where)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _compare_lists(cast("list[Any]", before), cast("list[Any]", after), path, where)
    elif _empty(before) and _empty(after):
        # Null, "" and [] say the same thing; servers of different versions choose differently among them.
        return
    elif _empty(after):
        yield Change(Kind.EMPTIED, path, where, before, after)
    elif _empty(before):
        yield Change(Kind.FILLED, path, where, before, after)
    elif _json_type(before) != _json_type(after):
        yield Change(Kind.RETYPED, path, where, before, after)
    else:
        yield Change(Kind.CHANGED, path, where, before, after)


def _compare_objects(before: dict[str, Any], after: dict[str, Any], path: str, where: str) -> Iterator[Change]:
    for name, value in before.items():
        step, named = _steps(path, where, name)
        if name in after:
            yield from _compare(value, after[name], step, named)
        elif value is not None:
            yield Change(Kind.REMOVED, step, named, value, None)
    for name, value in after.items():
        # A property that is null says no more than one that is absent.
        if name not in before and value is not None:
            step, named = _steps(path, where, name)
            yield Change(Kind.ADDED, step, named, None, value)


def _compare_lists(before: list[Any], after: list[Any], path: str, where: str) -> Iterator[Change]:
    if not before or not after:
        if _empty(before) != _empty(after):
            yield Change(Kind.FILLED if not before else Kind.EMPTIED, path, where, before, after)
        return
    identity = _identity(before, after)
    if identity:
        yield from _compare_keyed(_keyed(before, identity), _keyed(after, identity), path, where)
    elif all(not isinstance(entry, dict | list) for entry in [*before, *after]):
        yield from _compare_scalars(before, after, path, where)
    else:
        yield from _compare_positions(before, after, path, where)


def _compare_keyed(before: dict[str, Any], after: dict[str, Any], path: str, where: str) -> Iterator[Change]:
    for key, value in before.items():
        if key in after:
            yield from _compare(value, after[key], f"{path}[]", f"{where}[{_label(value, key)}]")
        else:
            yield Change(Kind.REMOVED, f"{path}[]", f"{where}[{_label(value, key)}]", value, None)
    for key, value in after.items():
        if key not in before:
            yield Change(Kind.ADDED, f"{path}[]", f"{where}[{_label(value, key)}]", None, value)
    common = [key for key in before if key in after]
    order = [key for key in after if key in before]
    if common != order:
        yield Change(Kind.REORDERED, f"{path}[]", where, common, order)


def _compare_scalars(before: list[Any], after: list[Any], path: str, where: str) -> Iterator[Change]:
    had = Counter((_json_type(value), value) for value in before)
    has = Counter((_json_type(value), value) for value in after)
    for _, value in had - has:
        yield Change(Kind.REMOVED, f"{path}[]", f"{where}[{value}]", value, None)
    for _, value in has - had:
        yield Change(Kind.ADDED, f"{path}[]", f"{where}[{value}]", None, value)
    if had == has:
        yield Change(Kind.REORDERED, f"{path}[]", where, before, after)


def _compare_positions(before: list[Any], after: list[Any], path: str, where: str) -> Iterator[Change]:
    for position in range(max(len(before), len(after))):
        step, named = f"{path}[]", f"{where}[{position}]"
        if position >= len(after):
            yield Change(Kind.REMOVED, step, named, before[position], None)
        elif position >= len(before):
            yield Change(Kind.ADDED, step, named, None, after[position])
        else:
            yield from _compare(before[position], after[position], step, named)


def _identity(before: list[Any], after: list[Any]) -> str:
    """The property whose values are text, present and unique in both lists."""
    if not all(isinstance(entry, dict) for entry in [*before, *after]):
        return ""
    for name in _IDENTITIES:
        if all(_unique(entries, name) for entries in (before, after)):
            return name
    return ""


def _unique(entries: list[dict[str, Any]], name: str) -> bool:
    values = [entry.get(name) for entry in entries]
    return all(isinstance(value, str) and value for value in values) and len(set(values)) == len(values)


def _keyed(entries: list[Any], name: str) -> dict[str, Any]:
    return {entry[name]: entry for entry in entries}


def _label(entry: dict[str, Any], key: str) -> str:
    """What people call an entry: its name, where it has one besides its id."""
    name = entry.get("Name")
    return name if isinstance(name, str) and name else key


def _steps(path: str, where: str, name: str) -> tuple[str, str]:
    general = "{}" if _ID_KEY.fullmatch(name) else name
    return (f"{path}.{general}" if path else general), (f"{where}.{name}" if where else name)


def _same_types(one: Any, other: Any) -> bool:
    """Whether equal values are equal as JSON, too: Python takes 1 for True."""
    if isinstance(one, dict):
        there = cast("dict[str, Any]", other)
        return all(_same_types(value, there[name]) for name, value in cast("dict[str, Any]", one).items())
    if isinstance(one, list):
        return all(map(_same_types, cast("list[Any]", one), other))
    return isinstance(one, bool) == isinstance(other, bool)


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {dict: "object", list: "array", str: "string"}.get(type(value), "null")  # pyright: ignore[reportUnknownArgumentType]
