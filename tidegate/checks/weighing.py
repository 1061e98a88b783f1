"""What an organisation really calls weighs more than what nobody calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from tidegate.checks.finding import Finding, Severity
from tidegate.observation.places import family_of

_HEAVIER: Final = {Severity.INFO: Severity.DEGRADED, Severity.DEGRADED: Severity.BREAKING}

#: Where the name of a place ends in the place of a finding: `projects/Projects-1: Name`, `feeds/* (7 of them: …)`.
_END: Final = re.compile(r": | \(| in | as ")


def weigh(findings: Iterable[Finding], calls: Mapping[str, int]) -> list[Finding]:
    """The findings, one degree more severe and with the number of calls where recorded traffic asks for their place.

    ``calls`` counts the recorded calls by place. A finding about a whole family counts the calls to all of it.
    """
    families: dict[str, int] = {}
    for place, times in calls.items():
        families[family_of(place)] = families.get(family_of(place), 0) + times
    return [_weighed(finding, calls, families) for finding in findings]


def _weighed(finding: Finding, calls: Mapping[str, int], families: Mapping[str, int]) -> Finding:
    place = _END.split(finding.place, maxsplit=1)[0].rstrip(":")
    times = calls.get(place) or families.get(place, 0)
    if not times or finding.kind != "upgrade":
        return finding
    return finding.model_copy(
        update={
            "severity": _HEAVIER.get(finding.severity, finding.severity),
            "consequence": f"{finding.consequence}; recorded traffic calls this {times} times",
        }
    )
