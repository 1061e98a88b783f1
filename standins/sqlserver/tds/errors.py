"""What can go wrong below SQL."""

from __future__ import annotations

from standins.sqlserver.contract import Cancelled, SqlServerError


class ProtocolError(Exception):
    """Bytes that are not TDS. The connection is closed without a word: the peer may be no SQL client at all."""


class Disconnected(Cancelled):
    """The client is gone. A kind of cancellation, so that the engine unwinds the same way for both."""


def unsupported(what: str) -> SqlServerError:
    """The refusal of what the protocol allows and this server does not offer (the number is Azure SQL's for that)."""
    return SqlServerError(40510, f"{what} is not supported by the SQL Server stand-in.")
