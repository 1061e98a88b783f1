"""Turning differences into findings: the same one told once, the same one everywhere told together."""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

from tidegate.checks.finding import Finding, Severity

#: From this many places on, one finding tells of all of them.
TOGETHER: Final = 6

#: Places that a finding about many of them names.
EXAMPLES: Final = 3

#: Characters of a value that a finding shows.
LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Difference:
    """One unexplained difference. ``path`` is general (`Steps[].Name`), ``where`` exact; "" for a whole resource."""

    place: str
    family: str
    kind: str
    path: str = ""
    where: str = ""
    before: Any = None
    after: Any = None
    user: str = ""
    seen_in: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    check: str
    severity: Severity
    consequence: str
    kinds: frozenset[str]
    families: tuple[re.Pattern[str], ...]
    paths: tuple[re.Pattern[str], ...]
    shared: bool

    def fits(self, difference: Difference, *, shared: bool) -> bool:
        return (
            (not self.kinds or difference.kind in self.kinds)
            and (not self.families or any(family.fullmatch(difference.family) for family in self.families))
            and (not self.paths or any(path.fullmatch(difference.path) for path in self.paths))
            and (shared or not self.shared)
        )


@dataclass(slots=True)
class Findings:
    """Collects differences and grades them at the end; what several users or lists show alike is told once."""

    kind: Literal["upgrade", "clone"] = "upgrade"
    administrator: str = ""
    sizes: dict[str, int] = field(default_factory=dict[str, int])
    _seen: dict[tuple[str, str, str, str, str], Difference] = field(
        default_factory=dict[tuple[str, str, str, str, str], Difference]
    )
    _lists: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))
    _ready: list[Finding] = field(default_factory=list[Finding])

    def add(self, difference: Difference) -> None:
        key = (
            difference.place, difference.kind, difference.where, _text(difference.before), _text(difference.after),
        )  # fmt: skip
        known = self._seen.get(key)
        # The administrator's view is the one told; what others see besides is told with their name.
        if known is None or (known.user != self.administrator and difference.user == self.administrator):
            self._seen[key] = difference
        if difference.seen_in:
            self._lists[difference.place].add(difference.seen_in)

    def add_finding(self, finding: Finding) -> None:
        self._ready.append(finding)

    def graded(self) -> list[Finding]:
        """The findings, the most severe first, then by check and place."""
        groups: defaultdict[tuple[str, str, str, str], list[Difference]] = defaultdict(list)
        for difference in self._seen.values():
            groups[(difference.family, difference.kind, difference.path, difference.user)].append(difference)
        findings = list(self._ready)
        for group in groups.values():
            findings.extend(self._tell(group))
        order = list(Severity)
        return sorted(findings, key=lambda finding: (order.index(finding.severity), finding.check, finding.place))

    def _tell(self, group: Sequence[Difference]) -> Iterable[Finding]:
        first = group[0]
        places = sorted({difference.place for difference in group})
        shared = _is_field(first.path) and len(places) >= self.sizes.get(first.family, len(places))
        rule = next(rule for rule in grading_rules() if rule.fits(first, shared=shared))
        if len(places) < TOGETHER and not rule.shared:
            for difference in group:
                yield self._finding(rule, difference, self._name(difference))
            return
        examples = ", ".join(places[:EXAMPLES]) + ("" if len(places) <= EXAMPLES else ", …")
        name = f"{first.family}{_suffix(first.path)} ({len(places)} of them: {examples})"
        yield self._finding(rule, first, name)

    def _name(self, difference: Difference) -> str:
        lists = self._lists.get(difference.place, set())
        seen = f" in {', '.join(sorted(lists))}" if difference.seen_in and lists else ""
        user = f" as {difference.user}" if difference.user not in ("", self.administrator) else ""
        return f"{difference.place or '/api'}{_suffix(difference.where)}{seen}{user}"

    def _finding(self, rule: _Rule, difference: Difference, place: str) -> Finding:
        return Finding(
            check=rule.check if self.kind == "upgrade" else "CLONE",
            severity=rule.severity,
            place=place,
            before=_shortened(difference.before),
            after=_shortened(difference.after),
            consequence=rule.consequence,
            kind=self.kind,
        )


@cache
def grading_rules() -> tuple[_Rule, ...]:
    """The rules of `knowledge/grading.toml`, in order."""
    text = resources.files("tidegate.knowledge").joinpath("grading.toml").read_text(encoding="utf-8")
    return tuple(
        _Rule(
            check=row["check"],
            severity=Severity(row["severity"]),
            consequence=row["consequence"],
            kinds=frozenset(row.get("kinds", ())),
            families=tuple(map(_pattern, row.get("family", ()))),
            paths=tuple(map(_pattern, row.get("path", ()))),
            shared=bool(row.get("shared", False)),
        )
        for row in tomllib.loads(text)["rule"]
    )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("**")))


def _is_field(path: str) -> bool:
    """Whether a path names a property of the resource's type, not an entry of a list or of a dictionary of settings."""
    return not path.endswith(("[]", "{}")) and "Properties." not in path


def _suffix(where: str) -> str:
    return f": {where}" if where else ""


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _shortened(value: Any) -> Any:
    text = value if isinstance(value, str) else _text(value)
    return value if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
