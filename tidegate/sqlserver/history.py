"""What an Octopus database says about its own past: schema scripts and installed versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tidegate.sqlserver.connection import SqlServer


@dataclass(frozen=True, slots=True)
class Installation:
    """One row of OctopusServerInstallationHistory. A version of None stopped 2019.6 (OctopusDeploy/Issues#5679)."""

    node: str
    version: str | None
    installed: datetime


def schema_journal(server: SqlServer) -> list[str]:
    """The schema scripts that ran, in order (DbUp's journal, table SchemaVersions)."""
    return [str(name) for (name,) in server.rows("SELECT ScriptName FROM dbo.SchemaVersions ORDER BY Id")]


def installation_history(server: SqlServer) -> list[Installation]:
    """Which version started on which node, oldest first."""
    rows = server.rows(
        "SELECT Node, Version, Installed FROM dbo.OctopusServerInstallationHistory ORDER BY Installed, Id"
    )
    return [
        Installation(str(node or ""), None if version is None else str(version), installed)
        for node, version, installed in rows
    ]
