"""What a system stored procedure is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink
from standins.sqlserver.engine.arguments import Given

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

#: Runs for a session with the arguments given and returns the procedure's status.
SystemProcedure = Callable[["EngineSession", list[Given], Sink], int]
