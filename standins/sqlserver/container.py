"""``python -m standins.sqlserver.container``: what the image's ``/opt/mssql/bin/sqlservr`` does.

The contract is that of `mcr.microsoft.com/mssql/server`: everything by environment variables, port 1433, data below
`/var/opt/mssql` (Microsoft: "Configure SQL Server settings with environment variables on Linux").
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from standins.sqlserver import command

#: Microsoft: "at least eight characters", of three of four kinds.
_KINDS: Final = (r"[A-Z]", r"[a-z]", r"[0-9]", r"[^A-Za-z0-9]")


def main(environment: Mapping[str, str], root: Path = Path("/var/opt/mssql")) -> int:
    """Serve until SIGTERM; 1 for what the environment lacks."""
    complaint = refusal(environment)
    if complaint:
        sys.stderr.write(complaint + "\n")
        return 1
    os.environ[command.PASSWORD_VARIABLE] = password(environment)
    return command.main(
        [
            *("--data", str(root / "data")),
            *("--host", "0.0.0.0"),  # noqa: S104 -- in a container, what reaches it is the network's decision
            *("--port", environment.get("MSSQL_TCP_PORT", "1433")),
            *("--product-version", environment.get("SQLSERVER_STANDIN_VERSION", "2019")),
        ]
    )


def password(environment: Mapping[str, str]) -> str:
    """``MSSQL_SA_PASSWORD``, or its old name."""
    return environment.get(command.PASSWORD_VARIABLE) or environment.get("SA_PASSWORD", "")


def refusal(environment: Mapping[str, str]) -> str:
    """Why SQL Server does not start with this environment; empty when it does."""
    if environment.get("ACCEPT_EULA", "").upper() not in {"Y", "YES", "1", "TRUE"}:
        return (
            "The SQL Server End-User License Agreement (EULA) must be accepted before SQL Server can start.\n"
            "Set the environment variable ACCEPT_EULA to 'Y'. (This is a stand-in, with the same switch.)"
        )
    text = password(environment)
    if len(text) < 8 or sum(re.search(kind, text) is not None for kind in _KINDS) < 3:
        return (
            "ERROR: Unable to set system administrator password: Password validation failed. The password does not "
            "meet SQL Server password policy requirements because it is too short or not complex enough."
        )
    return ""


if __name__ == "__main__":
    sys.exit(main(os.environ))
