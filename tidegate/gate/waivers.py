"""Waivers: findings that a named person accepts until a date, in a TOML file that is reviewed like code.

::

    [[waiver]]
    check = "DIFF"
    place = "Projects-12/Logo"       # * stands for any text
    reason = "the logo is replaced next week anyway"
    owner = "Ada Lovelace"
    link = "https://tracker.example.com/CHG-17"
    expires = 2026-12-31
    at_most = 10                     # findings it may cover; the default
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tidegate.checks.finding import Finding
from tidegate.errors import SettingsError

#: A place must name at least this many letters or digits besides its wildcards.
_NARROWEST: Final = 4


def _narrow_enough(place: str) -> str:
    if len(re.sub(r"[^A-Za-z0-9]", "", place.replace("*", ""))) < _NARROWEST:
        raise ValueError(f"the pattern {place!r} is too broad: it would accept findings nobody has looked at")
    return place


def _web_address(link: str) -> str:
    if not re.match(r"https?://\S+\.\S+|https?://localhost\S*", link):
        raise ValueError("write the web address where the acceptance can be read")
    return link


_Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Waiver(BaseModel):
    """One accepted kind of finding. It never covers a check that could not run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]+$")]
    place: Annotated[str, AfterValidator(_narrow_enough)]
    reason: _Said
    owner: _Said
    link: Annotated[str, AfterValidator(_web_address)]
    expires: date
    at_most: int = Field(default=10, ge=1)

    def covers(self, finding: Finding) -> bool:
        if finding.kind == "incomplete" or finding.check != self.check:
            return False
        return self._pattern.fullmatch(finding.place) is not None

    def expired(self, on: date) -> bool:
        """Whether it no longer counts; its last day still does."""
        return on > self.expires

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(".*".join(re.escape(part) for part in self.place.split("*")), re.DOTALL)

    def sentence(self) -> str:
        return f"{self.check} at {self.place}: {self.owner} accepts until {self.expires}: {self.reason} ({self.link})"


@dataclass(frozen=True, slots=True)
class Waived:
    """A finding and the waiver that covers it."""

    finding: Finding
    waiver: Waiver


@dataclass(frozen=True, slots=True)
class Sorted:
    """Findings after the waivers were applied to them."""

    open: tuple[Finding, ...]
    waived: tuple[Waived, ...]
    expired: tuple[Waiver, ...]  # would cover a finding, but no longer count
    unused: tuple[Waiver, ...]
    too_broad: tuple[Waiver, ...] = ()  # cover more findings than they may, and therefore none


def apply(waivers: Sequence[Waiver], findings: Iterable[Finding], on: date) -> Sorted:
    """Which findings stay open on that day, which are accepted, and which waivers say nothing any more."""
    found = tuple(findings)
    uses = [sum(waiver.covers(finding) for finding in found) for waiver in waivers]
    counting = [
        waiver for waiver, used in zip(waivers, uses, strict=True) if used <= waiver.at_most and not waiver.expired(on)
    ]
    still_open: list[Finding] = []
    waived: list[Waived] = []
    for finding in found:
        valid = [waiver for waiver in counting if waiver.covers(finding)]
        if valid:
            waived.append(Waived(finding, valid[0]))
        else:
            still_open.append(finding)
    return Sorted(
        open=tuple(still_open),
        waived=tuple(waived),
        expired=tuple(waiver for waiver, used in zip(waivers, uses, strict=True) if used and waiver.expired(on)),
        unused=tuple(waiver for waiver, used in zip(waivers, uses, strict=True) if not used),
        too_broad=tuple(waiver for waiver, used in zip(waivers, uses, strict=True) if used > waiver.at_most),
    )


def load(file: Path) -> tuple[Waiver, ...]:
    """The waivers of a file. Raises :class:`SettingsError` with every problem found."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError("the waiver file does not exist", where=str(file)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the waiver file cannot be read: {error}", where=str(file)) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"the waiver file is not valid TOML: {error}", where=str(file)) from None
    problems = [f"{key}: only [[waiver]] tables belong here" for key in document if key != "waiver"]
    rows: Any = document.get("waiver", [])
    if not isinstance(rows, list):
        rows = []
        problems.append("waiver: write [[waiver]], with two brackets, for each")
    waivers: list[Waiver] = []
    for number, row in enumerate(cast("list[Any]", rows), start=1):
        try:
            waivers.append(Waiver.model_validate(row))
        except ValidationError as error:
            problems.extend(
                f"waiver {number}, {'.'.join(map(str, detail['loc'])) or 'all of it'}: "
                + detail["msg"].removeprefix("Value error, ")
                for detail in error.errors(include_url=False, include_input=False)
            )
    if problems:
        raise SettingsError(
            "the waivers are not usable:\n" + "\n".join(f"  - {problem}" for problem in problems),
            where=str(file),
            next_step="each waiver has check, place, reason, owner, link and expires",
        )
    return tuple(waivers)
