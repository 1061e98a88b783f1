"""System stored procedures by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import Sink
from standins.sqlserver.tsql.nodes import ObjectName

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

SystemProcedure = Callable[["EngineSession", list[Any], Sink], int]


def find_procedure(name: ObjectName) -> SystemProcedure | None:
    """A system procedure; they are found from every database, with or without ``sys.`` or ``dbo.``."""
    from standins.sqlserver.engine.systemprocedures import PROCEDURES

    if name.schema.lower() not in ("", "sys", "dbo"):
        return None
    return PROCEDURES.get(name.name.lower())
