"""Tables as two public dumps of Octopus databases of 2018 show them, as far as the database layer looks at them."""

from __future__ import annotations

import json
from typing import Any

from tidegate.sqlserver.connection import SqlServer

TABLES = {
    "Account": "Name nvarchar(200) NOT NULL",
    "Artifact": "Filename nvarchar(200) NOT NULL, RelatedDocumentIds nvarchar(max) NULL",
    "Certificate": "Name nvarchar(200) NOT NULL",
    "Channel": "Name nvarchar(200) NOT NULL, ProjectId nvarchar(50) NOT NULL",
    "Configuration": "",
    "Deployment": "Name nvarchar(200) NOT NULL, ReleaseId nvarchar(150) NOT NULL",
    "DeploymentEnvironment": "Name nvarchar(200) NOT NULL",
    "ExtensionConfiguration": "Name nvarchar(1000) NULL",
    "Feed": "Name nvarchar(200) NOT NULL, FeedType nvarchar(50) NOT NULL, FeedUri nvarchar(512) NOT NULL",
    "Machine": "Name nvarchar(200) NOT NULL, IsDisabled bit NOT NULL",
    "MachinePolicy": "Name nvarchar(200) NOT NULL, IsDefault bit NOT NULL",
    "OctopusServerInstallationHistory": "Node nvarchar(200) NULL, Version nvarchar(50) NULL, "
    "Installed datetimeoffset NOT NULL",
    "OctopusServerNode": "Name nvarchar(200) NOT NULL, LastSeen datetimeoffset NOT NULL",
    "Project": "Name nvarchar(200) NOT NULL, AutoCreateRelease bit NOT NULL, "
    "IncludedLibraryVariableSetIds nvarchar(max) NULL",
    "ProjectTrigger": "Name nvarchar(200) NOT NULL, IsDisabled bit NOT NULL",
    "Release": "Version nvarchar(349) NOT NULL, ProjectId nvarchar(50) NOT NULL",
    "ServerTask": "Name nvarchar(50) NOT NULL, State nvarchar(50) NOT NULL, QueueTime datetimeoffset NOT NULL, "
    "CompletedTime datetimeoffset NULL, HasPendingInterruptions bit NOT NULL",
    "Subscription": "Name nvarchar(200) NOT NULL, IsDisabled bit NOT NULL",
    "Tenant": "Name nvarchar(200) NOT NULL",
    "TenantVariable": "TenantId nvarchar(50) NOT NULL, EnvironmentId nvarchar(50) NULL",
    "UserRole": "Name nvarchar(200) NOT NULL",
    "VariableSet": "OwnerId nvarchar(150) NOT NULL, IsFrozen bit NOT NULL",
    "Worker": "Name nvarchar(200) NOT NULL, IsDisabled bit NOT NULL",
}  # fmt: skip


def create_tables(server: SqlServer) -> None:
    """An empty Octopus database with its journal."""
    statements = [
        f"CREATE TABLE dbo.[{table}] (Id nvarchar(250) NOT NULL, {columns + ', ' if columns else ''}"
        f"[JSON] nvarchar(max) NULL, CONSTRAINT [PK_{table}_Id] PRIMARY KEY CLUSTERED (Id))"
        for table, columns in TABLES.items()
    ]
    statements.append(
        "CREATE TABLE dbo.SchemaVersions (Id int IDENTITY(1,1) NOT NULL CONSTRAINT PK_SchemaVersions_Id PRIMARY KEY, "
        "ScriptName nvarchar(255) NOT NULL, Applied datetime NOT NULL)"
    )
    server.execute("; ".join(statements))


def put(server: SqlServer, table: str, id: str, document: Any = None, **columns: Any) -> None:
    """One row; ``document`` becomes its JSON, text goes in as it is."""
    values: dict[str, Any] = {"Id": id, **columns}
    values["JSON"] = document if isinstance(document, str) else json.dumps(document if document is not None else {})
    names = ", ".join(f"[{name}]" for name in values)
    server.execute(f"INSERT INTO dbo.[{table}] ({names}) VALUES ({', '.join('?' * len(values))})", *values.values())


def document(server: SqlServer, table: str, id: str) -> Any:
    """A row's JSON."""
    return json.loads(server.value(f"SELECT JSON FROM dbo.[{table}] WHERE Id = ?", id))
