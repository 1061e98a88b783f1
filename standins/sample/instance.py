"""A connection to the server being filled: the API by version, several requests at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx

Resource = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")

#: Requests under way at once. The server, its database and this program share the cores.
_WORKERS = 6
_TASK_SECONDS = 120.0
_LOOK_SECONDS = 0.05


class Refused(Exception):
    """The server did not accept a request."""

    def __init__(self, method: str, path: str, reply: httpx.Response) -> None:
        super().__init__(f"{method} {path} was answered with {reply.status_code}: {reply.text[:600]}")
        self.status = reply.status_code


class TaskDidNotEnd(Exception):
    """Tasks were still under way when the patience was over."""


class Instance:
    """One server, in its default space. Paths are below ``/api`` or ``/api/Spaces-1``."""

    def __init__(self, url: str, api_key: str) -> None:
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"X-Octopus-ApiKey": api_key, "User-Agent": "tidegate-sample"},
            timeout=60,
            limits=httpx.Limits(max_connections=_WORKERS, max_keepalive_connections=_WORKERS),
        )
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="sample")
        root = self._send("GET", "/api").json()
        self.version: str = root["Version"]
        numbers = [int(part) for part in self.version.split("-")[0].split(".")[:3]]
        self._numbers = (numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 0)
        self.space: str | None = None
        if "Spaces" in root["Links"]:
            spaces = self._send("GET", "/api/spaces/all").json()
            self.space = next(space["Id"] for space in spaces if space["IsDefault"])

    def close(self) -> None:
        self._pool.shutdown()
        self._http.close()

    def since(self, year: int, minor: int) -> bool:
        return self._numbers[:2] >= (year, minor)

    # -- requests ------------------------------------------------------------------------------------------------

    def get(self, path: str, *, system: bool = False) -> Any:
        return self._send("GET", self._path(path, system=system)).json()

    def post(self, path: str, body: Any, *, system: bool = False) -> Resource:
        return self._send("POST", self._path(path, system=system), body).json()

    def put(self, path: str, body: Any, *, system: bool = False) -> Resource:
        return self._send("PUT", self._path(path, system=system), body).json()

    def upload(
        self, method: str, path: str, name: str, content: bytes, *, media_type: str = "application/octet-stream"
    ) -> None:
        url = self._path(path)
        reply = self._http.request(method, url, files={"file": (name, content, media_type)})
        if reply.is_error:
            raise Refused(method, url, reply)

    def _path(self, path: str, *, system: bool = False) -> str:
        return f"/api/{self.space}/{path}" if self.space and not system else f"/api/{path}"

    def _send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        reply = self._http.request(method, path, json=body) if body is not None else self._http.request(method, path)
        if reply.is_error:
            raise Refused(method, path, reply)
        return reply

    # -- several at once -----------------------------------------------------------------------------------------

    def each(self, do: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """``do`` for every item, several at a time; results in the order of the items; the first problem is raised."""
        return list(self._pool.map(do, items))

    def create_all(self, path: str, bodies: Iterable[Mapping[str, Any]], *, system: bool = False) -> list[Resource]:
        """One resource after the other, so that the ids follow the order of the bodies."""
        return [self.post(path, body, system=system) for body in bodies]

    # -- tasks ---------------------------------------------------------------------------------------------------

    def wait_for(self, task_ids: Iterable[str], *, waiting_is_enough: bool = False) -> dict[str, Resource]:
        """The tasks once all of them are finished; one that waits for a person counts when ``waiting_is_enough``."""
        missing = list(task_ids)
        done: dict[str, Resource] = {}
        deadline = time.monotonic() + _TASK_SECONDS
        while missing:
            page = self.get(f"tasks?skip=0&take={len(missing)}&ids={','.join(missing)}")
            for task in page["Items"]:
                if task["IsCompleted"] or (waiting_is_enough and task["HasPendingInterruptions"]):
                    done[task["Id"]] = task
            missing = [task_id for task_id in missing if task_id not in done]
            if missing and time.monotonic() > deadline:
                raise TaskDidNotEnd(f"After {_TASK_SECONDS:.0f} s these tasks were not finished: {', '.join(missing)}")
            if missing:
                time.sleep(_LOOK_SECONDS)
        return done


def by_name(resources: Sequence[Resource]) -> dict[str, Resource]:
    return {resource["Name"]: resource for resource in resources}
