"""Seeded regressions: faults of real releases, one module each, named `f<number>_<words>`.

A module acts through functions it defines, each called where it belongs: ``disturb_schema(interference, version)``
before an upgrade, ``disturb_server(server)`` before a server becomes ready.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType


def modules(numbers: Iterable[int]) -> list[ModuleType]:
    """The modules of these numbers. An unknown number is an error: no test shall wait for a fault that never comes."""
    names = {int(found.name[1:4]): found.name for found in pkgutil.iter_modules(__path__) if found.name[0] == "f"}
    wanted = sorted(set(numbers))
    if unknown := [number for number in wanted if number not in names]:
        raise ValueError(f"there is no seeded regression {', '.join(map(str, unknown))}")
    return [importlib.import_module(f"{__name__}.{names[number]}") for number in wanted]
