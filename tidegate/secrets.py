"""Secrets: references until the moment of use, and never in anything a human or a file sees."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, Final, final
from urllib.parse import quote, quote_plus

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from tidegate.errors import SettingsError

MASK: Final = "********"

#: What is a credential by its form alone, whoever's it is, also where it stands in a query: an Octopus API key, a JSON
#: Web Token (RFC 7519), user and password in a URL, the password of a connection string, the secret part of a
#: webhook's address. Each form's first group stays; each begins with a literal text, for which long texts are searched
#: fastest, or is looked for only where that text, in lower case, occurs at all.
_SHAPES: Final = (
    ("", r"()API-(?<![A-Za-z]API-)[A-Z0-9]{20,}"),
    ("", r"()eyJ(?<![A-Za-z]eyJ)[\w-]{10,}\.eyJ[\w-]+\.[\w-]*"),
    ("", r"(://)[^/\s:@\"'%]+(?::|%3A)[^/\s@\"']+?(?=@|%40)"),
    ("%3a", r"(%3A(?://|%2F%2F))[^/\s:@\"'%]+(?::|%3A)[^/\s@\"']+?(?=@|%40)"),
    ("pwd", r"(?i:(pwd(?:=|%3D)))(?!Secret\()[^;\s\"'&<>*]{4,}"),
    ("password", r"(?i:(password(?:=|%3D)))(?!Secret\()[^;\s\"'&<>*]{4,}"),
    ("", r"(hooks\.slack\.com/services/)[\w/]+"),
    ("", r"(webhook\.office\.com/webhookb2/)[^\s\"'<>]+"),
)
_PATTERNS: Final = tuple((word, re.compile(pattern)) for word, pattern in _SHAPES)

#: Lines of a secret from this length on are secrets themselves.
_LONG_LINE: Final = 16


@final
class Secret:
    """A secret by reference: ``env:NAME`` or ``file:PATH``, or a value made by the harness itself.

    ``repr``, ``str`` and pickling show a mask; :meth:`reveal` reads the value and registers it with the
    :data:`redactor`, so that text passing through :func:`redact` cannot show it later.
    """

    __slots__ = ("_name", "_read")

    def __init__(self, name: str, read: Callable[[], str]) -> None:
        self._name = name
        self._read = read

    @classmethod
    def parse(cls, reference: str) -> Secret:
        """The secret that ``env:NAME`` or ``file:PATH`` names; the value is not read yet.

        Raises :class:`SettingsError` for any other text, which is never repeated: it may be the secret itself.
        """
        kind, _, rest = reference.partition(":")
        if kind == "env" and rest:
            return cls(reference, lambda: _from_environment(rest))
        if kind == "file" and rest:
            return cls(reference, lambda: _from_file(Path(rest)))
        raise SettingsError(
            "a secret was given as text instead of by reference",
            next_step="write env:NAME or file:PATH; the value itself never belongs into a settings file",
        )

    @classmethod
    def generated(cls, name: str, value: str) -> Secret:
        """A secret the harness made or was handed by a program it started."""
        redactor.add(value)
        return cls(name, lambda: value)

    @property
    def reference(self) -> str:
        """Where the value comes from; safe to show."""
        return self._name

    def reveal(self) -> str:
        """The value. Raises :class:`SettingsError` when the reference leads nowhere."""
        value = self._read()
        redactor.add(value)
        return value

    def __repr__(self) -> str:
        return f"Secret({self._name})"

    __str__ = __repr__

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not written anywhere")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def validate(value: object) -> Secret:
            if isinstance(value, Secret):
                return value
            try:
                return cls.parse(str(value))
            except SettingsError as error:
                raise ValueError(f"{error.what}; {error.next_step}") from None

        return core_schema.no_info_plain_validator_function(
            validate, serialization=core_schema.plain_serializer_function_ser_schema(lambda secret: secret.reference)
        )


@final
class Redactor:
    """Knows every secret value revealed in this process and masks it in text."""

    #: Shorter values would mask ordinary words.
    SHORTEST: Final = 6

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._longest_first: tuple[str, ...] = ()
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        if len(value) >= self.SHORTEST and value not in self._values:
            with self._lock:
                self._values |= {form for form in _forms(value) if len(form) >= self.SHORTEST}
                self._longest_first = tuple(sorted(self._values, key=len, reverse=True))

    def redact(self, text: str) -> str:
        """``text`` with every known secret replaced by a mask, longest first; nothing else is touched."""
        for value in self._longest_first:
            text = text.replace(value, MASK)
        return text


#: One per process: what is secret is secret everywhere.
redactor: Final = Redactor()


def redact(text: str) -> str:
    """``text`` with every secret revealed so far masked, and what nobody told of but its form gives away."""
    text = redactor.redact(text)
    lowered = text.lower()
    for word, pattern in _PATTERNS:
        if word in lowered:
            text = pattern.sub(rf"\1{MASK}", text)
    return text


def _forms(value: str) -> set[str]:
    """A secret as JSON, URLs, HTML and Python show it, and its lines: a key in PEM form is seldom shown whole."""
    forms = {
        value,
        *(json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)),
        *(quoting(value, safe=safe) for quoting in (quote, quote_plus) for safe in ("", "/")),
        *(escape(value, quote=quotes) for quotes in (True, False)),
        repr(value)[1:-1],
    }
    return forms | {line for line in value.splitlines() if len(line) >= _LONG_LINE and not line.startswith("-----")}


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError(f"the environment variable {name} is empty or not set", where=f"env:{name}")
    return value


def _from_file(path: Path) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"the secret's file cannot be read: {error.strerror}", where=str(path)) from None
    if not value:
        raise SettingsError("the secret's file is empty", where=str(path))
    return value
