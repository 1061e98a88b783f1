"""Control flow that leaves statements early: the end of a batch or scope, RETURN, BREAK and CONTINUE."""

from __future__ import annotations

from standins.sqlserver.engine.values import Stored


class BatchEnd(Exception):
    """The batch is over: an error that was already reported, or the end of its scope."""


class ScopeEnd(Exception):
    """The procedure or batch that runs is over because a statement in it could not be compiled."""


class ReturnSignal(Exception):
    def __init__(self, value: Stored) -> None:
        super().__init__()
        self.value = value


class BreakSignal(Exception):
    pass


class ContinueSignal(Exception):
    pass
