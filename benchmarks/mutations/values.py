"""What can go wrong with one value of a document."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, cast

Step = str | int
Path = tuple[Step, ...]

_ID: Final = re.compile(r"([A-Z][A-Za-z]+)-\d+")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")


def paths_in(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value within a document, objects and lists included; links are drawn on their own."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            if name not in ("Links", "Id"):
                yield from paths_in(inner, (*path, name))
    elif isinstance(value, list):
        for position, inner in enumerate(cast("list[Any]", value)):
            yield from paths_in(inner, (*path, position))


def named(path: Path) -> str:
    """The innermost property of a path."""
    return next(str(step) for step in reversed(path) if isinstance(step, str))


def operations(value: Any, path: Path, ids: Mapping[str, Sequence[str]]) -> list[str]:
    """What can be done to this value so that it is not what it was."""
    inside_list = isinstance(path[-1], int)
    found = ["dropped"] if inside_list else ["dropped", "renamed"]
    match value:
        case None | "":
            return ["filled"]
        case []:
            return ["filled with an entry"]
        case bool():
            return [*found, "turned round", "made text", "nulled"]
        case int() | float():
            return [*found, "counted up", "made text", "nulled", *(["made zero"] if value else [])]
        case str():
            found += ["changed", "emptied", "nulled", "made an object", "put into other letters", "mangled"]
            if len(value) > 8:
                found.append("cut off")
            if _TIME.fullmatch(value):
                found += ["an hour off", "without its zone"]
            match_ = _ID.fullmatch(value)
            if match_ and len(ids.get(match_[1], ())) > 1:
                found.append("pointed elsewhere")
            return found
        case dict() if cast("dict[str, Any]", value).get("HasValue") is True:
            return ["revealed", "forgotten", "dropped"]
        case list():
            found += ["emptied", "made an object"]
            if len(cast("list[Any]", value)) > 1:
                found += ["turned round", "without its last", "with its first twice"]
            return found
        case _:
            return found


def changed(  # noqa: PLR0911, PLR0912 - one answer for each operation
    value: Any, operation: str, dice: Random, ids: Mapping[str, Sequence[str]]
) -> Any:
    """The value after ``operation``; `dropped` and `renamed` act on what holds it."""
    match operation, value:
        case "filled", _:
            return "something"
        case "filled with an entry", _:
            return ["something"]
        case "turned round", list():
            return list(reversed(cast("list[Any]", value)))
        case "turned round", _:
            return not value
        case "made text", _:
            return str(value)
        case "nulled", _:
            return None
        case "counted up", _:
            return value + 1
        case "made zero", _:
            return 0
        case "emptied", _:
            return [] if isinstance(value, list) else ""
        case "made an object", _:
            return {"Value": value}
        case "put into other letters", str():
            return value.upper() if value != value.upper() else value.lower()
        case "mangled", str():
            # UTF-8 read as Latin-1, as servers have done; where there is nothing to mangle, a character is lost.
            wrong = value.encode().decode("latin-1")
            return wrong if wrong != value else f"{value[:-1]}\N{REPLACEMENT CHARACTER}"
        case "cut off", str():
            return value[: len(value) // 2]
        case "an hour off", str():
            return _shifted(value)
        case "without its zone", str():
            return re.sub(r"(Z|[+-]\d\d:\d\d)$", "", value)
        case "pointed elsewhere", str():
            others = [one for one in ids[value.partition("-")[0]] if one != value]
            return dice.choice(others)
        case "revealed", dict():
            return {**cast("dict[str, Any]", value), "NewValue": "correct horse battery staple"}
        case "forgotten", dict():
            return {**cast("dict[str, Any]", value), "HasValue": False}
        case "without its last", list():
            return cast("list[Any]", value)[:-1]
        case "with its first twice", list():
            return [cast("list[Any]", value)[0], *value]
        case _:
            return f"{value} (another)"


def _shifted(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return text.replace(text[:16], (moment + timedelta(hours=1)).isoformat()[:16], 1)


def at_path(document: Any, path: Path, operation: str, value: Any) -> Any:
    """A copy of the document with the value at ``path`` replaced, dropped or renamed; itself where there is none."""
    result = copy.deepcopy(document)
    holder: Any = result
    for step in path[:-1]:
        try:
            holder = holder[step]
        except (KeyError, IndexError, TypeError):
            return document
    last = path[-1]
    there = last in holder if isinstance(holder, dict) else isinstance(last, int) and last < len(holder)
    if not there:
        return document
    if operation == "dropped":
        del holder[last]
    elif operation == "renamed":
        renamed = cast("dict[str, Any]", holder)
        renamed[f"{last}Value"] = renamed.pop(str(last))
    else:
        holder[last] = value
    return result
