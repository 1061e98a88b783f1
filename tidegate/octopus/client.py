"""The REST API of an Octopus Server, spaces-aware, read-only unless told otherwise."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import TracebackType
from typing import IO, Any, Final, Self, cast

import httpx

from tidegate.errors import MainInstanceProtected, Refused, Unreachable
from tidegate.json_text import parsed
from tidegate.secrets import Secret, redact
from tidegate.versions import Version

#: `take` that official clients send for "everything" (api-client.ts, octo).
EVERYTHING: Final = 2147483647


class Access(StrEnum):
    """What a client may do. The main instance is always met with READ_ONLY."""

    READ_ONLY = "read-only"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the root document says; ``spaces`` tells whether the server knows spaces (2019.1 and later)."""

    version: Version
    installation_id: str
    spaces: bool
    links: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, whatever its status. ``json`` is None where the body is not JSON."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        if "json" not in self.headers.get("content-type", ""):
            return None
        try:
            return parsed(self.content.decode("utf-8-sig"))
        except ValueError:
            return None

    @property
    def error_message(self) -> str:
        """`ErrorMessage` and `Errors` of Octopus's error body, or the start of whatever came."""
        body = self.json
        if isinstance(body, dict):
            error = cast("dict[str, Any]", body)
            return " ".join([str(error.get("ErrorMessage") or ""), *map(str, error.get("Errors") or [])]).strip()
        return redact(self.content[:200].decode("utf-8", "replace"))


class OctopusClient:
    """One user's view of one Octopus Server over a kept-alive connection pool; safe to share between threads.

    Paths start with ``/api``. Methods that return JSON raise :class:`Refused` for any status but 2xx and
    :class:`Unreachable` for connection failures; :meth:`send` returns whatever answer came.
    """

    def __init__(
        self,
        url: str,
        api_key: Secret | None,
        *,
        access: Access = Access.READ_ONLY,
        timeout: float = 60.0,
        user_agent: str = "tidegate",
        connections: int = 8,
    ) -> None:
        self.url = url.rstrip("/")
        self.access = access
        headers = {"User-Agent": user_agent, "Accept": "application/json"}
        if api_key is not None:
            headers["X-Octopus-ApiKey"] = api_key.reveal()
        #: Told of every answer, where somebody listens.
        self.listener: Callable[[str, str, Answer], None] | None = None
        self._http = httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=timeout,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=False,
            verify=_trusted(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def anonymous(self) -> OctopusClient:
        """A read-only client of the same server that gives no credentials; the caller closes it."""
        return OctopusClient(self.url, None)

    def server(self) -> ServerInfo:
        """The root document `GET /api`, which needs no authentication."""
        root = self.get("/api")
        if not isinstance(root, dict) or "Version" not in root:
            raise Refused("this is not an Octopus Server: its /api has no Version", where=self.url)
        document = cast("dict[str, Any]", root)
        links = cast("dict[str, str]", document.get("Links") or {})
        # Pre-release builds carry a suffix; the numbers decide.
        numbers = re.match(r"\d+\.\d+\.\d+", str(document["Version"]))
        if numbers is None:
            raise Refused(f"the server calls itself version {document['Version']!r}", where=self.url)
        return ServerInfo(Version.parse(numbers[0]), str(document.get("InstallationId", "")), "Spaces" in links, links)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int | bool] | None = None,
        json: Any = None,
        content: bytes | None = None,
        files: Mapping[str, tuple[str, bytes | IO[bytes]]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Whatever the server answers; files that are open are sent piece by piece. Raises
        :class:`MainInstanceProtected` for a write through a read-only client and :class:`Unreachable` where no answer
        came."""
        if self.access is Access.READ_ONLY and method not in {"GET", "HEAD"}:
            raise MainInstanceProtected(f"{method} {path} through a read-only client", where=self.url)
        try:
            response = self._http.request(
                method, path, params=params, json=json, content=content, files=files, headers=headers
            )
        except httpx.HTTPError as error:
            raise Unreachable(
                f"{method} {path} got no answer: {redact(str(error)) or type(error).__name__}",
                where=self.url,
                next_step="check that the server runs and that this machine may connect to it",
            ) from None
        answer = Answer(response.status_code, response.headers, response.content, response.elapsed.total_seconds())
        if self.listener is not None:
            self.listener(method, path, answer)
        return answer

    def download(self, path: str, sink: Callable[[bytes], object]) -> Answer:
        """GET a file piece by piece into ``sink``; the answer itself has no content. Raises :class:`Unreachable`.

        ``seconds`` is the time until the last byte, because a file that starts at once may still take minutes.
        """
        started = time.perf_counter()
        try:
            with self._http.stream("GET", path) as response:
                for piece in response.iter_bytes():
                    sink(piece)
        except httpx.HTTPError as error:
            raise Unreachable(
                f"GET {path} got no answer: {redact(str(error)) or type(error).__name__}", where=self.url
            ) from None
        return Answer(response.status_code, response.headers, b"", time.perf_counter() - started)

    def get(self, path: str, **params: str | int | bool) -> Any:
        return self._json("GET", path, params=params)

    def post(self, path: str, json: Any = None, **params: str | int | bool) -> Any:
        return self._json("POST", path, json=json, params=params)

    def put(self, path: str, json: Any = None, **params: str | int | bool) -> Any:
        return self._json("PUT", path, json=json, params=params)

    def delete(self, path: str, **params: str | int | bool) -> Any:
        return self._json("DELETE", path, params=params)

    def items(self, path: str, *, page: int = 200, **params: str | int | bool) -> Iterator[dict[str, Any]]:
        """Every item of a paged collection, page by page (`skip`/`take`)."""
        skip = 0
        while True:
            body = self.get(path, skip=skip, take=page, **params)
            items = cast("list[dict[str, Any]]", body["Items"])
            yield from items
            skip += len(items)
            if not items or skip >= int(body["TotalResults"]):
                return

    def _json(self, method: str, path: str, **request: Any) -> Any:
        answer = self.send(method, path, **request)
        if not answer.ok:
            raise Refused(
                f"{method} {path} answered {answer.status}: {redact(answer.error_message)}",
                where=self.url,
                next_step=_NEXT_STEPS.get(answer.status, ""),
            )
        return answer.json


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities this machine trusts; reading them takes longer than many a request, so it is done once."""
    return ssl.create_default_context()


_NEXT_STEPS: Final = {
    401: "check the API key: it is unknown, expired, or its user is disabled",
    403: "give the API key's user the missing permission",
    503: "the server is starting or migrating: wait until it is ready",
}
