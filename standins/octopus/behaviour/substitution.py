"""``#{…}`` templates: the part of Octostache that steps and templates of this kind use. Pure.

Expressions: ``#{Name}``, nested ``#{Outer[#{Inner}]}``, filters ``#{Name | ToUpper}``, ``#{if X}…#{else}…#{/if}`` with
``==`` and ``!=``, ``#{unless X}…#{/unless}``, ``#{each x in Y}…#{/each}`` over a comma-separated value. An unknown name
stays as written, which is what Octostache does with tokens it cannot resolve (Octopus docs, "Variable substitutions").
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Mapping
from urllib.parse import quote

#: Guards against variables that refer to each other in a circle; Octostache refuses those as well.
_DEPTH = 32

_FILTERS: dict[str, Callable[[str], str]] = {
    "tolower": str.lower,
    "toupper": str.upper,
    "trim": str.strip,
    "htmlescape": lambda text: html.escape(text, quote=True),
    "xmlescape": lambda text: html.escape(text, quote=True),
    "jsonescape": lambda text: json.dumps(text)[1:-1],
    "tobase64": lambda text: base64.b64encode(text.encode()).decode(),
    "frombase64": lambda text: base64.b64decode(text).decode(),
    "urlencode": quote,
}


class CircularReference(Exception):
    """Variables refer to each other without end."""


class Variables:
    """Names and values as a step sees them; look-ups ignore case."""

    def __init__(self, values: Mapping[str, str | None]) -> None:
        self._values = {name.lower(): value for name, value in values.items()}
        self.names = tuple(values)

    def raw(self, name: str) -> str | None:
        return self._values.get(name.strip().lower())

    def get(self, name: str) -> str | None:
        """The value with everything in it resolved."""
        value = self.raw(name)
        return None if value is None else self.resolve(value)

    def resolve(self, text: str, depth: int = 0) -> str:
        if "#{" not in text:
            return text
        if depth > _DEPTH:
            raise CircularReference(text[:80])
        return _Template(self, text, depth).render()

    def truthy(self, text: str) -> bool:
        """What counts as true in an ``#{if}``: anything but empty, False, No and 0."""
        return text.strip().lower() not in {"", "false", "no", "0"}


class _Template:
    def __init__(self, variables: Variables, text: str, depth: int) -> None:
        self._variables = variables
        self._text = text
        self._depth = depth

    def render(self) -> str:
        rendered, _ = self._until(0, ())
        return rendered

    def _until(self, at: int, ends: tuple[str, ...]) -> tuple[str, int]:
        """Render from ``at`` up to one of the closing tokens; the index returned is that of the token."""
        parts: list[str] = []
        text = self._text
        while at < len(text):
            start = text.find("#{", at)
            if start < 0:
                parts.append(text[at:])
                return "".join(parts), len(text)
            parts.append(text[at:start])
            body, end = _token(text, start)
            if body is None:
                parts.append(text[start:])
                return "".join(parts), len(text)
            word = body.strip().lower()
            if word in ends:
                return "".join(parts), start
            rendered, at = self._expression(body, end, text[start:end])
            parts.append(rendered)
        return "".join(parts), at

    def _expression(self, body: str, end: int, source: str) -> tuple[str, int]:
        keyword, _, rest = body.strip().partition(" ")
        if keyword.lower() in {"if", "unless"} and rest:
            return self._conditional(keyword.lower(), rest, end)
        if keyword.lower() == "each" and " in " in rest:
            return self._each(rest, end)
        value = self._lookup(body)
        return (source if value is None else value), end

    def _conditional(self, keyword: str, condition: str, end: int) -> tuple[str, int]:
        then, at = self._until(end, ("else", f"/{keyword}"))
        other = ""
        body, after = _token(self._text, at)
        if body is not None and body.strip().lower() == "else":
            other, at = self._until(after, (f"/{keyword}",))
            _, after = _token(self._text, at)
        met = self._met(condition) == (keyword == "if")
        return (then if met else other), after

    def _met(self, condition: str) -> bool:
        for operator in ("==", "!="):
            left, found, right = condition.partition(operator)
            if found:
                return (self._operand(left) == self._operand(right)) == (operator == "==")
        return self._variables.truthy(self._operand(condition))

    def _operand(self, text: str) -> str:
        stripped = text.strip()
        if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "\"'":
            return stripped[1:-1]
        return self._lookup(stripped) or ""

    def _each(self, rest: str, end: int) -> tuple[str, int]:
        name, _, collection = rest.partition(" in ")
        _, at = self._until(end, ("/each",))
        body = self._text[end:at]
        _, after = _token(self._text, at)
        items = [item.strip() for item in (self._lookup(collection) or "").split(",") if item.strip()]
        return "".join(self._scoped(name.strip(), item).resolve(body, self._depth + 1) for item in items), after

    def _scoped(self, name: str, value: str) -> Variables:
        inner = {known: self._variables.raw(known) for known in self._variables.names}
        inner[name] = value
        return Variables(inner)

    def _lookup(self, body: str) -> str | None:
        name, *filters = (part.strip() for part in body.split("|"))
        if "#{" in name:
            name = self._variables.resolve(name, self._depth + 1)
        value = self._variables.raw(name)
        if value is None:
            return None
        resolved = self._variables.resolve(value, self._depth + 1)
        for filter_name in filters:
            function = _FILTERS.get(filter_name.split(" ", 1)[0].lower())
            if function is None:
                return None
            resolved = function(resolved)
        return resolved


def _token(text: str, start: int) -> tuple[str | None, int]:
    """The inside of the ``#{…}`` at ``start`` and the index behind it; None when it never closes."""
    if not text.startswith("#{", start):
        return None, len(text)
    depth = 1
    at = start + 2
    while at < len(text):
        if text.startswith("#{", at):
            depth += 1
            at += 2
            continue
        if text[at] == "}":
            depth -= 1
            if depth == 0:
                return text[start + 2 : at], at + 1
        at += 1
    return None, len(text)
