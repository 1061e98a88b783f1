"""The change-board document of a run: `change-board.html` and, where WeasyPrint is, `change-board.pdf`."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tidegate.reporting.board.material import Material
from tidegate.reporting.board.page import change_board

HTML: Final = "change-board.html"
PDF: Final = "change-board.pdf"

_INSTALL: Final = (
    "pip install 'tidegate[pdf]', and Pango: `apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 "
    "fonts-liberation` (Debian, Ubuntu), `dnf install pango liberation-sans-fonts` (Fedora, Red Hat)"
)


@dataclass(frozen=True, slots=True)
class Documents:
    """What was written. ``pdf`` is None where it was not made; ``why_no_pdf`` says what to do when it was wanted."""

    html: Path
    pdf: Path | None
    why_no_pdf: str = ""


class PdfUnavailable(Exception):
    """This machine cannot lay out a PDF; the message says what to install. The page itself is complete without."""


def write_change_board(folder: Path, material: Material, *, pdf: bool = True) -> Documents:
    """Write both forms into a run folder, replacing what is there."""
    page = change_board(material)
    html, paper = folder / HTML, folder / PDF
    html.write_text(page, encoding="utf-8")
    paper.unlink(missing_ok=True)  # one of an earlier rendering would contradict the page
    if not pdf:
        return Documents(html, None)
    try:
        paper.write_bytes(to_pdf(page))
    except PdfUnavailable as error:
        return Documents(html, None, str(error))
    return Documents(html, paper)


def pdf_installed() -> bool:
    """Whether this environment has what lays out a PDF; its system libraries may still be missing."""
    return importlib.util.find_spec("weasyprint") is not None


def to_pdf(page: str) -> bytes:
    """The page on paper, tagged for screen readers (PDF/UA). The same page and fonts give the same bytes: no date is
    written, and the file's identifier is the page's digest. Raises :class:`PdfUnavailable`."""
    with warnings.catch_warnings():
        # What a library deprecates must not become an error while a verdict is written.
        warnings.simplefilter("ignore")
        weasyprint = _weasyprint()
        identifier = hashlib.sha256(page.encode()).digest()
        try:
            return weasyprint.HTML(string=page).write_pdf(pdf_variant="pdf/ua-1", pdf_identifier=identifier)
        except Exception as error:  # the page and the verdict must not be lost for want of a PDF
            raise PdfUnavailable(f"{PDF} was not made, WeasyPrint failed: {type(error).__name__}: {error}") from error


def _weasyprint() -> Any:
    # Imported at the first use: it takes a second, loads system libraries and is an optional extra.
    try:
        return importlib.import_module("weasyprint")
    except ImportError as error:
        raise PdfUnavailable(f"{PDF} was not made, WeasyPrint is not installed ({error}): {_INSTALL}") from None
    except OSError as error:  # Pango is a system library
        first = str(error).strip().splitlines()[0]
        raise PdfUnavailable(f"{PDF} was not made, WeasyPrint misses a system library ({first}): {_INSTALL}") from None
