"""The few shapes that the page is made of. Whatever is given as text is escaped; `Markup` is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from typing import Final

_DOCUMENT: Final = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
{css}</style></head>
<body><main>
{body}
</main><footer>{foot}</footer></body></html>
"""


class Markup(str):
    """HTML that is ready, as opposed to text from an instance."""

    __slots__ = ()


def markup(text: str) -> Markup:
    """``text`` as HTML, escaped unless it is HTML already."""
    return text if isinstance(text, Markup) else Markup(escape(text))


def document(title: str, body: str, foot: str = "") -> str:
    """A whole page, complete in itself: no script, no font, no picture from elsewhere. The title is its heading unless
    the body begins with one."""
    css = resources.files("tidegate.reporting.board").joinpath("page.css").read_text(encoding="utf-8")
    heading = "" if body.startswith("<h1>") else f"<h1>{markup(title)}</h1>"
    return _DOCUMENT.format(title=escape(title), css=css, body=f"{heading}{body}", foot=markup(foot))


def section(heading: str, *parts: str) -> Markup:
    """A section with its heading; nothing at all without content."""
    told = "".join(markup(part) for part in parts)
    return Markup(f"<section><h2>{markup(heading)}</h2>{told}</section>" if told else "")


def paragraph(text: str, kind: str = "") -> Markup:
    return Markup(f'<p class="{kind}">{markup(text)}</p>' if kind else f"<p>{markup(text)}</p>")


def listed(items: Iterable[str], otherwise: str = "") -> Markup:
    """A list, or the sentence ``otherwise`` when it is empty."""
    told = "".join(f"<li>{markup(item)}</li>" for item in items)
    if told:
        return Markup(f"<ul>{told}</ul>")
    return paragraph(otherwise) if otherwise else Markup("")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> Markup:
    """A table; each cell carries its column's name, which a narrow screen shows instead of the head."""
    columns = "".join(f'<th scope="col">{markup(name)}</th>' for name in head)
    body = "".join(
        "<tr>"
        + "".join(f'<td data-column="{escape(name)}">{markup(cell)}</td>' for name, cell in zip(head, row, strict=True))
        + "</tr>"
        for row in rows
    )
    if not body:
        return Markup("")
    return Markup(f'<table class="{kind}"><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>')


def facts(rows: Iterable[tuple[str, str]]) -> Markup:
    """Names and what they stand for."""
    body = "".join(f'<tr><th scope="row">{markup(name)}</th><td>{markup(told)}</td></tr>' for name, told in rows)
    return Markup(f'<table class="facts"><tbody>{body}</tbody></table>' if body else "")


def code(text: str) -> Markup:
    return Markup(f"<code>{escape(text)}</code>")


def link(text: str, address: str) -> Markup:
    """A link; only the text where there is no address."""
    return Markup(f'<a href="{escape(address)}">{markup(text)}</a>') if address else markup(text)


def joined(*parts: str) -> Markup:
    """Text and HTML in one."""
    return Markup("".join(markup(part) for part in parts))


def cut(text: str, longest: int) -> str:
    """Values of whole documents belong into verdict.json, not on a page."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
