"""The change-board page: complete, escaped, the same bytes every time, and quick for large runs."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.unit.gate.ledgers import SCENARIOS, Event, entries, finished, found, good_run, recorded, scenario, started
from tidegate.gate.verdict import recompute
from tidegate.reporting.bars import Bar, bars
from tidegate.reporting.change_board import change_board

WAIVER = {
    "check": "DIFF",
    "place": "Projects-1/*",
    "reason": "renamed on purpose",
    "owner": "Ada Lovelace",
    "link": "https://tracker.example.com/1",
    "expires": "2999-01-01",
}


def _page(folder: Path, events: list[Event]) -> str:
    ledger = entries(folder, events)
    return change_board(recompute(ledger), ledger)


def test_says_in_words_whether_the_main_instance_may_follow(tmp_path: Path) -> None:
    page = _page(tmp_path, good_run())

    assert "APPROVED: 3 of 3 required scenarios passed<small>The main instance may follow.</small>" in page
    assert "<h2>Findings</h2><p>None.</p>" in page
    assert "https://octopus.example.com" in page


def test_tells_findings_with_their_consequences(tmp_path: Path) -> None:
    page = _page(tmp_path, [*good_run()[:-1], found(), finished()])

    assert "REJECTED" in page
    assert "<td>nobody finds the project</td>" in page


def test_tells_who_accepted_what(tmp_path: Path) -> None:
    page = _page(tmp_path, [started(waivers=[WAIVER]), *good_run()[1:-1], found(), finished()])

    assert "Ada Lovelace, until 2999-01-01: renamed on purpose" in page


def test_tells_what_was_not_verified(tmp_path: Path) -> None:
    run = [started(selection="only one"), scenario(SCENARIOS[0])]
    run.append(recorded("check", check="FEED", uncovered=["the feed at example.com"]))
    run.append(recorded("snapshot", samples=["events: 40 of 9000 (history)"]))
    page = _page(tmp_path, [*run, finished()])

    assert "2 required scenarios were not part of this run" in page
    assert "FEED: the feed at example.com" in page
    assert "seen in part only: events: 40 of 9000 (history)" in page


def test_shows_the_predicted_outage(tmp_path: Path) -> None:
    timings = {"stopping the server": 1.0, "upgrading the database": 59.4}
    run = [*good_run()[:-1], recorded("upgrade", timings=timings), finished()]
    page = _page(tmp_path, run)

    assert "took 60 s in the rehearsal" in page
    assert "upgrading the database: 59.4 seconds" in page


def test_escapes_what_comes_from_the_instance(tmp_path: Path) -> None:
    nasty = "<script>alert('x')</script>&"
    page = _page(tmp_path, [*good_run()[:-1], found(place=nasty, consequence=nasty, before=nasty), finished()])

    assert "<script" not in page
    assert "&lt;script&gt;" in page


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "rect"}:
            self.open.append(tag)
        self.wrong += [f"{name}={value}" for name, value in attrs if name in {"src", "href", "onclick"}]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")


def test_is_well_formed_and_complete_in_itself(tmp_path: Path) -> None:
    outline = _Outline()
    outline.feed(_page(tmp_path, [*good_run()[:-1], found(), finished()]))

    assert (outline.open, outline.wrong) == ([], [])


def test_the_same_evidence_gives_the_same_bytes(tmp_path: Path) -> None:
    ledger = entries(tmp_path, good_run())

    assert change_board(recompute(ledger), ledger) == change_board(recompute(ledger), ledger)


def test_a_large_run_is_rendered_in_seconds(tmp_path: Path) -> None:
    names = [f"features/{number // 100}.feature: {number}" for number in range(1000)]
    ledger = list(entries(tmp_path / "small", [started(required=names), found(), finished()]))
    [finding] = [entry for entry in ledger if entry.kind == "finding"]
    [template] = entries(tmp_path / "scenario", [scenario("x")])
    many = [replace(template, details={**template.details, "id": name}) for name in names]
    places = [replace(finding, details={**finding.details, "place": f"Projects-{number}"}) for number in range(5000)]
    began = time.monotonic()
    page = change_board(recompute([ledger[0], *many, *places, ledger[-1]]), ledger)

    assert time.monotonic() - began < 10
    assert "and 4960 more, all in verdict.json" in page


@pytest.mark.parametrize("data", [[], [Bar("a", 0.0)], [Bar("a & b", 1.25), Bar("c", 100)]])
def test_bars_fit_their_drawing(data: list[Bar]) -> None:
    drawn = bars(data)
    ends = [float(x) + float(w) for x, w in re.findall(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', drawn)]

    assert len(ends) == len(data)
    assert all(end <= 600 for end in ends)
