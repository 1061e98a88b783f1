"""Forwards one TCP port to another server: `python3 forwarder.py PORT HOST PORT`.

Runs inside the gateway container, so it knows nothing but the standard library of Python 3.7 and newer. The host's name
is resolved for every connection: containers behind it come and go under the same name.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

_CHUNK = 65536


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    # One side may be gone at any time: the other learns it by the end of its stream.
    with contextlib.suppress(OSError):
        while True:
            data = await source.read(_CHUNK)
            if not data:
                break
            target.write(data)
            await target.drain()
    with contextlib.suppress(OSError, RuntimeError):
        target.write_eof()


async def _serve(port: int, host: str, target: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, target)
        except OSError:
            writer.transport.abort()  # nobody there: the client sees it at once
            return
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        far_writer.close()
        writer.close()

    server = await asyncio.start_server(connected, "0.0.0.0", port, backlog=128)  # noqa: S104 -- its container's network decides
    sys.stdout.write("forwarding\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
