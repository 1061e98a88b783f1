"""A call with what the API's own handlers need besides: the gate and what it knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from standins.octopus.contract import Call, Document

if TYPE_CHECKING:
    from standins.octopus.api.gate import Gate, World


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall(Call):
    """A request that came in over HTTP."""

    gate: Gate
    world: World


def api_call(call: Call) -> ApiCall:
    """The same call, known to have come over HTTP."""
    if not isinstance(call, ApiCall):
        raise TypeError("this handler answers HTTP requests only")
    return call


def caller(call: Call) -> Document:
    """The signed-in user; every route with a permission has one."""
    if call.user is None:
        raise TypeError("an anonymous route asked for its caller")
    return call.user
