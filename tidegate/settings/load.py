"""Settings from a file, the environment and the command line, in rising order of precedence."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tidegate.errors import SettingsError
from tidegate.settings.model import Settings

#: `TIDEGATE_UPGRADE__TARGET=2021.1.7500` sets `[upgrade] target`.
ENVIRONMENT_PREFIX: Final = "TIDEGATE_"

#: Names the settings file; not a setting itself.
FILE_VARIABLE: Final = "TIDEGATE_SETTINGS"


def load(
    file: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of a run.

    ``file`` falls back to ``TIDEGATE_SETTINGS``; with neither, the defaults of the embedded run apply. ``overrides``
    are dotted names (``upgrade.target``) as given on the command line. Raises :class:`SettingsError` with every
    problem found.
    """
    environment = os.environ if environment is None else environment
    if file is None and environment.get(FILE_VARIABLE):
        file = Path(environment[FILE_VARIABLE])
    values: dict[str, Any] = _read(file) if file is not None else {}
    for name, value in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name:
            _put(values, name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"), value)
    for name, value in (overrides or {}).items():
        _put(values, name.split("."), value)
    if file is not None:
        _resolve_paths(values, file.resolve().parent)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors(include_url=False, include_input=False)]
        raise SettingsError(
            "the settings are not usable:\n" + "\n".join(f"  - {problem}" for problem in problems),
            where=str(file) if file else "environment and command line",
            next_step="docs/settings.md lists every setting",
        ) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(
            "the settings file does not exist",
            where=str(file),
            next_step="name an existing file, or none at all for the embedded run",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the settings file cannot be read: {error}", where=str(file)) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"the settings file is not valid TOML: {error}", where=str(file)) from None


def _put(values: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        child = values.setdefault(part, {})
        if not isinstance(child, dict):
            raise SettingsError(f"{'.'.join(path)} cannot be set: {part} is a value, not a section")
        values = cast("dict[str, Any]", child)
    values[path[-1]] = value


#: Settings that are paths on this machine; relative ones in a file are meant relative to that file.
_PATHS: Final = (
    ("main", "folders", "packages"),
    ("main", "folders", "artifacts"),
    ("main", "folders", "task_logs"),
    ("main", "folders", "imports"),
    ("main", "folders", "event_exports"),
    ("main", "backup_folder", "here"),
    ("main", "host", "folder"),
    ("main", "host", "identity_file"),
    ("main", "host", "known_hosts"),
    ("main", "host", "ssh_config"),
    *(("main", "host", "other_nodes", name) for name in ("folder", "identity_file", "known_hosts", "ssh_config")),
    ("host", "identity_file"),
    ("host", "known_hosts"),
    ("host", "ssh_config"),
    ("host", "server_folders", "here"),
    ("host", "sql_server", "backups", "here"),
    ("integrations", "traffic"),
    ("containers", "backups"),
    ("policy", "waivers"),
    ("reports", "folder"),
)


def _resolve_paths(values: dict[str, Any], base: Path) -> None:
    for *sections, name in _PATHS:
        owners: list[Any] = [values]
        for part in sections:
            found = [cast("dict[str, Any]", one).get(part) for one in owners if isinstance(one, dict)]
            owners = [one for some in found for one in (cast("list[Any]", some) if isinstance(some, list) else [some])]
        for one in owners:
            if isinstance(one, dict):
                _resolve(cast("dict[str, Any]", one), name, base)


def _resolve(owner: dict[str, Any], name: str, base: Path) -> None:
    named = owner.get(name)
    if isinstance(named, str) and named:
        owner[name] = str(base / named)
    elif isinstance(named, list):
        several = cast("list[Any]", named)
        owner[name] = [str(base / one) if isinstance(one, str) and one else one for one in several]


def _problem(detail: ErrorDetails) -> str:
    location, known = _walk(detail["loc"])
    place = ".".join(location)
    match detail["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(location[-1], known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
            return f"{place}: there is no such setting{hint}"
        case "missing":
            return f"{place}: is missing"
        case _:
            return f"{place or 'settings'}: {detail['msg'].removeprefix('Value error, ')}"


def _walk(location: tuple[int | str, ...]) -> tuple[list[str], list[str]]:
    """The location as the user wrote it, and what could stand at its end. Where a section may be one of several,
    pydantic tells in between which of them it took."""
    here: type[BaseModel] = Settings
    below: Mapping[str, type[BaseModel]] = {}
    written: list[str] = []
    for part in map(str, location):
        if part in below and len(below) > 1:
            below = {part: below[part]}
            continue
        here = next(iter(below.values()), here)
        written.append(part)
        field = here.model_fields.get(part)
        below = _sections(field.annotation) if field else {}
    return written, sorted(here.model_fields)


def _sections(annotation: Any) -> dict[str, type[BaseModel]]:
    """The sections that an annotation allows, by the provider each is for."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        provider = annotation.model_fields.get("provider")
        named: tuple[Any, ...] = getattr(provider.annotation, "__args__", ()) if provider else ()
        return {str(named[0]) if named else annotation.__name__: annotation}
    found: dict[str, type[BaseModel]] = {}
    parts: tuple[Any, ...] = getattr(cast("Any", annotation), "__args__", ())
    for one in parts:
        found |= _sections(one)
    return found
