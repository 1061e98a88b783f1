"""A small `sqlcmd` for the image: logs in over TDS as the real tool does and runs a query or a file.

Only what health checks and start-up scripts use: -S -U -P -d -Q -q -i -C -N -b -l -h -W -V are understood. The password
may come from ``SQLCMDPASSWORD``. The tools of `mssql-tools18` encrypt unless told otherwise and so refuse a certificate
that nobody signed without ``-C``; the older `mssql-tools` do not encrypt (Microsoft: sqlcmd utility).
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyodbc

#: A line that says only GO ends a batch.
_GO: Final = re.compile(r"^\s*GO\s*;?\s*$", re.MULTILINE | re.IGNORECASE)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """0, or 1 when the server cannot be reached, or when ``-b`` is given and a statement fails."""
    chosen = _parser().parse_args(arguments)
    import pyodbc  # noqa: PLC0415 -- `-?` need not load it

    try:
        connection = pyodbc.connect(odbc_string(chosen, environment), autocommit=True, timeout=chosen.l)
    except pyodbc.Error as error:
        sys.stderr.write(f"Sqlcmd: Error: {error.args[-1]}\n")
        return 1
    text = Path(chosen.i).read_text(encoding="utf-8") if chosen.i else (chosen.Q or chosen.q or "")
    failed = False
    with connection:
        for batch in filter(str.strip, _GO.split(text)):
            try:
                _run(connection, batch, header=chosen.h != "-1")
            except pyodbc.Error as error:
                sys.stderr.write(f"{error.args[-1]}\n")
                failed = True
                if chosen.b:
                    break
    connection.close()
    return 1 if failed and chosen.b else 0


def odbc_string(chosen: argparse.Namespace, environment: Mapping[str, str]) -> str:
    from standins.octopus.store.connection import odbc_driver  # noqa: PLC0415 -- the same driver for both stand-ins

    parts = {
        "DRIVER": odbc_driver(),
        "SERVER": chosen.S.removeprefix("tcp:"),
        "UID": chosen.U,
        "PWD": chosen.P if chosen.P is not None else environment.get("SQLCMDPASSWORD", ""),
        "DATABASE": chosen.d,
        "Encrypt": "yes" if chosen.N or chosen.encrypt_by_default else "optional",
        "TrustServerCertificate": "yes" if chosen.C else "no",
    }
    return ";".join(f"{name}={{{value.replace('}', '}}')}}}" for name, value in parts.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sqlcmd", description=__doc__, add_help=False)
    parser.add_argument("-?", action="help", help="this text")
    parser.add_argument("-S", default="localhost", help="server, or server,port")
    parser.add_argument("-U", default="sa", help="login")
    parser.add_argument("-P", help="password")
    parser.add_argument("-d", default="master", help="database")
    parser.add_argument("-Q", help="query; then exit")
    parser.add_argument("-q", help="query")
    parser.add_argument("-i", help="file")
    parser.add_argument("-l", type=int, default=8, help="login time-out in seconds")
    parser.add_argument("-h", default="", help="-1 for no headers")
    parser.add_argument("-C", action="store_true", help="trust the server's certificate")
    parser.add_argument("-N", nargs="?", const="m", help="encrypt")
    parser.add_argument("-b", action="store_true", help="end with 1 at the first error")
    parser.add_argument("-W", action="store_true", help="no trailing spaces (as always here)")
    parser.add_argument("-V", help="accepted, without effect")
    parser.add_argument("--encrypt-by-default", action="store_true", help=argparse.SUPPRESS)
    return parser


def _run(connection: pyodbc.Connection, batch: str, *, header: bool) -> None:
    cursor = connection.cursor()
    cursor.execute(batch)
    while True:
        if cursor.description:
            rows = cursor.fetchall()
            if header:
                names = [str(column[0]) for column in cursor.description]
                sys.stdout.write(" ".join(names) + "\n" + " ".join("-" * max(1, len(name)) for name in names) + "\n")
            for row in rows:
                sys.stdout.write(" ".join("NULL" if value is None else str(value) for value in row) + "\n")
            sys.stdout.write(f"\n({len(rows)} rows affected)\n")
        if not cursor.nextset():
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
