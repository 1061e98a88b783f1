"""node-mssql (tedious): the only client here that shares no code with an ODBC driver or FreeTDS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.wire.sqlserver.drivers import Address

FOLDER = Path(__file__).parent / "node"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(
    not (FOLDER / "node_modules" / "mssql").exists(), reason=f"run 'npm install' in {FOLDER.name}/ first"
)
def test_node_mssql(sql_server: Address, database: str) -> None:
    result = subprocess.run(
        ["node", "smoke.js", sql_server.host, str(sql_server.port), database],
        cwd=FOLDER,
        env={**os.environ, "MSSQL_SA_PASSWORD": sql_server.password},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout.splitlines()[-1])
    # LEN of nvarchar(max) is a bigint, which JavaScript gets as text
    lengths = sum(len(("long " * (i % 7)).rstrip()) for i in range(2000))
    assert seen == {
        "one": 1,
        "inserted": [1],
        "prepared": "Ж😀",
        "rows": 2,
        "error": 8134,
        "cancelled": "ECANCEL",
        "cancelledInTime": True,
        "bulk": 2000,
        "bulkRows": {"n": 2000, "names": 1800, "length": str(lengths)},
    }
