"""A schema upgrade that stops where a test wants it, so that something can happen to it there.

`OCTOPUS_STANDIN_PAUSE` names the place, `OCTOPUS_STANDIN_PAUSE_FILE` a file: at that place the upgrade writes its
process id into the file and waits until the file is gone. Whoever never removes it has an upgrade that hangs.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from standins.octopus.schema.context import ScriptContext
    from standins.octopus.schema.upgrader import Interference

#: The places: inside a script that has changed something already, between two scripts, after all scripts are committed.
PLACES: Final = ("in a script", "between scripts", "before views")
_POLL: Final = 0.02


def pause_where_wanted(interference: Interference) -> None:
    place = os.environ.get("OCTOPUS_STANDIN_PAUSE", "")
    if not place:
        return
    if place not in PLACES:
        raise ValueError(f"an upgrade can pause at {', '.join(PLACES)}, not at {place!r}")
    wait = _waiter(Path(os.environ["OCTOPUS_STANDIN_PAUSE_FILE"]))
    if place == "before views":
        interference.before_views = wait
    else:
        interference.before_script = _at_second_script(wait, halfway=place == "in a script")


def _waiter(file: Path) -> Callable[[], None]:
    def wait() -> None:
        partial = file.with_suffix(".partial")
        partial.write_text(str(os.getpid()), encoding="ascii")
        partial.rename(file)
        while file.exists():
            time.sleep(_POLL)

    return wait


def _at_second_script(wait: Callable[[], None], *, halfway: bool) -> Callable[[str, ScriptContext], None]:
    begun: list[str] = []

    def before(script: str, context: ScriptContext) -> None:
        begun.append(script)
        if len(begun) != 2:
            return
        if halfway:  # what a script has done when it is caught in the middle: schema and data
            context.database.run("CREATE TABLE dbo.[HalfOfAScript] ([Id] int NOT NULL)")
            context.database.run("DELETE FROM dbo.[Event]")
        wait()

    return before
