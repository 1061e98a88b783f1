"""Every node of a syntax tree."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import cast


def within(node: object) -> Iterator[object]:
    """The node and all below it, in the order they are written; what is no node (names, types) comes along."""
    yield node
    if isinstance(node, tuple):
        for item in cast("tuple[object, ...]", node):
            yield from within(item)
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        for part in dataclasses.fields(node):
            yield from within(getattr(node, part.name))
