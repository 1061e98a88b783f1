"""Tabular Data Stream, server side: TDS 7.3, 7.4 and strict 8.0 as in Microsoft's open specification [MS-TDS].

Nothing here knows SQL: requests become calls on ``contract.Session``, answers are written through ``contract.Sink``.

=================  =============================================================
``packets``        packet headers: bytes to packets and back
``channel``        the socket, in clear or inside TLS
``messages``       whole requests, attention signals, outgoing packets
``prelogin``       version and encryption
``login``          LOGIN7 and its answer
``wiretypes``      TYPE_INFO of every data type
``encode``         values and rows to bytes (dates and times in ``moments``)
``decode``         bytes to values
``tokens``         the tokens of a response
``sink``           ``contract.Sink`` over a response
``requests``       batches, procedure calls, transaction requests, bulk loads
``connection``     one client from its first byte to its last
=================  =============================================================
"""
