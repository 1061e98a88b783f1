"""What can go wrong below SQL."""

from __future__ import annotations

from standins.sqlserver.contract import Cancelled


class ProtocolError(Exception):
    """Bytes that are not TDS. The connection is closed without a word: the peer may be no SQL client at all."""


class Disconnected(Cancelled):
    """The client is gone. A kind of cancellation, so that the engine unwinds the same way for both."""
