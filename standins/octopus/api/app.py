"""The web application of one running server: a request finds its route, its caller, its space and its handler."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from standins.octopus.api import errors
from standins.octopus.api.bodies import check_body
from standins.octopus.api.calls import ApiCall
from standins.octopus.api.gate import SAFE_METHODS, Gate, World
from standins.octopus.api.requests import Received, parse_body, parse_query
from standins.octopus.api.responses import to_response
from standins.octopus.api.rights import UserRights, nobody
from standins.octopus.api.route_list import all_routes
from standins.octopus.api.routing import Match, RouteTable
from standins.octopus.api.versions import has_spaces
from standins.octopus.contract import ApiError, Conflict, Document, Reply, Route, Server, Transaction, Unfit
from standins.octopus.regressions import hooks
from standins.octopus.store import Deadlock

log = logging.getLogger(__name__)

#: Requests in work at the same time; each holds one pooled database connection.
_THREADS = 16

#: How often a request is tried when the database rolls it back to end a deadlock.
_ATTEMPTS = 5

#: Writes that stay open while the server is in maintenance mode: signing in and out.
_OPEN_IN_MAINTENANCE = frozenset({"users/login", "users/logout", "authentication/checklogininitiated"})


class Portal:
    """The ASGI application of a server: one entry for every path. It answers 503 until ``server.ready``.

    It needs no framework around it: the table of routes is its own, and an exception becomes Octopus's error body.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.table = RouteTable(all_routes(), server.version)
        self.gate = Gate(server, self.table.routes)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="request")
        logging.getLogger().addHandler(self.gate.recent_problems)
        self._headers = {"Octopus-Node": server.node_name}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            content = await request.body() if request.method not in SAFE_METHODS else b""
        except ClientDisconnect:
            return
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        received = Received(
            request.method,
            raw_path.split(b"?")[0].decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
            content,
        )
        response = await asyncio.get_running_loop().run_in_executor(self._pool, self.respond, received)
        await response(scope, receive, send)

    def respond(self, received: Received) -> Response:
        """The whole of a request, in a worker thread."""
        try:
            reply = self._route(received)
        except ApiError as error:
            reply = errors.error_reply(error)
        except Conflict as conflict:
            reply = errors.conflict_reply(conflict)
        except Unfit as unfit:
            reply = errors.error_reply(errors.invalid(str(unfit)))
        except Exception as error:
            log.exception("Unhandled error in %s %s", received.method, received.raw_path)
            reply = errors.crash_reply(error)
        return to_response(reply, self._headers)

    def _route(self, received: Received) -> Reply:
        if not self.server.ready:
            raise ApiError(503, "Octopus Server is starting. Please try again in a moment.")
        found = self.table.match(received.raw_path)
        if found is None:
            raise errors.not_found()
        method = received.effective_method
        wanted = "GET" if method == "HEAD" else method
        if wanted == "OPTIONS":
            return Reply(None, 204, headers={"Allow": _allowed(found)})
        entry = found.routes.get(wanted)
        if entry is None:
            refusal = errors.error_reply(ApiError(405, f"The HTTP method {method} is not supported by this resource."))
            return replace(refusal, headers={"Allow": _allowed(found)})
        route, names = entry
        path = dict(zip(names, found.values, strict=True))
        attempts = iter(range(1, _ATTEMPTS))
        while True:
            try:
                reply = self._in_transaction(received, wanted, route, path, found)
                break
            except Deadlock:
                # The database chose this transaction as the victim and rolled it back: the same request may go
                # through now.
                if next(attempts, None) is None:
                    raise
        if wanted not in SAFE_METHODS:
            self.gate.changed(route.path.strip("/").split("/")[0])
            if self.server.tasks is not None:
                # Whatever was queued is visible only now that the transaction is committed.
                self.server.tasks.wake()
        return reply

    def _in_transaction(
        self, received: Received, method: str, route: Route, path: dict[str, str], found: Match
    ) -> Reply:
        body, files = parse_body(received.headers, received.content)
        query = parse_query(received.query_string)
        with self.server.store.transaction() as transaction:
            user = self._caller(received, route, query, transaction)
            world = self.gate.world(transaction)
            space = self._space(route, found, world)
            rights = self.gate.rights(transaction, user) if user is not None else None
            self._check(route, method, user, rights, space, world)
            check_body(route, self.server.version, body)
            call = ApiCall(
                server=self.server,
                transaction=transaction,
                method=method,
                path=path,
                query=query,
                headers=received.headers,
                body=body,
                files=files,
                user=user,
                space=space,
                raw_body=received.content,
                url=received.url,
                rights=rights or nobody(world.access),
                gate=self.gate,
                world=world,
            )
            return hooks.answer(route, call)

    def _caller(
        self, received: Received, route: Route, query: dict[str, str], transaction: Transaction
    ) -> Document | None:
        if route.permission is None:
            return None
        user = self.gate.user(received, query, transaction)
        if user is None:
            raise ApiError(401, errors.LOGGED_OUT)
        return user

    def _space(self, route: Route, found: Match, world: World) -> str | None:
        """The space a request is about. Unscoped space routes act on the default space while it is enabled."""
        if not has_spaces(self.server.version) or route.scope == "system":
            return None
        if found.form:
            space = world.space(found.space)
            if space is None:
                raise errors.not_found(found.space)
            return str(space["Id"])
        if route.scope == "space" and world.default_space is None:
            raise errors.not_found()
        return world.default_space if route.scope == "space" else None

    @staticmethod
    def _check(  # noqa: PLR0917 - everything that can refuse a request
        route: Route, method: str, user: Document | None, rights: UserRights | None, space: str | None, world: World
    ) -> None:
        if route.permission is None or rights is None or user is None:
            return
        if route.permission and not rights.holds(route.permission, space):
            raise errors.forbidden(route.permission)
        if (
            world.in_maintenance
            and method not in SAFE_METHODS
            and not rights.administers
            and route.path.lower() not in _OPEN_IN_MAINTENANCE
        ):
            # Status and words are not published; only that writes of others than administrators are refused
            # (octopus.com/docs/administration/managing-infrastructure/maintenance-mode).
            raise ApiError(
                503,
                "Octopus Server is in maintenance mode. Only administrators can make changes until it is switched off.",
            )


def _allowed(found: Match) -> str:
    methods = {*found.routes, "OPTIONS", *(["HEAD"] if "GET" in found.routes else [])}
    return ", ".join(sorted(methods))
