"""Version ranges as the knowledge files write them: `>=2020.2.0,<=2020.2.17`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tidegate.versions.version import Version

_OPERATORS: Final[dict[str, Callable[[Version, Version], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_COMPARISON: Final = re.compile(r"(<=|>=|==|<|>)\s*(\S+)")


@dataclass(frozen=True, slots=True)
class VersionRange:
    """A conjunction of comparisons; the empty text holds every version."""

    text: str

    def __contains__(self, version: Version) -> bool:
        return all(_OPERATORS[symbol](version, bound) for symbol, bound in self._comparisons())

    def _comparisons(self) -> list[tuple[str, Version]]:
        comparisons: list[tuple[str, Version]] = []
        for part in filter(None, (part.strip() for part in self.text.split(","))):
            match = _COMPARISON.fullmatch(part)
            if match is None:
                raise ValueError(f"{part!r} is not a comparison of versions")
            comparisons.append((match[1], Version.parse(match[2])))
        return comparisons
