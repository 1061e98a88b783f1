"""The change-board page: complete, escaped, the same bytes every time, and quick for large runs."""

from __future__ import annotations

import hashlib
import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.ledgers import (
    SCENARIOS,
    Event,
    entries,
    finished,
    found,
    good_run,
    main,
    recorded,
    scenario,
    started,
    subset_run,
)
from tidegate.checks.finding import Severity
from tidegate.gate.verdict import recompute
from tidegate.reporting.board.bars import Bar, bars
from tidegate.reporting.board.material import Decision, Material
from tidegate.reporting.board.page import change_board

WAIVER = {
    "check": "DIFF",
    "place": "Projects-1/*",
    "reason": "renamed on purpose",
    "owner": "Ada Lovelace",
    "link": "https://tracker.example.com/1",
    "expires": "2999-01-01",
}


def _page(folder: Path, events: list[Event], **others: Any) -> str:
    ledger = entries(folder, events)
    return change_board(Material(recompute(ledger), ledger, **others))


def _said(page: str) -> str:
    """What a reader sees, without the marks."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("</style>")[1])))


def test_says_in_words_whether_the_main_instance_may_follow(tmp_path: Path) -> None:
    page = _said(_page(tmp_path, good_run()))

    assert "APPROVED The main instance may follow. 3 of 3 required scenarios passed, no finding is open." in page
    assert "Findings None." in page
    assert "https://octopus.example.com" in page


def test_a_subset_is_told_in_the_verdict_and_what_it_lacks_among_the_unverified(tmp_path: Path) -> None:
    lacks = "20 of 22 projects (Wallet, Basket, …): not in the subset"
    whole = _said(_page(tmp_path / "whole", good_run()))
    page = _said(_page(tmp_path, subset_run(recorded("check", check="CLONE", covered=[], uncovered=[lacks]))))

    told = "Only a subset was rehearsed: 2 of 22 projects. Nothing is known about the rest of the main instance."
    assert told in page.partition("Findings")[0]
    assert lacks in page.partition("Not verified")[2]
    assert "subset" not in whole


def test_says_whether_a_subset_suffices_by_the_policy(tmp_path: Path) -> None:
    short = _said(_page(tmp_path / "short", subset_run()))
    enough = _said(_page(tmp_path / "enough", subset_run(policy={"subset_is_enough": True})))

    assert "APPROVED The upgrade of a subset came through. This opens no cut-over" in short
    assert "subset_is_enough = false" in short.partition("Findings")[0]
    assert "does not suffice for the cut-over, by the policy" in short
    assert "APPROVED The main instance may follow. Only a subset was rehearsed" in enough
    assert "suffices for the cut-over, by the policy" in enough


def test_tells_findings_with_their_consequences(tmp_path: Path) -> None:
    page = _said(_page(tmp_path, [*good_run()[:-1], found(), finished()]))

    assert "REJECTED" in page
    assert "1 open finding blocks" in page
    assert 'DIFF Every resource says what it said breaking, blocks Projects-1/Name: "Shop" → nothing' in page
    assert "nobody finds the project" in page


def test_findings_of_one_kind_share_a_row_and_the_worst_come_first(tmp_path: Path) -> None:
    alike = [found(place=f"Projects-{number}/Name") for number in range(9)]
    small = found(severity=Severity.INFO, place="Feeds-1", consequence="a colour differs")
    page = _said(_page(tmp_path, [*good_run()[:-1], small, *alike, finished()]))

    assert "9 places , for example Projects-0/Name" in page
    assert page.count("nobody finds the project") == 1
    assert page.index("nobody finds the project") < page.index("a colour differs")


def test_says_what_kept_the_run_from_approval_once_for_each_cause(tmp_path: Path) -> None:
    why = 'not run, because "One" failed'
    run = [*good_run()[:-4], *(scenario(one, "not-run", why) for one in SCENARIOS), finished()]
    page = _said(_page(tmp_path, run))

    assert why in page
    assert page.count("not run, because") == 1
    assert re.search(r": One +and 2 more", page)


def test_tells_who_accepted_what(tmp_path: Path) -> None:
    page = _said(_page(tmp_path, [started(waivers=[WAIVER]), *good_run()[1:-1], found(), finished()]))

    assert "Ada Lovelace 2999-01-01 renamed on purpose" in page


def test_tells_what_was_not_verified_and_names_together_what_has_one_reason(tmp_path: Path) -> None:
    run = [started(selection="only one"), scenario(SCENARIOS[0])]
    run.append(recorded("check", check="FEED", uncovered=["the feed at example.com"]))
    sorts = ["steps of the sort A: nobody has it", "steps of the sort B: nobody has it"]
    run.append(recorded("check", check="DEPLOY", uncovered=sorts))
    run += [recorded("snapshot", samples=[f"events: 40 of {total} (history)"]) for total in (9000, 9100)]
    page = _said(_page(tmp_path, [*run, finished()]))

    assert "2 required scenarios were not part of this run" in page
    assert "(FEED): the feed at example.com" in page
    assert "(DEPLOY): steps of the sort A, B: nobody has it" in page
    assert "Seen in part only: 40 of 9100 events (history)" in page
    assert "9000" not in page


def test_shows_the_predicted_outage_in_the_order_of_its_steps(tmp_path: Path) -> None:
    timings = [{"step": "stopping the server", "seconds": 1.0}, {"step": "backing up", "seconds": 59.4}]
    run = [*good_run()[:-1], recorded("upgrade", timings=timings), finished()]
    page = _page(tmp_path, run)

    assert "took 1 min 00 s in the rehearsal" in page
    assert "stopping the server: 1.0 seconds; backing up: 59.4 seconds" in page
    assert "<svg" in page


def test_an_outage_of_which_nothing_is_known_is_not_a_short_one(tmp_path: Path) -> None:
    assert "Not known: the test instance was not upgraded." in _page(tmp_path, good_run())


def test_says_that_a_rehearsal_on_stand_ins_is_practice(tmp_path: Path) -> None:
    real = {"main": {"url": "https://octopus.example.com"}, "test_instance": {"provider": "containers"}}
    embedded = {"main": None, "test_instance": {"provider": "embedded"}}

    practice = _said(_page(tmp_path / "a", [started(settings=embedded), *good_run()[1:]]))
    assert "Stand-ins played the main instance and the test instance." in practice
    assert "no evidence about the real products" in practice
    assert "Stand-ins" not in _page(tmp_path / "b", [started(settings=real), *good_run()[1:]])


def test_tells_the_risks_of_the_path_with_their_source(tmp_path: Path) -> None:
    risk = {"when": "there are many events", "why": "it takes long", "source": "https://example.com/1"}
    hop = {"from": "2018.12.1", "to": "2021.1.7500", "change": "major", "rollback": "restore", "risks": [risk]}
    plan = recorded("plan", **{"from": "2018.12.1", "to": "2021.1.7500", "hops": [hop]})
    page = _page(tmp_path, [started(), main(), plan, *good_run()[3:]])

    assert "there are many events: it takes long" in _said(page)
    assert '<a href="https://example.com/1">' in page
    assert "Not rehearsed." in page


@pytest.mark.parametrize(
    ("equal", "objective", "told"),
    [
        (True, 60, "in 2 min 05 s, within the recovery time objective of 60 min. The instance is again what it was"),
        (False, 2, "in 2 min 05 s, longer than the recovery time objective of 2 min. The instance is not what it was"),
        (None, None, "in 2 min 05 s. Whether the instance is again what it was is not known."),
    ],
)
def test_tells_how_the_way_back_was_walked(
    tmp_path: Path, equal: bool | None, objective: int | None, told: str
) -> None:
    details = {"from": "2021.1.7500", "to": "2018.12.1", "seconds": 125.2, "timings": {"restoring": 100.0}}
    event = recorded("rollback", **details, equal=equal, objective_minutes=objective)
    page = _page(tmp_path, [*good_run()[:-1], event, finished()])

    assert f"back from 2021.1.7500 to 2018.12.1 {told}" in re.sub(" +", " ", _said(page))
    assert "restoring: 100.0 seconds" in page
    assert "Not rehearsed" not in page


@pytest.mark.parametrize(
    ("minutes", "told"), [(1, ", longer than the agreed window of 1 min"), (5, ", within"), (None, ".")]
)
def test_compares_the_outage_with_the_agreed_window(tmp_path: Path, minutes: int | None, told: str) -> None:
    upgrade = recorded("upgrade", timings=[{"step": "starting", "seconds": 61}])
    page = _page(
        tmp_path, [started(settings={"policy": {"outage_window": minutes}}), *good_run()[1:-1], upgrade, finished()]
    )

    assert f"took 1 min 01 s in the rehearsal{told}" in page


def test_names_the_people_who_decided(tmp_path: Path) -> None:
    decision = Decision("Grace Hopper", "approve", "go on <Sunday>", "2026-11-23T09:00:00Z")
    page = _said(_page(tmp_path / "a", good_run(), decisions=[decision]))

    assert "Grace Hopper approve go on <Sunday> 2026-11-23T09:00:00Z" in page
    assert "Nobody has signed yet." in _said(_page(tmp_path / "b", good_run()))


def test_leads_to_scenarios_in_the_allure_report_when_there_is_one(tmp_path: Path) -> None:
    broken = recorded("scenario", id=SCENARIOS[2], outcome="broken", why="no", seconds=1, allure="u-1")
    run = [*good_run()[:-2], broken, finished()]
    id_of_allure = hashlib.md5(b"u-1", usedforsecurity=False).hexdigest()

    assert f'href="allure-report/index.html#{id_of_allure}"' in _page(tmp_path, run, allure="allure-report/index.html")
    assert "href" not in _page(tmp_path / "without", run)


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
        if tag not in {"meta", "rect", "br"}:
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

    assert change_board(Material(recompute(ledger), ledger)) == change_board(Material(recompute(ledger), ledger))


def test_a_very_large_run_stays_readable(tmp_path: Path) -> None:
    changes = [found(place=f"Projects-{number}", consequence=f"consequence {number}") for number in range(50)]
    page = _said(_page(tmp_path, [*good_run()[:-1], *changes, finished()]))

    assert "and 10 more, all in verdict.json" in page
    assert "consequence 39" in page
    assert "consequence 40" not in page


@pytest.mark.parametrize("data", [[], [Bar("a", 0.0)], [Bar("a & b", 1.25), Bar("c", 100)]])
def test_bars_fit_their_drawing(data: list[Bar]) -> None:
    drawn = bars(data)
    ends = [float(x) + float(w) + 44 for x, w in re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', drawn)]

    assert len(ends) == len(data)
    assert all(end <= 340 for end in ends)
