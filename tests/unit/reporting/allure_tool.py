"""Programs that play Allure's command line, and the real one where it is."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Final

#: Keeps what it was told, and makes a page.
_GENERATES: Final = """\
#!{python}
import json, pathlib, sys
if sys.argv[1:] == ["--version"]:
    print("{version}")
    sys.exit(0)
here = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
configuration = json.loads(pathlib.Path(arguments[arguments.index("--config") + 1]).read_text())
(here / "told.json").write_text(json.dumps({{"arguments": arguments, "configuration": configuration}}))
with open(configuration["historyPath"], "a") as history:
    history.write(json.dumps({{"name": configuration["name"]}}) + "\\n")
output = pathlib.Path(arguments[arguments.index("--output") + 1])
if {fails}:
    sys.exit("there is no result that can be read")
output.mkdir(parents=True)
(output / "index.html").write_text('<html>a report<script async src="https://example.com/spy.js"></script></html>')
"""


def made_up_allure(folder: Path, version: str = "3.18.0", *, fails: bool = False) -> Path:
    """An executable; what it was told is in `told.json` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "allure"
    file.write_text(_GENERATES.format(python=sys.executable, version=version, fails=fails), encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file
