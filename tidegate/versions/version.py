"""An Octopus Server version and what kind of change lies between two of them."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import total_ordering
from typing import Any, Final, final

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from tidegate.errors import VersionRefused

_PATTERN: Final = re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,6})", re.ASCII)


@final
@total_ordering
class Version:
    """``YYYY.minor.build``, for example 2021.1.7500; compared by its numbers."""

    __slots__ = ("build", "major", "minor")

    def __init__(self, major: int, minor: int, build: int) -> None:
        self.major = major
        self.minor = minor
        self.build = build

    @classmethod
    def parse(cls, text: str) -> Version:
        """Raises :class:`VersionRefused` unless ``text`` is three numbers as Octopus writes them since 2018."""
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise VersionRefused(
                f"{text!r} is not an Octopus Server version", next_step="write it as 2021.1.7500: year, minor, build"
            )
        return cls(*(int(number) for number in match.groups()))

    @property
    def numbers(self) -> tuple[int, int, int]:
        return (self.major, self.minor, self.build)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.build}"

    def __repr__(self) -> str:
        return f"Version({self})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.numbers == other.numbers

    def __lt__(self, other: Version) -> bool:
        return self.numbers < other.numbers

    def __hash__(self) -> int:
        return hash(self.numbers)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def validate(value: object) -> Version:
            if isinstance(value, Version):
                return value
            try:
                return cls.parse(str(value))
            except VersionRefused as error:
                raise ValueError(error.what) from None

        return core_schema.no_info_plain_validator_function(
            validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )


class ChangeKind(StrEnum):
    """How much a hop may change (Octopus docs, administration/upgrading)."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
    DOWNGRADE = "downgrade"
    NONE = "none"

    @classmethod
    def between(cls, current: Version, target: Version) -> ChangeKind:
        if target == current:
            return cls.NONE
        if target < current:
            return cls.DOWNGRADE
        if target.major != current.major:
            return cls.MAJOR
        return cls.MINOR if target.minor != current.minor else cls.PATCH
