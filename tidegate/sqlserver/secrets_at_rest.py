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
    values: list[EncryptedValue] = []
    for table in (table for table in _TABLES if table in existing):
        rows = server.rows(
            # A base64 IV ends with == and a quote follows it in JSON: rows without that hold no encrypted value.
            f"SELECT TOP {_DOCUMENTS} Id, JSON FROM dbo.{quoted(table)} "
            "WHERE JSON LIKE '%|%==\"%' ORDER BY CASE WHEN Id = ? THEN 0 ELSE 1 END, Id",
            _SERVER_CERTIFICATE,
        )
        for document_id, text in rows:
            binary = table == "Certificate" or document_id == _SERVER_CERTIFICATE
            values += encrypted_values(str(document_id), _document(text), binary=binary)
            if len(values) >= ENOUGH:
                return values[:ENOUGH]
    return values


def _document(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None  # a broken document is a finding of the PRE checks, not of this sample
