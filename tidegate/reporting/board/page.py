"""The page: its sections in the order in which they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from tidegate.reporting.board import coverage, judgement, practice, proof
from tidegate.reporting.board.html import document
from tidegate.reporting.board.material import Material

Section: TypeAlias = Callable[[Material], str]


def change_board(material: Material) -> str:
    """The page. The same material gives the same text."""
    verdict = material.verdict
    parts = [
        judgement.heading(material),
        judgement.why_not(material),
        judgement.findings(material),
        judgement.accepted(material),
        _columns(
            [practice.instance, coverage.verified, practice.risks, proof.approvers],
            [practice.outage, practice.rollback, coverage.not_verified],
            material,
        ),
        proof.evidence(material),
    ]
    title = f"Upgrade of Octopus Server {verdict.from_version} to {verdict.to_version}: {verdict.outcome}"
    by = f"Run {verdict.run}, decided {verdict.decided:%Y-%m-%d %H:%M} UTC by Tidegate {verdict.tidegate}."
    body = "\n".join(part for part in parts if part)
    return document(title, body, by)


def _columns(left: Sequence[Section], right: Sequence[Section], material: Material) -> str:
    """Two columns that do not wait for each other."""
    sides = ("".join(section(material) for section in side) for side in (left, right))
    return f'<div class="columns">{"".join(f"<div>{side}</div>" for side in sides)}</div>'
