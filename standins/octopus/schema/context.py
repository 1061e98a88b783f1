"""What a schema script is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from standins.octopus.contract import Version
from standins.octopus.schema.database import Database


@dataclass(frozen=True, slots=True)
class ScriptContext:
    """``version`` is the one being upgraded to; a script must not depend on it except for naming it in messages."""

    database: Database
    version: Version
    home: Path
    log: Callable[[str], None]
