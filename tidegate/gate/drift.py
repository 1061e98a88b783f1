"""What happened on the main instance since it was copied, and which of it matters."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from tidegate.rehearsal.main_mark import AuditEvent


class Everyday(BaseModel):
    """One kind of event that says nothing against what was rehearsed; conditions that are not named hold always."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    source: str
    categories: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    agent: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Everyday:
        if not (self.categories or self.documents or self.agent):
            raise ValueError("a rule without conditions would call everything everyday work")
        return self

    def covers(self, event: AuditEvent) -> bool:
        if self.categories and event.category not in self.categories:
            return False
        if self.documents and self.documents.isdisjoint(_kind(document) for document in event.documents):
            return False
        return event.agent.lower().startswith(self.agent)


@cache
def everyday_events() -> tuple[Everyday, ...]:
    """The rules of `tidegate/knowledge/drift.toml`."""
    text = resources.files("tidegate.knowledge").joinpath("drift.toml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)["everyday"]
    return tuple(Everyday.model_validate(row) for row in rows)


def that_matter(events: Iterable[AuditEvent], everyday: Iterable[Everyday] | None = None) -> list[AuditEvent]:
    """The events that changed something a rehearsal would have seen, in the order given."""
    rules = tuple(everyday_events() if everyday is None else everyday)
    return [event for event in events if not any(rule.covers(event) for rule in rules)]


def counted(events: Iterable[AuditEvent]) -> dict[str, int]:
    """How many events of each category, most frequent first."""
    return dict(Counter(event.category for event in events).most_common())


def _kind(document: str) -> str:
    return document.split("-", 1)[0]
