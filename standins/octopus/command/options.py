"""Options of a command: ``--name=value``, ``--name value`` for options that take one, ``--flag``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from standins.octopus.command.failures import ControlledFailure

#: Taken by every command. ``--nologo`` and ``--noconsolelogging`` are deprecated and still accepted.
COMMON_FLAGS = frozenset({"console", "noconsolelogging", "nologo", "noninteractive", "help"})
COMMON_VALUES = frozenset({"instance", "config"})


@dataclass(frozen=True, slots=True)
class Options:
    """``values`` keeps the last value of each option by its lower-case name; flags are in ``flags``."""

    values: Mapping[str, str] = field(repr=False)  # may hold a connection string or a master key
    flags: frozenset[str] = frozenset()

    def get(self, name: str) -> str | None:
        return self.values.get(name.lower())

    def has(self, name: str) -> bool:
        return name.lower() in self.flags or name.lower() in self.values

    def switch(self, name: str) -> bool | None:
        """An option that is ``true`` or ``false``; None when it was not given."""
        value = self.get(name)
        if value is None:
            return True if name.lower() in self.flags else None
        if value.lower() not in ("true", "false"):
            raise ControlledFailure(f"The value '{value}' of --{name} is neither true nor false")
        return value.lower() == "true"


def parse_options(arguments: Sequence[str], values: Sequence[str], flags: Sequence[str]) -> Options:
    """Names are case-insensitive. An option that is in both lists may be given with or without a value."""
    known_values = {name.lower() for name in values} | COMMON_VALUES
    known_flags = {name.lower() for name in flags} | COMMON_FLAGS
    found: dict[str, str] = {}
    given: set[str] = set()
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("-"):
            raise ControlledFailure(f"Unrecognized command line argument: {argument}")
        name, equals, value = argument.lstrip("-").partition("=")
        name = name.lower()
        if name in known_values and equals:
            found[name] = value
        elif name in known_flags and not equals:
            given.add(name)
        elif name in known_values and rest and not rest[0].startswith("--"):
            found[name] = rest.pop(0)
        elif name in known_values:
            raise ControlledFailure(f"Missing required value for option '--{name}'")
        else:
            raise ControlledFailure(f"Unrecognized command line argument: --{name}")
    return Options(found, frozenset(given))
