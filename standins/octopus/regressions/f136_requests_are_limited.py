"""Requests are limited in rate, and clients that do not know 429 fail (OctopusDeploy/Issues 10155, 10202)."""

from __future__ import annotations

import itertools

from standins.octopus.contract import ApiError, Call, Server
from standins.octopus.regressions.seeding import on_request

#: Every so many requests are put off, whatever the clock says: the same on a fast machine and on a slow one.
_EVERY = 5

_requests = itertools.count(1)


def disturb_server(server: Server) -> None:
    on_request(server, _put_off, "GET projects/{id}/progression")


def _put_off(call: Call) -> None:
    del call
    if next(_requests) % _EVERY == 0:
        raise ApiError(429, "Too many requests. Please try again in a moment.")
