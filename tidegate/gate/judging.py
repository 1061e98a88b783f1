"""What findings mean for one scenario, by the same policy and waivers as for the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from tidegate.checks.finding import Finding
from tidegate.errors import HarnessError
from tidegate.gate.policy import Policy
from tidegate.gate.waivers import Waiver, apply


class FindingsBlock(AssertionError):
    """The upgrade did something that blocks it."""


class NotJudged(HarnessError):
    """A check could not run, or the clone was not faithful: nothing is known."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides on findings as of ``day``."""

    policy: Policy
    waivers: tuple[Waiver, ...]
    day: date

    def require_none(self, findings: Iterable[Finding]) -> None:
        """Nothing that blocks is among the findings, waivers considered.

        Raises :class:`FindingsBlock` when the upgrade is at fault, else :class:`NotJudged` when a check could not run
        or the clone lost something before the upgrade.
        """
        still_open = apply(self.waivers, findings, self.day).open
        blocking = [one for one in still_open if one.kind == "upgrade" and one.severity in self.policy.blocking]
        if blocking:
            raise FindingsBlock(_told(blocking))
        unknown = [one for one in still_open if one.kind == "incomplete"]
        unknown += [one for one in still_open if one.kind == "clone" and one.severity in self.policy.blocking]
        if unknown:
            raise NotJudged(_told(unknown))


def _told(findings: Sequence[Finding]) -> str:
    """A heading and every finding on a line of its own."""
    noun = "finding" if len(findings) == 1 else "findings"
    return "\n".join([f"{len(findings)} {noun}", *(f"  {finding.sentence()}" for finding in findings)])
