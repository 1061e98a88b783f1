"""What a resource holds in one version: the table of ``data/models.toml`` compiled for reading and writing.

Reading gives every property of the version with its default; writing takes a request body whose property names may be
in any case (the API matches them so) and drops what the version does not know, as the server does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from standins.octopus.api.versions import in_force, version_of
from standins.octopus.behaviour.moments import asked_moment
from standins.octopus.contract import ApiError, Document, Version

#: Encrypts a secret for the store.
Seal = Callable[[str], str]

#: The hint of a sensitive value came after the 2020.5 swagger and before Octopus.Client 9.0.7 (Dec 2020).
_HINT = version_of("2020.6")

_LINE = re.compile(
    r"(?P<type>\S+)(?: = (?P<default>.+?))??(?P<readonly> readonly)?"
    r"(?: since (?P<since>[\d.]+))?(?: until (?P<until>[\d.]+))?(?P<readonly2> readonly)?"
)
_SCALARS = frozenset({"string", "bool", "int", "number", "date", "any"})
_LITERALS: Mapping[str, Any] = {"true": True, "false": False}


@dataclass(slots=True)
class Property:
    """One property in one version."""

    name: str
    type: str  # without [] and ?
    is_list: bool
    nullable: bool
    readonly: bool
    default: Any
    shape: Shape | None = None

    def empty(self) -> Any:
        """The value shown when nothing is stored. Lists and objects are new each time: callers fill them in."""
        if self.is_list:
            return []
        if self.shape is not None:
            return None if self.nullable else self.shape.render({})
        if self.type in ("map", "idmap", "properties"):
            return {}
        return self.default


@dataclass(slots=True)
class Shape:
    """The properties of one resource or nested object."""

    name: str
    version: Version
    properties: dict[str, Property] = field(default_factory=dict[str, Property])
    discriminator: str = ""
    variants: dict[str, Shape] = field(default_factory=dict[str, "Shape"])
    is_open: bool = False
    by_lower_name: dict[str, Property] = field(default_factory=dict[str, Property])

    def property(self, name: str) -> Property | None:
        return self.by_lower_name.get(name.lower())

    def _variant(self, value: Mapping[str, Any]) -> Shape | None:
        return self.variants.get(str(value.get(self.discriminator))) if self.discriminator else None

    def render(self, stored: Mapping[str, Any]) -> Document:
        """What the API shows of a stored object."""
        shown: Document = {}
        if "Id" in stored:
            shown["Id"] = stored["Id"]
        self._render_into(shown, stored)
        variant = self._variant(stored)
        if variant is not None:
            variant._render_into(shown, stored)
        if self.is_open:
            for name, value in stored.items():
                if name not in shown and name != "Links":
                    shown[name] = value
        return shown

    def _render_into(self, shown: Document, stored: Mapping[str, Any]) -> None:
        for name, prop in self.properties.items():
            value = stored.get(name)
            if value is None:
                shown[name] = _shown_secret(None, self.version) if prop.type == "sensitive" else prop.empty()
            elif prop.is_list:
                shown[name] = _shown_list(value, prop)
            elif prop.shape is not None:
                shown[name] = prop.shape.render(value)
            elif prop.type == "sensitive":
                shown[name] = _shown_secret(value, self.version)
            elif prop.type == "property":
                shown[name] = shown_property(value, self.version)
            elif prop.type == "properties":
                shown[name] = {key: shown_property(item, self.version) for key, item in value.items()}
            else:
                shown[name] = value

    def accept(self, body: Mapping[str, Any], existing: Mapping[str, Any] | None, seal: Seal) -> Document:
        """The object to store for a request body: it replaces all that a client can set, and keeps the rest of
        ``existing``.
        """
        stored: Document = {}
        lowered = {str(name).lower(): value for name, value in body.items()}
        kept = existing or {}
        known = self.by_lower_name
        if self.discriminator:
            kind = lowered.get(self.discriminator.lower()) or kept.get(self.discriminator)
            variant = self.variants.get(str(kind))
            if variant is not None:
                known = {**known, **variant.by_lower_name}
        if self.is_open:
            stored.update({str(name): value for name, value in body.items() if str(name).lower() not in known})
            stored.pop("Links", None)
        else:
            # What no property of this version names is the server's own (a password hash, an image) and outlives the
            # change.
            stored.update({name: value for name, value in kept.items() if name.lower() not in known})
        for lower, prop in known.items():
            if prop.readonly:
                if prop.name in kept:
                    stored[prop.name] = kept[prop.name]
            elif lower in lowered:
                stored[prop.name] = accept_value(prop, lowered[lower], kept.get(prop.name), seal)
            elif prop.type == "sensitive" and kept.get(prop.name) is not None:
                stored[prop.name] = kept[prop.name]
            else:
                stored[prop.name] = None if prop.type == "sensitive" else _unset(prop)
        if "id" in lowered and "Id" not in stored:
            stored["Id"] = _identity(lowered["id"])
        if existing is not None and "Id" in existing:
            stored["Id"] = existing["Id"]
        return stored


def _unset(prop: Property) -> Any:
    if prop.is_list:
        return []
    if prop.shape is not None:
        return None if prop.nullable else prop.shape.accept({}, None, str)
    return prop.empty()


def _shown_secret(value: Any, version: Version) -> Document:
    shown: Document = {"HasValue": bool(value), "NewValue": None}
    if version >= _HINT:
        shown["Hint"] = None
    return shown


def shown_property(value: object, version: Version) -> object:
    """A property is a string, or a sensitive value stored as ``{"SensitiveValue": <encrypted>}``."""
    if not isinstance(value, dict):
        return value
    stored = cast("Document", value)
    return _shown_secret(stored["SensitiveValue"], version) if "SensitiveValue" in stored else stored


def _shown_list(value: Any, prop: Property) -> list[Any]:
    if isinstance(value, str):
        return [item for item in value.split("|") if item]
    if prop.shape is None:
        return cast("list[Any]", value)
    render = prop.shape.render
    return [render(cast("Document", item)) if isinstance(item, dict) else item for item in value]


def accept_value(  # noqa: PLR0911 - one return a type
    prop: Property, sent: Any, kept: Any, seal: Seal
) -> Any:
    """One value of a request body in its stored form."""
    if sent is None:
        return kept if prop.type == "sensitive" else _unset(prop)
    if prop.is_list:
        return _accept_list(prop, sent, kept, seal)
    if prop.shape is not None:
        if not isinstance(sent, dict):
            raise refused_type(prop)
        before = cast("Document", kept) if isinstance(kept, dict) else None
        return prop.shape.accept(cast("Document", sent), before, seal)
    match prop.type:
        case "sensitive":
            return accept_secret(sent, kept, seal)
        case "property":
            return _accept_property(sent, kept, seal)
        case "properties":
            if not isinstance(sent, dict):
                raise refused_type(prop)
            before = cast("Document", kept) if isinstance(kept, dict) else {}
            return {
                name: _accept_property(value, before.get(name), seal)
                for name, value in cast("Document", sent).items()
                if value is not None
            }
        case "map" | "idmap":
            if not isinstance(sent, dict):
                raise refused_type(prop)
            return _accept_ids(prop, cast("Document", sent)) if prop.type == "idmap" else cast("Document", sent)
        case "string":
            return sent if isinstance(sent, str) else _text(prop, sent)
        case kind:
            scalar = _SCALAR_READERS.get(kind)
            return sent if scalar is None else scalar(prop, sent)


def _accept_property(sent: Any, kept: Any, seal: Seal) -> Any:
    if not isinstance(sent, dict):
        return sent if isinstance(sent, str) else _plain_text(sent)
    before = cast("Document", kept).get("SensitiveValue") if isinstance(kept, dict) else None
    secret = accept_secret(cast("Document", sent), before, seal)
    return {"SensitiveValue": secret}


def accept_secret(sent: Any, kept: Any, seal: Seal) -> Any:
    """``{HasValue, NewValue}``: a new value is encrypted; without one the stored value stays while HasValue is true."""
    if not isinstance(sent, dict):
        return seal(sent) if isinstance(sent, str) else None
    lowered = {str(name).lower(): value for name, value in cast("Document", sent).items()}
    new = lowered.get("newvalue")
    if isinstance(new, str) and new:
        return seal(new)
    if not lowered.get("hasvalue"):
        return None
    return cast("Document", kept).get("SensitiveValue") if isinstance(kept, dict) else kept


def _accept_ids(prop: Property, sent: Document) -> dict[str, list[str]]:
    """Lists of ids by name; a name without a list has none."""
    accepted: dict[str, list[str]] = {}
    for name, ids in sent.items():
        entries = cast("list[object]", ids if isinstance(ids, list) else [] if ids is None else [None])
        if not all(isinstance(entry, str) for entry in entries):
            raise refused_type(prop)
        accepted[name] = cast("list[str]", entries)
    return accepted


def _accept_list(prop: Property, sent: Any, kept: Any, seal: Seal) -> list[Any]:
    if not isinstance(sent, list):
        raise refused_type(prop)
    items = cast("list[Any]", sent)
    if prop.type == "string" and not all(isinstance(item, str) for item in items):
        raise refused_type(prop)
    if prop.shape is None:
        return items
    before = (
        {item.get("Id"): item for item in cast("list[Document]", kept or []) if item.get("Id")}
        if isinstance(kept, list)
        else {}
    )
    accepted: list[Any] = []
    for item in items:
        if not isinstance(item, dict):
            raise refused_type(prop)
        entry = cast("Document", item)
        identity = _identity(next((value for name, value in entry.items() if str(name).lower() == "id"), None))
        accepted.append(prop.shape.accept(entry, before.get(identity), seal))
    return accepted


def _identity(sent: object) -> str | None:
    if sent is None or isinstance(sent, str):
        return sent
    raise ApiError(400, "There was a problem with your request.", ["The value sent for Id must be a string."])


def _boolean(prop: Property, sent: Any) -> bool:
    if isinstance(sent, bool):
        return sent
    if isinstance(sent, str) and sent.lower() in ("true", "false"):
        return sent.lower() == "true"
    raise refused_type(prop)


def _integer(prop: Property, sent: Any) -> int:
    if isinstance(sent, bool) or not isinstance(sent, int | float | str):
        raise refused_type(prop)
    try:
        return int(sent)
    except (ValueError, OverflowError):
        raise refused_type(prop) from None


def _date(prop: Property, sent: Any) -> Any:
    asked_moment(sent, prop.name)
    return sent


_SCALAR_READERS: Mapping[str, Callable[[Property, Any], Any]] = {"bool": _boolean, "int": _integer, "date": _date}


def _text(prop: Property, sent: Any) -> str:
    if isinstance(sent, dict | list):
        raise refused_type(prop)
    return _plain_text(sent)


def _plain_text(sent: Any) -> str:
    return str(sent).lower() if isinstance(sent, bool) else str(sent)


def refused_type(prop: Property) -> ApiError:
    return ApiError(
        400,
        "There was a problem with your request.",
        [f"The value sent for {prop.name} could not be converted to {prop.type}."],
    )


class Shapes:
    """All shapes of one version."""

    def __init__(self, version: Version, tables: Mapping[str, Mapping[str, Any]]) -> None:
        self.version = version
        self._tables = tables
        self._shapes: dict[str, Shape] = {}
        for name in tables:
            self[name]

    def __contains__(self, name: str) -> bool:
        return name in self._tables

    @property
    def names(self) -> list[str]:
        return list(self._tables)

    def __getitem__(self, name: str) -> Shape:
        shape = self._shapes.get(name)
        if shape is None:
            # Registered before it is filled: a shape may contain itself.
            shape = self._shapes[name] = Shape(name, self.version)
            self._fill(shape, self._tables[name])
        return shape

    def find(self, name: str) -> Shape | None:
        """None for a resource whose properties no table names."""
        return self[name] if name in self._tables else None

    def _fill(self, shape: Shape, table: Mapping[str, Any]) -> None:
        for name, lines in table.items():
            if name == "@discriminator":
                shape.discriminator, shape.is_open = str(lines), True
            elif name == "@open":
                shape.is_open = bool(lines)
            elif name == "variants":
                for kind, rows in cast("Mapping[str, Mapping[str, Any]]", lines).items():
                    variant = shape.variants[kind] = Shape(f"{shape.name}/{kind}", self.version)
                    self._fill(variant, rows)
            else:
                self._add(shape, name, [lines] if isinstance(lines, str) else cast("Sequence[str]", lines))
        if shape.discriminator and shape.discriminator not in shape.properties:
            self._add(shape, shape.discriminator, ["string"])

    def _add(self, shape: Shape, name: str, lines: Sequence[str]) -> None:
        for line in lines:
            parsed = _LINE.fullmatch(line)
            if parsed is None:
                raise ValueError(f"models.toml: {shape.name}.{name}: {line!r} is not a property line")
            if in_force(self.version, parsed["since"] or "", parsed["until"] or ""):
                prop = self._property(name, parsed)
                shape.properties[name] = shape.by_lower_name[name.lower()] = prop

    def _property(self, name: str, parsed: re.Match[str]) -> Property:
        text = parsed["type"]
        nullable, text = text.endswith("?"), text.removesuffix("?")
        is_list, text = text.endswith("[]"), text.removesuffix("[]")
        shape = self[text] if text in self._tables else None
        if shape is None and text not in _SCALARS | {"map", "idmap", "sensitive", "property", "properties"}:
            raise ValueError(f"models.toml: {name}: unknown type {text!r}")
        default: Any = {"bool": False, "int": 0, "number": 0}.get(text) if not nullable else None
        if parsed["default"] is not None:
            default = _LITERALS.get(parsed["default"], parsed["default"])
            if text == "int":
                default = int(default)
        return Property(name, text, is_list, nullable, bool(parsed["readonly"] or parsed["readonly2"]), default, shape)


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "data" / "models.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=64)
def shapes_for(version: Version) -> Shapes:
    """The shapes of a version; compiled once a process."""
    return Shapes(version, _tables())
