"""Whether the page in a run folder is the one that its evidence gives: people believe what they see there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tidegate.gate.integrity import Damage
from tidegate.gate.judged_again import Examined
from tidegate.reporting.allure_report import REPORT
from tidegate.reporting.board.material import Material
from tidegate.reporting.board.page import change_board
from tidegate.reporting.decisions import decisions_about
from tidegate.reporting.documents import HTML, PDF


def page_damage(folder: Path, found: Examined) -> tuple[Damage, ...]:
    """What is wrong with the page; nothing for a page that is not there, or that another Tidegate drew."""
    page = folder / HTML
    if found.verdict is None or not found.same_rules or not page.is_file():
        return ()
    there = page.read_bytes()
    try:
        if any(there == one.encode() for one in _pages(folder, found)):
            return ()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return (Damage(HTML, f"cannot be drawn from this evidence: {type(error).__name__}: {error}"),)
    return (Damage(HTML, "is not the page of this evidence; make it again: tidegate report"),)


def not_compared(folder: Path, found: Examined) -> list[str]:
    """What is there and cannot be told from the evidence: layouts depend on fonts and programs of the machine."""
    names = [PDF, REPORT, "instances", "backup-set"]
    if not found.same_rules:
        names.insert(0, HTML)
    return [name for name in names if (folder / name).exists()]


def _pages(folder: Path, found: Examined) -> Iterator[str]:
    """The page as it is drawn now, and as the run itself drew it, before anybody signed or made Allure's report."""
    assert found.verdict is not None
    decided = decisions_about(folder, found.verdict)
    for decisions in dict.fromkeys([decided, ()]):
        for allure in (f"{REPORT}/index.html", ""):
            yield change_board(Material(found.verdict, found.entries, decisions, allure))
