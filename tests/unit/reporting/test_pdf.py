"""The change-board document on paper: one page, the same bytes every time, and a clear word where it cannot be made."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.ledgers import entries, good_run
from tidegate.gate.verdict import recompute
from tidegate.reporting.board.material import Material
from tidegate.reporting.board.page import change_board
from tidegate.reporting.documents import PdfUnavailable, to_pdf, write_change_board


def _weasyprint_works() -> str:
    """Why it does not; asked in another process, because it is a second of work and loads system libraries."""
    ran = subprocess.run([sys.executable, "-c", "import weasyprint"], capture_output=True, text=True, check=False)
    return (ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1] if ran.returncode else ""


@pytest.fixture(scope="module")
def pdf() -> None:
    why = _weasyprint_works()
    if why:
        pytest.skip(f"WeasyPrint does not work on this machine: {why}")


def _material(folder: Path) -> Material:
    ledger = entries(folder, good_run())
    return Material(recompute(ledger), ledger)


@pytest.mark.usefixtures("pdf")
def test_both_forms_are_the_same_bytes_for_the_same_evidence(tmp_path: Path) -> None:
    material = _material(tmp_path)
    once, again = tmp_path / "once", tmp_path / "again"
    for folder in (once, again):
        folder.mkdir()
        assert write_change_board(folder, material).pdf is not None

    for name in ("change-board.html", "change-board.pdf"):
        assert (once / name).read_bytes() == (again / name).read_bytes()


@pytest.mark.usefixtures("pdf")
def test_is_one_tagged_page_without_a_date(tmp_path: Path) -> None:
    written = to_pdf(change_board(_material(tmp_path)))
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", written, re.DOTALL)
    text = b"".join([written, *(_inflated(stream) for stream in streams)])

    assert written.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type ?/Page\b", text)) == 1
    assert b"/MarkInfo" in text
    assert b"CreationDate" not in text


def test_says_what_to_install_where_it_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    (tmp_path / "change-board.pdf").write_bytes(b"of an earlier rendering")
    written = write_change_board(tmp_path, _material(tmp_path))

    assert written.pdf is None
    assert "pip install" in written.why_no_pdf
    assert "libpango" in written.why_no_pdf
    assert written.html.exists()
    assert not (tmp_path / "change-board.pdf").exists(), "it contradicts the page"


def test_a_missing_system_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_pango(name: str, *_: Any, **__: Any) -> Any:
        raise OSError(f"cannot load library 'libpango-1.0-0' for {name}")

    monkeypatch.setattr(importlib, "import_module", without_pango)
    with pytest.raises(PdfUnavailable, match=r"misses a system library .*libpango"):
        to_pdf("<html></html>")


def test_a_failing_layout_is_told_and_not_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def _failing(string: str) -> None:
        raise ZeroDivisionError(string[:9])

    class Broken:
        HTML = staticmethod(_failing)

    monkeypatch.setitem(sys.modules, "weasyprint", Broken)
    written = write_change_board(tmp_path, _material(tmp_path))

    assert written.pdf is None
    assert "WeasyPrint failed: ZeroDivisionError" in written.why_no_pdf


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""
