"""Who decided, and how anybody can check what the page says."""

from __future__ import annotations

from tidegate.reporting.board.html import Markup, code, joined, paragraph, section, table
from tidegate.reporting.board.material import Material


def approvers(material: Material) -> Markup:
    """The people who decided on this evidence, with what they said."""
    rows = [(one.name, one.decision, one.comment or "–", one.time) for one in material.decisions]
    if rows:
        return section("Approvers", table(("Name", "Decision", "Comment", "Signed"), rows, "decisions"))
    nobody = joined("Nobody has signed yet. ", code("tidegate approval sign"), " records a decision.")
    return section("Approvers", paragraph(nobody))


def evidence(material: Material) -> Markup:
    """Digests, and the command that recomputes them."""
    verdict = material.verdict
    told = joined(
        f"{verdict.evidence_entries} entries; the last has digest ",
        code(verdict.evidence_sha256),
        ". ",
        code("tidegate evidence verify FOLDER"),
        " recomputes all of it, on any machine.",
    )
    rows = [(str(one["name"]), code(str(one["sha256"]))) for one in material.all("attachment")]
    return section("Evidence", paragraph(told), table(("Attachment", "SHA-256"), rows, "digests") or Markup(""))
