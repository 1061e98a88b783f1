"""The change-board document in Chromium: axe-core finds nothing against it, no screen is scrolled sideways."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.gate.ledgers import Event, entries, finished, found, good_run, recorded, started
from tidegate.checks.finding import Severity
from tidegate.gate.verdict import recompute
from tidegate.reporting.board.material import Decision, Material
from tidegate.reporting.board.page import change_board

BROWSER: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), "")
FOLDER: Final = Path(__file__).parent / "browser"
AXE: Final = FOLDER / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = [
    pytest.mark.skipif(not BROWSER, reason="Chromium is not installed"),
    pytest.mark.skipif(not AXE.exists(), reason=f"axe-core is missing: run 'npm install' in {FOLDER.name}/ first"),
]

#: Chromium makes no window that is narrower, only a frame inside of one.
_NARROWEST: Final = 500

#: Runs in the page; the answer is read from the DOM that Chromium prints.
_ASK: Final = """
<script>%s</script>
<script>
  axe.run().then(function (seen) {
    var answer = document.createElement("pre");
    answer.id = "answer";
    answer.textContent = JSON.stringify({
      violations: seen.violations.map(function (one) {
        return [one.id, one.nodes.map(function (node) { return node.html; })];
      }),
      passes: seen.passes.length,
      width: document.documentElement.scrollWidth,
      screen: window.innerWidth
    });
    window.parent.document.body.appendChild(answer);
  });
</script>
"""


def _waiver() -> dict[str, str]:
    return {
        "check": "DIFF",
        "place": "Feeds-1/*",
        "reason": "renamed on purpose",
        "owner": "Ada Lovelace",
        "link": "https://tracker.example.com/" + "a-long-address-" * 8,
        "expires": "2999-01-01",
    }


def _rejected() -> list[Event]:
    risk = {"when": "there are many events", "why": "it takes long", "source": "https://example.com/1"}
    hop = {"from": "2018.12.1", "to": "2021.1.7500", "change": "major", "rollback": "restore", "risks": [risk]}
    settings = {"main": None, "test_instance": {"provider": "embedded"}}
    return [
        started(waivers=[_waiver()], settings=settings),
        *good_run()[1:2],
        recorded("plan", **{"from": "2018.12.1", "to": "2021.1.7500", "hops": [hop]}),
        *good_run()[3:-1],
        recorded("environment", **{"SQL Server": "16.0.4236.2"}),
        recorded("upgrade", timings=[{"step": "upgrading the database", "seconds": 59.4}]),
        recorded("attachment", name="snapshot", path="snapshots/a", sha256="0f" * 32, size=1, mediaType="x"),
        found(before={"Name": "x" * 200}, place="Spaces-1/Projects-1/" + "Step/" * 30),
        found(place="Feeds-1/Name"),
        found(severity=Severity.INFO, place="Teams-1/Name", consequence="a name differs"),
        found(kind="incomplete", check="FEED", consequence="the feed did not answer"),
        finished(),
    ]


@pytest.mark.parametrize("events", [good_run(), _rejected()], ids=["approved", "rejected"])
@pytest.mark.parametrize("width", [1400, 390])
def test_everybody_can_read_the_page_on_every_screen(tmp_path: Path, events: list[Event], width: int) -> None:
    ledger = entries(tmp_path, events)
    decisions = [Decision("Grace Hopper", "approve", "go on", "2026-11-23T09:00:00Z")]
    page = change_board(Material(recompute(ledger), ledger, decisions, "allure-report/index.html"))
    answer = _answer(tmp_path, page, width)

    assert answer["violations"] == []
    assert answer["passes"] > 15, "axe-core hardly looked at the page"
    assert answer["screen"] == width
    assert answer["width"] <= width, "the page is wider than the screen"


def test_axe_finds_what_is_wrong(tmp_path: Path) -> None:
    answer = _answer(tmp_path, "<html><body><img src='x.png'><h1>A</h1></body></html>", 1400)

    assert {"image-alt", "html-has-lang"} <= {one[0] for one in answer["violations"]}


def _answer(folder: Path, page: str, width: int) -> dict[str, Any]:
    file = folder / "asked.html"
    asking = page.replace("</body>", _ASK % AXE.read_text(encoding="utf-8") + "</body>")
    if width < _NARROWEST:
        frame = f'<iframe style="width:{width}px;height:1600px;border:0" srcdoc="{html.escape(asking)}"></iframe>'
        asking = f"<!DOCTYPE html><html><body>{frame}</body></html>"
    file.write_text(asking, encoding="utf-8")
    told = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},1600",
            "--virtual-time-budget=60000",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found_answer = re.search(r'<pre id="answer">(.*?)</pre>', told.stdout, re.DOTALL)
    assert found_answer, told.stderr
    return json.loads(html.unescape(found_answer[1]))
