"""A query of start-up names its variable in other letters: an error where the server compares case.

OctopusDeploy/Issues 3734, 2965.
"""

from __future__ import annotations

from standins.octopus.contract import Server
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        with server.store.transaction() as transaction:
            transaction.execute("DECLARE @name nvarchar(50) = N'node'; SELECT @nodeName")
