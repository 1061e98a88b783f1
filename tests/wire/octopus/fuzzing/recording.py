"""A client that remembers which request each operation of a server took."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.wire.octopus.api.client import WireClient


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the document with a request for it. ``taken``: the server answered this very request with success."""

    method: str
    template: str
    path: str
    body: Any
    statuses: frozenset[int]
    taken: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"


class Recording(WireClient):
    """Remembers the last request that each operation took."""

    def __init__(self, url: str, key: str | None, version: str, document: Mapping[str, Any]) -> None:
        super().__init__(url, key, version)
        self.taken: dict[tuple[str, str], tuple[str, Any]] = {}
        self.tried: dict[tuple[str, str], tuple[str, Any]] = {}
        self._templates = [(template, matcher(template), rows) for template, rows in document["paths"].items()]

    def send(self, method: str, url: str, body: Any = None, **more: Any) -> Any:
        answer = super().send(method, url, body, **more)
        path = url.partition("?")[0]
        template = self.template(method, path) if method != "GET" else ""
        if template:
            sent: tuple[str, Any] = (path, {} if body is None else body)
            (self.taken if answer.status_code < 300 else self.tried)[method, template] = sent
        return answer

    def template(self, method: str, path: str) -> str:
        """The path of the document that a request's path belongs to, without its space."""
        plain = re.sub(r"^/api/Spaces-\d+(?=/.)", "/api", path, flags=re.IGNORECASE)
        found = [
            template
            for template, pattern, rows in self._templates
            if method.lower() in rows and pattern.fullmatch(plain)
        ]
        return min(found, key=lambda template: template.count("{"), default="")


def matcher(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), re.IGNORECASE)
