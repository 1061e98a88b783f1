"""Which schema scripts and views belong to a version."""

from __future__ import annotations

import functools
import importlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from standins.octopus.contract import Version

if TYPE_CHECKING:
    from standins.octopus.schema.context import ScriptContext

_FOLDER: Final = Path(__file__).parent
_ALWAYS: Final = Version(0, 0, 0)
_NEVER: Final = Version(9999, 0, 0)


@dataclass(frozen=True, slots=True)
class Script:
    """One step of the schema: a T-SQL file, a Python module with ``run(context)``, or permissions to grant."""

    name: str
    sql: str = ""
    python: str = ""
    grants: tuple[str, ...] = ()
    since: Version = _ALWAYS

    def run(self, context: ScriptContext) -> None:
        if self.sql:
            context.database.script((_FOLDER / "scripts" / self.sql).read_text(encoding="utf-8"))
        elif self.grants:
            from standins.octopus.schema.new_permissions import grant_new  # noqa: PLC0415 - it imports the context

            grant_new(context, self.since, self.grants)
        else:
            importlib.import_module(f"standins.octopus.schema.scripts.{self.python}").run(context)


@dataclass(frozen=True, slots=True)
class View:
    name: str
    sql: str
    since: Version = _ALWAYS
    until: Version = _NEVER
    all_of: str = ""  # a kind whose every column it selects, so that it falls behind when one is added

    def text(self) -> str:
        return (_FOLDER / "post" / self.sql).read_text(encoding="utf-8")


@functools.cache
def _file() -> Mapping[str, Any]:
    return tomllib.loads((_FOLDER / "scripts.toml").read_text(encoding="utf-8"))


@functools.cache
def scripts_of(version: Version) -> Sequence[Script]:
    """Every script up to the version, in order."""
    scripts = (
        Script(
            row["name"],
            row.get("sql", ""),
            row.get("python", ""),
            tuple(row.get("grants", ())),
            Version.parse(row.get("since", "0.0.0")),
        )
        for row in _file()["scripts"]
    )
    return tuple(script for script in scripts if script.since <= version)


@functools.cache
def views_of(version: Version) -> Sequence[View]:
    views = (
        View(
            row["name"],
            row["sql"],
            Version.parse(row.get("since", "0.0.0")),
            Version.parse(row.get("until", "9999.0.0")),
            row.get("all_of", ""),
        )
        for row in _file()["views"]
    )
    return tuple(view for view in views if view.since <= version < view.until)
