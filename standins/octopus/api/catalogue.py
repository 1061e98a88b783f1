"""The resources of one version: ``data/resources.toml`` compiled, with the links each item carries."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from standins.octopus.api.shapes import Shape, shapes_for
from standins.octopus.api.versions import SPACES, in_force
from standins.octopus.contract import Document, Version

_LINK = re.compile(
    r"(?P<template>\S+)(?: when (?P<when>\S+))?(?: since (?P<since>[\d.]+))?(?: until (?P<until>[\d.]+))?"
)


@dataclass(frozen=True, slots=True)
class Link:
    """One link of an item, as a format for ``%`` with the document's properties."""

    name: str
    format: str
    condition: str = ""
    equals: str | None = None

    def applies(self, document: Mapping[str, Any]) -> bool:
        if not self.condition:
            return True
        value = document.get(self.condition)
        return bool(value) if self.equals is None else value == self.equals


@dataclass(frozen=True, slots=True)
class Use:
    """A document of ``kind`` whose ``column`` names the one to delete stands in the way."""

    kind: str
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the API."""

    name: str
    kind: str
    path: str
    scope: str
    since: str
    until: str
    methods: frozenset[str]
    view: str
    create: str
    edit: str
    delete: str
    order: str
    item_type: str
    filters: Mapping[str, str]
    within: Mapping[str, str]
    references: Mapping[str, str]
    used_by: tuple[Use, ...]
    links: tuple[Link, ...]
    shape: Shape | None
    spaced: bool

    def links_of(self, document: Mapping[str, Any]) -> dict[str, str]:
        space = document.get("SpaceId") if self.spaced else None
        values = _Values(document)
        values["~"] = f"/api/{space}" if space else "/api"
        values["@"] = f"/{space}" if space else ""
        return {link.name: link.format % values for link in self.links if not link.condition or link.applies(document)}

    def render(self, document: Mapping[str, Any]) -> Document:
        """The item as the API shows it: Id, the properties of this version, Links."""
        if self.shape is None:
            raise LookupError(f"{self.name} has no properties in this version")
        shown = self.shape.render(document)
        shown["Links"] = self.links_of(document)
        return shown


class _Values(dict[str, Any]):
    """Link values: what a document does not have is empty."""

    def __missing__(self, key: str) -> str:
        return ""


def _link(name: str, lines: str | list[str], version: Version) -> Link | None:
    for line in [lines] if isinstance(lines, str) else lines:
        parsed = _LINK.fullmatch(line)
        if parsed is None:
            raise ValueError(f"resources.toml: link {name}: {line!r} is not a link line")
        if in_force(version, parsed["since"] or "", parsed["until"] or ""):
            template = parsed["template"].replace("%", "%%").replace("<@version>", str(version))
            template = re.sub(r"<(\w+)>", r"%(\1)s", template)
            template = re.sub(r"^~", "%(~)s", template).replace("/app#@", "/app#%(@)s")
            condition, _, equals = (parsed["when"] or "").partition("=")
            return Link(name, template, condition, equals or None)
    return None


class Catalogue:
    """Every resource that exists in a version."""

    def __init__(self, version: Version, tables: Mapping[str, Mapping[str, Any]]) -> None:
        self.version = version
        self._shapes = shapes_for(version)
        self.resources: dict[str, Resource] = {}
        for name, table in tables.items():
            if in_force(version, str(table.get("since", "")), str(table.get("until", ""))):
                self.resources[name] = self._resource(name, table)

    def __getitem__(self, name: str) -> Resource:
        return self.resources[name]

    def __contains__(self, name: str) -> bool:
        return name in self.resources

    def _resource(self, name: str, table: Mapping[str, Any]) -> Resource:
        links = (
            _link(link, lines, self.version)
            for link, lines in cast("Mapping[str, Any]", table.get("links", {})).items()
        )
        scope = str(table.get("scope", "space"))
        return Resource(
            name=name,
            kind=str(table.get("kind", name)),
            path=str(table["path"]),
            scope=scope,
            since=str(table.get("since", "")),
            until=str(table.get("until", "")),
            methods=frozenset(str(table.get("methods", "list all get create update delete")).split()),
            view=str(table.get("view", "")),
            create=str(table.get("create", "")),
            edit=str(table.get("edit", "")),
            delete=str(table.get("delete", "")),
            order=str(table.get("order", "Name")),
            item_type=str(table.get("item_type", name)),
            filters=table.get("filters", {}),
            within=table.get("within", {}),
            references=table.get("references", {}),
            used_by=tuple(Use(*use) for use in table.get("used_by", ())),
            links=tuple(link for link in links if link is not None),
            shape=self._shapes.find(name),
            spaced=scope != "system" and self.version >= SPACES,
        )


@lru_cache(maxsize=1)
def every_table() -> Mapping[str, Mapping[str, Any]]:
    """The rows of all versions, by resource."""
    return tomllib.loads((Path(__file__).parent / "data" / "resources.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=64)
def catalogue_for(version: Version) -> Catalogue:
    """The catalogue of a version; compiled once a process."""
    return Catalogue(version, every_table())
