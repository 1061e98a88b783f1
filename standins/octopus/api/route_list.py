"""All routes of all modules. Rows listed later replace earlier ones with the same method and path."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence

import standins.octopus.api.resources as own
from standins.octopus import behaviour
from standins.octopus.api.crud import crud_routes
from standins.octopus.api.left_out import left_out_routes
from standins.octopus.contract import Route


def all_routes() -> list[Route]:
    """What is left out, generic rows, then the API's own modules, then what the behaviours answer."""
    routes = [*left_out_routes(), *crud_routes()]
    for package in (own, behaviour):
        for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
            if package is own or module.name.startswith("routes_"):
                rows: Sequence[Route] = getattr(
                    importlib.import_module(f"{package.__name__}.{module.name}"), "ROUTES", ()
                )
                routes.extend(rows)
    return routes
