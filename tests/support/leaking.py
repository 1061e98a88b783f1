"""A stand-in that keeps an object of every request: `python -m tests.support.leaking standins.octopus …`."""

from __future__ import annotations

import runpy
import sys
from typing import Any

from standins.octopus.api.app import Portal
from standins.sqlserver.engine.session import EngineSession

_kept: list[object] = []


def _leak(owner: type, name: str) -> None:
    answer = getattr(owner, name)

    def leaking(self: Any, *given: Any) -> Any:
        _kept.append([given])
        return answer(self, *given)

    setattr(owner, name, leaking)


if __name__ == "__main__":
    _leak(Portal, "respond")
    _leak(EngineSession, "call")
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
