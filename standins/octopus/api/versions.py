"""Which versions a row of a data table is for."""

from __future__ import annotations

from functools import lru_cache

from standins.octopus.contract import Version


@lru_cache(maxsize=1024)
def version_of(text: str) -> Version:
    """``2019.1`` means its first build, ``2019.1.0``."""
    return Version.parse(text + ".0" * (2 - text.count(".")))


def in_force(version: Version, since: str, until: str) -> bool:
    """``since`` is inclusive, ``until`` exclusive; an empty bound is open."""
    return (not since or version >= version_of(since)) and (not until or version < version_of(until))


#: Spaces, scoped user roles and the split of permissions came with this version (API notes, 2019.1 breaking changes).
SPACES = version_of("2019.1")


def has_spaces(version: Version) -> bool:
    return version >= SPACES
