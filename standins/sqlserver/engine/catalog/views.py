"""Every catalog view by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.sqlserver.engine.catalog import constraints, information, objects, security, server, storage
from standins.sqlserver.engine.catalog.base import CatalogView

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database

_VIEWS: dict[str, CatalogView] = {
    view.key: view for module in (objects, constraints, storage, server, security, information) for view in module.VIEWS
}


def find(schema: str, name: str, product: int) -> CatalogView | None:
    view = _VIEWS.get(f"{schema}.{name}")
    return view if view is not None and view.since <= product else None


def get(key: str) -> CatalogView:
    return _VIEWS[key]


def table_name(key: str, database: Database) -> str:
    """The temporary table that holds a view's rows."""
    return f"{key}|{database.alias}"


def names() -> list[str]:
    return sorted(_VIEWS)
