"""Calls that an organisation really makes, read from recordings: HAR files and access logs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tidegate.errors import SettingsError

#: A request in the combined log format, which nginx, Apache httpd, HAProxy and others in front of a server write.
_LOGGED: Final = re.compile(r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[\d.]+"')

#: Query names that only defeat caches.
_CACHES: Final = frozenset({"cb", "_"})

#: Query names that carry credentials: RFC 6749 and 6750 (OAuth), signed links of cloud storage, Octopus's own header as
#: a parameter, and what else calls itself so. Octopus's `keyword` and `tenantTags` are no such names.
_SECRET_NAME: Final = re.compile(
    r"(api|access|account|secret|private|shared|subscription|function|master)[-_.]?key$|^key$|^code$|^pass$|^sig$"
    r"|(token|pwd|auth|signature)$|passw|secret|credential|authorization|bearer|session|cookie|csrf|jwt",
    re.IGNORECASE,
)

#: What is a credential wherever it stands: an Octopus API key, a JSON Web Token (RFC 7519), or an address that has one.
_SECRET_VALUE: Final = re.compile(
    r"\bAPI-[A-Z0-9]{16,}|\beyJ[\w-]{8,}\.[\w-]+|(key|token|sig|password|secret)=", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Call:
    """A path below the server's address, with its query, and how often it was asked for."""

    path: str
    times: int


def read_traffic(files: Iterable[Path], base: str = "") -> tuple[Call, ...]:
    """What the recordings read through the API, the most frequent call first.

    ``base`` is the path below which the main instance serves (its virtual directory), "" for none. Only calls that read
    count: a replay must change nothing. Of a request nothing but its path and query is taken, and credentials in a
    query are left out; a call with one in its path does not count. Raises :class:`SettingsError` for a file that
    cannot be read, is no recording, or holds no such call.
    """
    times: Counter[str] = Counter()
    for file in files:
        found = Counter(filter(None, (_path(target, base) for target in _reads(file))))
        if not found:
            raise SettingsError(
                "the recording holds no call that reads from the API",
                where=str(file),
                next_step="record a HAR file in a browser, or name an access log in the combined log format",
            )
        times += found
    return tuple(Call(path, number) for path, number in sorted(times.items(), key=lambda one: (-one[1], one[0])))


def _reads(file: Path) -> Iterator[str]:
    """URLs or paths that were asked for with GET."""
    try:
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise SettingsError(
            f"the recording cannot be read: {error.strerror}",
            where=str(file),
            next_step="correct [integrations] traffic",
        ) from None
    if text.lstrip().startswith("{"):
        yield from _har(file, text)
        return
    for match in _LOGGED.finditer(text):
        if match["method"] == "GET":
            yield match["target"]


def _har(file: Path, text: str) -> Iterator[str]:
    """HTTP Archive 1.2 (w3c.github.io/web-performance/specs/HAR): `log.entries[].request`."""
    try:
        entries = cast("list[dict[str, Any]]", json.loads(text)["log"]["entries"])
        for entry in entries:
            if entry["request"]["method"] == "GET":
                yield str(entry["request"]["url"])
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"this is no HAR file: {type(error).__name__} {error}",
            where=str(file),
            next_step="record it again, or remove it from [integrations] traffic",
        ) from None


def _path(target: str, base: str) -> str:
    """The path and query of a call to the API; "" for anything else."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    path = parts.path.removeprefix(base.rstrip("/")) if base else parts.path
    if path.lower() != "/api" and not path.lower().startswith("/api/"):
        return ""
    if _SECRET_VALUE.search(unquote(path)):
        return ""
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if _kept(name, value)]
    return f"{path}?{urlencode(kept, safe=',/:')}" if kept else path


def _kept(name: str, value: str) -> bool:
    return not (name.lower() in _CACHES or _SECRET_NAME.search(name) or _SECRET_VALUE.search(f"{name} {value}"))
