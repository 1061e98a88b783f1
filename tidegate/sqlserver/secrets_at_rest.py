"""Encrypted values of an Octopus database: samples to prove a master key with, and all of them to be compared."""

from __future__ import annotations

import json
from typing import Any, Final

from tidegate.octopus.master_key import EncryptedValue, MasterKey, encrypted_values
from tidegate.sqlserver.connection import SqlServer, quoted

#: The server's own certificate; `certificate-global` is its document id (OctopusDeploy/Issues#3563).
_SERVER_CERTIFICATE: Final = "certificate-global"
#: Tables whose documents hold sensitive values, the likeliest first.
_TABLES: Final = ("Certificate", "Configuration", "VariableSet", "Account", "TenantVariable", "Feed", "Project")
#: A base64 IV ends with == and a quote follows it in JSON: rows without that hold no encrypted value.
_HOLDS_SOME: Final = "JSON LIKE '%|%==\"%'"
#: What the server encrypts for itself may be made anew at any start; history holds no secrets and is long.
_NOT_PEOPLES: Final = frozenset(
    {"Configuration", "OctopusServerNode", "User", "ApiKey", "Event", "ServerTask", "Deployment", "Release", "Artifact"}
)
_DOCUMENTS: Final = 50
ENOUGH: Final = 20


def sample_encrypted_values(server: SqlServer) -> list[EncryptedValue]:
    """Up to :data:`ENOUGH` encrypted values of the connection's database, the server's certificate first."""
    existing = _tables_of_documents(server)
    tables = [table for table in _TABLES if table in existing]
    values: list[EncryptedValue] = []
    for table in tables:
        for (text,) in server.rows(f"SELECT JSON FROM dbo.{quoted(table)} WHERE Id = ?", _SERVER_CERTIFICATE):
            values += encrypted_values(_SERVER_CERTIFICATE, _document(text), binary=True)
    for table in tables:
        rows = server.rows(
            # The order is that of the clustered key, so the scan ends with the last row that is taken.
            f"SELECT TOP {_DOCUMENTS} Id, JSON FROM dbo.{quoted(table)} WHERE {_HOLDS_SOME} AND Id <> ? ORDER BY Id",
            _SERVER_CERTIFICATE,
        )
        for document_id, text in rows:
            values += encrypted_values(str(document_id), _document(text), binary=table == "Certificate")
            if len(values) >= ENOUGH:
                return values[:ENOUGH]
    return values


def secret_facts(server: SqlServer, key: MasterKey) -> dict[str, str]:
    """A digest of every secret by its place, as `secret VariableSet variableset-Projects-1.Variables[0].Value`, "" for
    one that the key does not open; and how many documents each table holds, as `documents of VariableSet`.

    What the server itself encrypts for itself, and what only tells of the past, is left out.
    """
    facts: dict[str, str] = {}
    for table in sorted(_tables_of_documents(server) - _NOT_PEOPLES):
        name = quoted(table)
        [(count,)] = server.rows(f"SELECT COUNT(JSON) FROM dbo.{name}")
        facts[f"documents of {table}"] = str(count)
        for document_id, text in server.rows(f"SELECT Id, JSON FROM dbo.{name} WHERE {_HOLDS_SOME}"):
            values = encrypted_values(str(document_id), _document(text), binary=table == "Certificate")
            facts |= {f"secret {table} {value.place}": key.digest(value) for value in values}
    return facts


def _tables_of_documents(server: SqlServer) -> set[str]:
    columns = "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.COLUMNS c WHERE TABLE_SCHEMA = 'dbo' AND COLUMN_NAME = 'JSON'"
    tables = "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_TYPE = 'BASE TABLE'"
    return {str(table) for (table,) in server.rows(f"{columns} AND TABLE_NAME IN ({tables})")}


def _document(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None  # a broken document is a finding of the PRE checks, not of this sample
