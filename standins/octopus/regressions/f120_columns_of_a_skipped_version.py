"""Start-up reads columns that a version which was jumped over would have added (OctopusDeploy/Issues 10126)."""

from __future__ import annotations

from standins.octopus.contract import Server
from standins.octopus.regressions.seeding import upgraded


def disturb_server(server: Server) -> None:
    if upgraded(server):
        with server.store.transaction() as transaction:
            transaction.execute("SELECT [DataVersion], [LastModified] FROM dbo.[OctopusServerInstallationHistory]")
