"""Snapshots written by hand, for comparisons that look at few things."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tidegate.observation.places import family_of
from tidegate.observation.store import ITEM, Seen, Snapshot, SnapshotWriter
from tidegate.sqlserver.fingerprints import Bucket


def written(
    file: Path,
    version: str = "2019.1.0",
    *,
    seen: Iterable[Seen] = (),
    tables: Mapping[str, int] | None = None,
    views: Mapping[str, str] | None = None,
    journal: Iterable[str] = (),
    facts: Mapping[str, str] | None = None,
    lists: Mapping[str, int] | None = None,
    contents: Mapping[str, Mapping[int, Bucket]] | None = None,
    **about: Any,
) -> Snapshot:
    """A snapshot that saw just this; ``lists`` were read to their end."""
    told: dict[str, Any] = {
        "version": version, "spaces": int(version[:4]) >= 2019, "default_space": "Spaces-1", "administrator": "admin",
        "users": ["admin"], "observers": [], "database": tables is not None, "like": True,
        "installation_id": "00000000-0000-4000-8000-000000000001", **about,
    }  # fmt: skip
    with SnapshotWriter(file) as writer:
        for one in seen:
            writer.saw(one)
        for place, number in (lists or {}).items():
            writer.counted("admin", place, family_of(place), number, complete=True)
        writer.database(tables or {}, views or {}, journal)
        writer.facts(facts or {})
        writer.contents(contents or {})
        writer.about(told)
    return Snapshot(file)


def item(place: str, body: Any = None, *, seconds: float = 0.01, status: int = 200, form: str = ITEM) -> Seen:
    """One thing the administrator saw."""
    text = None if body is None else json.dumps(body)
    return Seen("admin", place, form, family_of(place), f"/api/{place}", status, seconds=seconds, body=text)
