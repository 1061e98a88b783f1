"""Where a resource differs from the generic handling: functions by resource name, registered by the modules of
``resources``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from standins.octopus.contract import Call, Document


def _nothing(*_arguments: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Hooks:
    """Every hook runs inside the request's transaction; raising ``ApiError`` refuses the request and undoes
    everything.
    """

    #: Validates and completes a document about to be stored; the last is the stored one, None for a new document.
    prepare: Callable[[Call, Document, Document | None], None] = _nothing
    after_create: Callable[[Call, Document], None] = _nothing
    after_update: Callable[[Call, Document, Document], None] = _nothing
    before_delete: Callable[[Call, Document], None] = _nothing
    #: Adds what is computed to rendered items; gets the rendered and the stored ones, in the same order.
    show: Callable[[Call, Sequence[Document], Sequence[Document]], None] = _nothing
    #: Finds a document by something other than its id (a slug, a name).
    find: Callable[[Call, str], Document | None] = _nothing
    #: Narrows a list beyond the table of filters.
    narrow: Callable[[Call, list[Document]], list[Document]] | None = None
    #: Makes the new document, for resources that can be cloned.
    create: Callable[[Call, Document], Document] | None = None


_NONE = Hooks()
_registered: dict[str, Hooks] = {}


def register(resource: str, **hooks: Any) -> None:
    """Called while modules are imported; each resource has one module that does it."""
    _registered[resource] = replace(_registered.get(resource, _NONE), **hooks)


def hooks_of(resource: str) -> Hooks:
    return _registered.get(resource, _NONE)
