"""The page as HTML, complete in itself: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from importlib import resources
from typing import Final, TypeAlias

from tidegate.reporting.board import coverage, judgement, practice, proof
from tidegate.reporting.board.material import Material

Section: TypeAlias = Callable[[Material], str]

_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
{css}</style></head>
<body><main>
{body}
</main><footer>{by}</footer></body></html>
"""


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
    css = resources.files("tidegate.reporting.board").joinpath("page.css").read_text(encoding="utf-8")
    title = f"Upgrade of Octopus Server {verdict.from_version} to {verdict.to_version}: {verdict.outcome}"
    by = f"Run {verdict.run}, decided {verdict.decided:%Y-%m-%d %H:%M} UTC by Tidegate {verdict.tidegate}."
    body = "\n".join(part for part in parts if part)
    return _PAGE.format(title=escape(title), css=css, body=body, by=escape(by))


def _columns(left: Sequence[Section], right: Sequence[Section], material: Material) -> str:
    """Two columns that do not wait for each other."""
    sides = ("".join(section(material) for section in side) for side in (left, right))
    return f'<div class="columns">{"".join(f"<div>{side}</div>" for side in sides)}</div>'
