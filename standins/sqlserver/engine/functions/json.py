"""JSON on text: SQL Server returns fragments as they stand in the document, so paths are followed in the text."""

from __future__ import annotations

import json as standard_json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import messages
from standins.sqlserver.engine.functions.text import Function, strict

_SPACE = re.compile(r"[ \t\n\r]*")
_STEP = re.compile(r'\s*\.\s*(?:([A-Za-z_$][\w$]*)|"((?:[^"\\]|\\.)*)")|\s*\[\s*(\d+)\s*\]')
#: Python's own scanner: the value at a place, and where it ends. Its stubs leave it out.
_scan: Callable[[str, int], tuple[Any, int]] = getattr(standard_json.JSONDecoder(), "scan_once")  # noqa: B009
_scan_string: Callable[[str, int, bool], tuple[str, int]] = getattr(standard_json.decoder, "scanstring")  # noqa: B009


@dataclass(frozen=True, slots=True)
class Path:
    steps: tuple[str | int, ...]
    strict: bool
    append: bool


@lru_cache(maxsize=1000)
def parse_path(text: str) -> Path:
    rest, is_strict, append = text.strip(), False, False
    for word in ("append", "lax", "strict"):
        if rest.startswith(word + " "):
            is_strict, append = is_strict or word == "strict", append or word == "append"
            rest = rest[len(word) :].lstrip()
    if not rest.startswith("$"):
        raise messages.invalid_json_path(text.find(rest[:1] or " "), rest[:1] or " ")
    steps: list[str | int] = []
    place = 1
    while place < len(rest):
        match = _STEP.match(rest, place)
        if match is None:
            raise messages.invalid_json_path(text.find(rest) + place, rest[place])
        if match[3] is not None:
            steps.append(int(match[3]))
        else:
            steps.append(match[1] if match[1] is not None else standard_json.loads(f'"{match[2]}"'))
        place = match.end()
    return Path(tuple(steps), is_strict, append)


def _after_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    assert match is not None
    return match.end()


def _broken(text: str, place: int) -> SqlServerError:
    return messages.invalid_json(place, text[place : place + 1])


def _skip(text: str, place: int) -> int:
    """The end of the value that begins at ``place``."""
    try:
        return _scan(text, place)[1]
    except (StopIteration, ValueError) as error:
        at = getattr(error, "pos", getattr(error, "value", place))
        raise _broken(text, at if isinstance(at, int) else place) from None


def _members(text: str, place: int) -> Iterator[tuple[str, int, int, int]]:
    """(key, start of the key, start and end of the value) of the object at ``place``."""
    place = _after_space(text, place + 1)
    if text[place : place + 1] == "}":
        return
    while True:
        if text[place : place + 1] != '"':
            raise _broken(text, place)
        start = place
        key, place = _scan_string(text, place + 1, True)
        place = _after_space(text, place)
        if text[place : place + 1] != ":":
            raise _broken(text, place)
        place = _after_space(text, place + 1)
        end = _skip(text, place)
        yield key, start, place, end
        place = _after_space(text, end)
        if text[place : place + 1] == "}":
            return
        if text[place : place + 1] != ",":
            raise _broken(text, place)
        place = _after_space(text, place + 1)


def _elements(text: str, place: int) -> Iterator[tuple[int, int]]:
    place = _after_space(text, place + 1)
    if text[place : place + 1] == "]":
        return
    while True:
        end = _skip(text, place)
        yield place, end
        place = _after_space(text, end)
        if text[place : place + 1] == "]":
            return
        if text[place : place + 1] != ",":
            raise _broken(text, place)
        place = _after_space(text, place + 1)


def find(text: str, steps: tuple[str | int, ...]) -> tuple[int, int] | None:
    """Where the value at the path stands."""
    place = _after_space(text, 0)
    if text[place : place + 1] not in ("{", "["):
        raise _broken(text, place)
    for step in steps:
        found = None
        if isinstance(step, str) and text[place] == "{":
            found = next((start for key, _, start, _ in _members(text, place) if key == step), None)
        elif isinstance(step, int) and text[place] == "[":
            found = next((start for index, (start, _) in enumerate(_elements(text, place)) if index == step), None)
        if found is None:
            return None
        place = found
    return place, _skip(text, place)


def _missing(path: Path) -> None:
    if path.strict:
        raise SqlServerError(13608, "Property cannot be found on the specified JSON path.", 16, 2)


def scalar(fragment: str) -> str | None:
    """A scalar as JSON_VALUE shows it; None for null, objects and arrays."""
    if fragment[0] == '"':
        return str(standard_json.loads(fragment))
    return None if fragment[0] in "{[n" else fragment


def _json_value(text: str, path_text: str) -> str | None:
    path = parse_path(path_text)
    span = find(text, path.steps)
    if span is None:
        _missing(path)
        return None
    fragment = text[span[0] : span[1]]
    if fragment[0] in "{[":
        if path.strict:
            text = "Scalar value cannot be found in the specified JSON path."
            raise SqlServerError(13623, text, 16, 2)
        return None
    return _short(scalar(fragment), path.strict)


def _short(value: str | None, is_strict: bool = False) -> str | None:
    """JSON_VALUE returns at most 4,000 characters."""
    if value is not None and len(value) > 4000:
        if is_strict:
            raise SqlServerError(13625, "String value in the specified JSON path would be truncated.", 16, 2)
        return None
    return value


def _json_query(text: str, path_text: str = "$") -> str | None:
    path = parse_path(path_text)
    span = find(text, path.steps)
    if span is None:
        _missing(path)
        return None
    if text[span[0]] not in "{[":
        if path.strict:
            raise SqlServerError(13624, "Object or array cannot be found in the specified JSON path.", 16, 2)
        return None
    return text[span[0] : span[1]]


def _json_path_exists(text: str, path_text: str) -> int:
    return int(find(text, parse_path(path_text).steps) is not None)


def _isjson(text: str) -> int:
    if text.lstrip()[:1] not in ("{", "["):
        return 0
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return 0
    return 1


# --- JSON_MODIFY -----------------------------------------------------------------------------------------------


def encode(value: Any, kind: str) -> str:
    """A SQL value as JSON."""
    if value is None:
        return "null"
    if kind == "json":
        return str(value)
    if kind == "bit":
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value) if isinstance(value, int) else repr(value)
    if kind in ("decimal", "numeric", "money", "smallmoney"):
        return str(value)
    return _quoted(str(value))


def _quoted(text: str) -> str:
    return standard_json.dumps(text, ensure_ascii=False).replace("/", "\\/")


def _json_modify(text: str | None, path_text: str | None, value: Any, kind: str) -> str | None:
    if text is None or path_text is None:
        return None
    path = parse_path(path_text)
    if not path.steps:
        raise messages.invalid_json_path(len(path_text), " ")
    written = encode(value, kind)
    if path.append:
        return _append(text, path, written)
    parent = find(text, path.steps[:-1])
    last = path.steps[-1]
    if parent is None or (isinstance(last, str) != (text[parent[0]] == "{")):
        _missing(path)
        return text
    if isinstance(last, str):
        return _modify_member(text, path, parent[0], last, written, remove=value is None and not path.strict)
    for index, (start, end) in enumerate(_elements(text, parent[0])):
        if index == last:
            return text[:start] + written + text[end:]
    _missing(path)
    return text


def _modify_member(text: str, path: Path, place: int, key: str, written: str, *, remove: bool) -> str:
    previous_end = None
    last_end = None
    members = list(_members(text, place))
    for number, (name, key_start, start, end) in enumerate(members):
        if name == key:
            if not remove:
                return text[:start] + written + text[end:]
            if previous_end is not None:
                return text[:previous_end] + text[end:]
            following = members[number + 1][1] if number + 1 < len(members) else end
            return text[:key_start] + text[following:]
        previous_end = last_end = end
    if remove:
        return text
    _missing(path)
    member = f"{standard_json.dumps(key, ensure_ascii=False)}:{written}"
    if last_end is None:
        return text[: place + 1] + member + text[_after_space(text, place + 1) :]
    return text[:last_end] + "," + member + text[last_end:]


def _append(text: str, path: Path, written: str) -> str:
    span = find(text, path.steps)
    if span is None:
        _missing(path)
        parent = find(text, path.steps[:-1])
        if parent is None or not isinstance(path.steps[-1], str):
            return text
        return _modify_member(
            text, Path(path.steps, False, False), parent[0], path.steps[-1], f"[{written}]", remove=False
        )
    start, end = span
    if text[start] != "[":
        if path.strict:
            raise SqlServerError(13611, "Array cannot be found in the specified JSON path.", 16, 1)
        return text
    empty = _after_space(text, start + 1) == end - 1
    return text[: end - 1].rstrip() + ("" if empty else ",") + written + text[end - 1 :]


# --- OPENJSON --------------------------------------------------------------------------------------------------

_TYPES = {"n": 0, '"': 1, "t": 3, "f": 3, "[": 4, "{": 5}


def entries(text: str, path_text: str) -> Iterator[tuple[str, str | None, int]]:
    """OPENJSON without a schema: key, value, type."""
    for key, fragment in _children(text, path_text):
        kind = _TYPES.get(fragment[0], 2)
        yield key, (fragment if kind >= 4 else scalar(fragment)), kind


def rows(text: str, path_text: str) -> Iterator[str]:
    """OPENJSON with a schema: an array's elements, or the one object."""
    path = parse_path(path_text)
    span = find(text, path.steps)
    if span is None:
        _missing(path)
        return
    if text[span[0]] == "{":
        yield text[span[0] : span[1]]
    elif text[span[0]] == "[":
        for start, end in _elements(text, span[0]):
            yield text[start:end]


def _children(text: str, path_text: str) -> Iterator[tuple[str, str]]:
    path = parse_path(path_text)
    span = find(text, path.steps)
    if span is None:
        _missing(path)
        return
    if text[span[0]] == "{":
        for key, _, start, end in _members(text, span[0]):
            yield key, text[start:end]
    elif text[span[0]] == "[":
        for index, (start, end) in enumerate(_elements(text, span[0])):
            yield str(index), text[start:end]


def _openjson_value(fragment: str, path_text: str) -> str | None:
    """A column of OPENJSON's WITH clause; ``$`` is the element itself."""
    path = parse_path(path_text)
    if fragment[0] not in "{[":
        return scalar(fragment) if not path.steps else None
    span = find(fragment, path.steps)
    if span is None:
        _missing(path)
        return None
    return scalar(fragment[span[0] : span[1]])


FUNCTIONS: dict[str, Function] = {
    "t_json_value": strict(_json_value),
    "t_json_short": strict(_short),
    "t_json_query": strict(_json_query),
    "t_json_modify": _json_modify,
    "t_json_path_exists": strict(_json_path_exists),
    "t_isjson": strict(_isjson),
    "t_openjson_value": strict(_openjson_value),
}
