"""What is known about exploring an instance, from `knowledge/routes.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class RouteKnowledge:
    """Which links are followed and how."""

    never_links: re.Pattern[str]
    never_places: re.Pattern[str]
    never_recorded: re.Pattern[str]
    history: frozenset[str]
    may_grow: frozenset[str]
    files: frozenset[str]
    file_routes: Mapping[str, str]
    nested_links: frozenset[str]
    nested_families: frozenset[str]
    queries: Mapping[str, str]
    unlinked_system: tuple[str, ...]
    unlinked_space: tuple[str, ...]
    filters: Mapping[str, str]
    filter_words: Mapping[str, tuple[str, ...]]
    asked_together: tuple[str, ...]

    def followed(self, link: str) -> bool:
        return not self.never_links.match(link)

    def allowed(self, place: str) -> bool:
        return not self.never_places.fullmatch(place.partition("?")[0])

    def may_be_replayed(self, place: str) -> bool:
        """Whether a recorded call to this place acts on nothing and reaches nothing outside."""
        return self.allowed(place) and not self.never_recorded.fullmatch(place.partition("?")[0])

    def is_history(self, family: str) -> bool:
        """Whether a list of this family holds history: the root collection itself or a list of it in another item."""
        return family.partition("?")[0].rpartition("/")[2] in self.history


def _places(patterns: Iterable[str]) -> re.Pattern[str]:
    """Any of these routes; the space segment of other spaces is no part of a route."""
    return re.compile(rf"(?:Spaces-\d+/)?(?:{'|'.join(f'(?:{pattern})' for pattern in patterns)})", re.IGNORECASE)


@cache
def route_knowledge() -> RouteKnowledge:
    """The knowledge that ships with Tidegate."""
    text = resources.files("tidegate.knowledge").joinpath("routes.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    return RouteKnowledge(
        never_links=re.compile("|".join(translate(link) for rule in data["never"] for link in rule["links"])),
        never_places=_places(data["never_places"]),
        never_recorded=_places(data["never_recorded"]),
        history=frozenset(data["history"]),
        may_grow=frozenset(data["may_grow"]),
        files=frozenset(data["files"]),
        file_routes=data["file_routes"],
        nested_links=frozenset(data["nested"]["links"]),
        nested_families=frozenset(data["nested"]["families"]),
        queries=data["queries"],
        unlinked_system=tuple(data["unlinked"]["system"]),
        unlinked_space=tuple(data["unlinked"]["space"]),
        filters=data["filters"],
        filter_words={name: tuple(words) for name, words in data["filter_words"].items()},
        asked_together=tuple(data["asked_together"]),
    )
