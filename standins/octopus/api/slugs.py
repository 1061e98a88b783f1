"""Slugs: the name in lower case with dashes, made unique by a number."""

from __future__ import annotations

import re
from collections.abc import Collection


def slugify(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "item"


def unique_slug(name: str, taken: Collection[str]) -> str:
    base = slugify(name)
    if base not in taken:
        return base
    number = 1
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"
