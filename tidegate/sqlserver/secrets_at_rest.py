"""Encrypted values of an Octopus database, as samples to prove a master key with."""

from __future__ import annotations

import json
from typing import Any, Final

from tidegate.octopus.master_key import EncryptedValue, encrypted_values
from tidegate.sqlserver.connection import SqlServer, quoted

#: The server's own certificate; `certificate-global` is its document id (OctopusDeploy/Issues#3563).
_SERVER_CERTIFICATE: Final = "certificate-global"
#: Tables whose documents hold sensitive values, the likeliest first.
_TABLES: Final = ("Certificate", "Configuration", "VariableSet", "Account", "TenantVariable", "Feed", "Project")
_DOCUMENTS: Final = 50
ENOUGH: Final = 20


def sample_encrypted_values(server: SqlServer) -> list[EncryptedValue]:
    """Up to :data:`ENOUGH` encrypted values of the connection's database, the server's certificate first."""
    existing = {
        str(table)
        for (table,) in server.rows(
            "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'dbo' AND COLUMN_NAME = 'JSON'"
        )
    }
    tables = [table for table in _TABLES if table in existing]
    values: list[EncryptedValue] = []
    for table in tables:
        for (text,) in server.rows(f"SELECT JSON FROM dbo.{quoted(table)} WHERE Id = ?", _SERVER_CERTIFICATE):
            values += encrypted_values(_SERVER_CERTIFICATE, _document(text), binary=True)
    for table in tables:
        rows = server.rows(
            # A base64 IV ends with == and a quote follows it in JSON: rows without that hold no encrypted value.
            # The order is that of the clustered key, so the scan ends with the last row that is taken.
            f"SELECT TOP {_DOCUMENTS} Id, JSON FROM dbo.{quoted(table)} "
            "WHERE JSON LIKE '%|%==\"%' AND Id <> ? ORDER BY Id",
            _SERVER_CERTIFICATE,
        )
        for document_id, text in rows:
            values += encrypted_values(str(document_id), _document(text), binary=table == "Certificate")
            if len(values) >= ENOUGH:
                return values[:ENOUGH]
    return values


def _document(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None  # a broken document is a finding of the PRE checks, not of this sample
