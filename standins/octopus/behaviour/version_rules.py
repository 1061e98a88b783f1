"""Package and release versions: ordering, NuGet ranges, pre-release tags, masks and increments. Pure.

Channel rules: Octopus docs "Channels" (version range in NuGet syntax, tag as a regular expression over the
pre-release part).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import total_ordering

_VERSION = re.compile(
    r"^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.(\d+))?(?:[-_]([0-9A-Za-z.\-_]+))?(?:\+([0-9A-Za-z.\-]+))?$"
)


class InvalidVersion(ValueError):
    """Not a version Octopus could order."""


@total_ordering
@dataclass(frozen=True, slots=True)
class PackageVersion:
    """Up to four numbers, a pre-release part and metadata (semantic versions and .NET versions alike)."""

    text: str
    numbers: tuple[int, int, int, int]
    special: str = ""

    @classmethod
    def parse(cls, text: str) -> PackageVersion:
        match = _VERSION.match(text.strip())
        if not match:
            raise InvalidVersion(text)
        numbers = tuple(int(part or 0) for part in match.groups()[:4])
        return cls(text.strip(), (numbers[0], numbers[1], numbers[2], numbers[3]), match.group(5) or "")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackageVersion) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __lt__(self, other: PackageVersion) -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[tuple[int, int, int, int], bool, tuple[tuple[bool, int, str], ...]]:
        # SemVer 2 §11: numeric identifiers compare as numbers and before words; no pre-release part comes last.
        parts = tuple(
            (not part.isdigit(), int(part) if part.isdigit() else 0, part.lower())
            for part in self.special.split(".")
            if self.special
        )
        return self.numbers, not self.special, parts


def latest(versions: Iterable[str]) -> str | None:
    readable = [version for version in versions if _VERSION.match(version.strip())]
    return max(readable, key=PackageVersion.parse, default=None)


def in_range(version: str, range_text: str) -> bool:
    """NuGet ranges: ``1.0`` (at least), ``[1.0]``, ``[1.0,2.0)``, ``(,2.0]``. Empty text means any."""
    text = range_text.strip()
    if not text:
        return True
    candidate = PackageVersion.parse(version)
    if text[0] not in "[(":
        return candidate >= PackageVersion.parse(text)
    if text[-1] not in "])" or len(text) < 3:
        raise InvalidVersion(range_text)
    low, comma, high = (part.strip() for part in text[1:-1].partition(","))
    if not comma:
        return text[0] == "[" and text[-1] == "]" and candidate == PackageVersion.parse(low)
    if low:
        bound = PackageVersion.parse(low)
        if candidate < bound or (text[0] == "(" and candidate == bound):
            return False
    if high:
        bound = PackageVersion.parse(high)
        if candidate > bound or (text[-1] == ")" and candidate == bound):
            return False
    return True


def has_tag(version: str, tag: str) -> bool:
    """The rule's tag is a regular expression searched in the pre-release part.

    ``^$`` therefore means "no pre-release".
    """
    return not tag or re.search(tag, PackageVersion.parse(version).special) is not None


@dataclass(frozen=True, slots=True)
class RuleTest:
    """The reply of ``channels/rule-test``."""

    range_ok: bool
    tag_ok: bool
    errors: Sequence[str] = ()

    @property
    def satisfied(self) -> bool:
        return self.range_ok and self.tag_ok and not self.errors


def test_rule(version: str, range_text: str, tag: str) -> RuleTest:
    errors: list[str] = []
    range_ok = tag_ok = False
    try:
        range_ok = in_range(version, range_text)
    except InvalidVersion as problem:
        errors.append(f"Invalid version or version range: '{problem}'")
    try:
        tag_ok = not errors and has_tag(version, tag)
    except re.error as problem:
        errors.append(f"Invalid pre-release tag expression: {problem}")
    return RuleTest(range_ok, tag_ok, errors)


def next_version(last: str | None, template: str = "") -> str:
    """The release template's suggestion: the last number of the last release plus one, or the first of the mask.

    ``i`` in a mask stands for "the next number", ``c`` for "the same number as last time" (Octopus docs, "Release
    versioning"). The older spelling is ``#{Octopus.Version.LastMajor}.…NextPatch}``.
    """
    if last is None:
        return "0.0.1"
    try:
        parsed = PackageVersion.parse(last)
    except InvalidVersion:
        return "0.0.1"
    if template:
        return _masked(parsed, template)
    count = last.split("-")[0].split("+")[0].count(".") + 1
    numbers = list(parsed.numbers[:count])
    numbers[-1] += 1
    return ".".join(map(str, numbers))


def _masked(last: PackageVersion, template: str) -> str:
    names = ("Major", "Minor", "Patch", "Revision")
    text = template
    for position, name in enumerate(names):
        number = last.numbers[position]
        text = text.replace(f"#{{Octopus.Version.Last{name}}}", str(number))
        text = text.replace(f"#{{Octopus.Version.Next{name}}}", str(number + 1))
    text = text.replace("#{Octopus.Version.NextBuild}", str(last.numbers[2] + 1)).replace(
        "#{Octopus.Version.LastBuild}", str(last.numbers[2])
    )
    parts = text.split(".")
    for position, part in enumerate(parts[:4]):
        if part in {"i", "c"}:
            parts[position] = str(last.numbers[position] + (part == "i"))
    return ".".join(parts)
