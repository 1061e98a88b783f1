"""A load balancer before the nodes of a cluster: each request to the next node that is there."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.support.serving import Handler, served

#: What it says when no node is there, as a page for people.
_NOBODY: Final = b"<html><body><h1>503 Service Unavailable</h1></body></html>"


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """``asked`` counts the requests that each node answered, and those that nobody could (by an empty address)."""

    url: str
    asked: Counter[str]


class _Balancer(Handler):
    nodes: Sequence[str]
    asked: Counter[str]

    def _handle(self) -> None:
        body = self.body()
        turn = self.asked.total() % len(self.nodes)
        for node in [*self.nodes[turn:], *self.nodes[:turn]]:
            try:
                status, headers, content = self.forwarded(node, body, keep_host=True)
            except (ConnectionError, http.client.HTTPException):
                continue
            self.asked[node] += 1
            self.answer(content, status, headers)
            return
        self.asked[""] += 1
        self.answer(_NOBODY, 503, [("Content-Type", "text/html")])

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _handle


@contextmanager
def balancing(*nodes: str) -> Generator[LoadBalancer]:
    asked: Counter[str] = Counter()
    with served(_Balancer, nodes=nodes, asked=asked) as url:
        yield LoadBalancer(url, asked)
