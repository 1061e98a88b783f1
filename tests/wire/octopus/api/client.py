"""An HTTP client that fails a test unless the server answers with success."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx


class WireClient:
    """Sends requests with an API key; nothing of the server is known here but its address."""

    def __init__(self, url: str, key: str | None, version: str = "") -> None:
        self.http = httpx.Client(base_url=url, headers={"X-Octopus-ApiKey": key} if key else {}, timeout=30)
        named = version or str(self.http.get("/api").json()["Version"])
        major, minor, patch = (int(part) for part in named.split("-")[0].split("."))
        self.version = (major, minor, patch)

    @contextmanager
    def as_user(self, key: str | None) -> Generator[WireClient]:
        """The same server with another key, or with none."""
        other = WireClient(str(self.http.base_url), key, ".".join(str(part) for part in self.version))
        try:
            yield other
        finally:
            other.close()

    def send(self, method: str, url: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.http.request(method, url, **({"json": body} if body is not None else {}), **more)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Any:
        return self._good(self.send("GET", url, headers=headers))

    def post(self, url: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Any:
        return self._good(self.send("POST", url, body, headers=headers))

    def put(self, url: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Any:
        return self._good(self.send("PUT", url, body, headers=headers))

    @staticmethod
    def _good(answer: httpx.Response) -> Any:
        assert answer.status_code in (200, 201), f"{answer.request.method} {answer.request.url}: {answer.text[:2000]}"
        return answer.json()

    def close(self) -> None:
        self.http.close()
