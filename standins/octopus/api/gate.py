"""Who is calling and what may they do: credentials, sessions, spaces, maintenance mode.

What is read for this (teams, roles, spaces, a user by API key) is kept for at most a second, so that most requests
cost no query for it; a write through this server that may change it drops it at once.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from standins.octopus.api.recent_log import RecentProblems
from standins.octopus.api.requests import Received, parse_cookies
from standins.octopus.api.rights import AccessModel, UserRights
from standins.octopus.api.versions import has_spaces
from standins.octopus.contract import ApiError, Document, Route, Server, Transaction
from standins.octopus.credentials import hash_api_key
from standins.octopus.crypto import WrongMasterKey

T = TypeVar("T")

#: How long another node's change to users, teams or spaces may go unnoticed.
_FRESH = 1.0

#: More API keys than this are not remembered: who tries wrong ones must not fill the memory.
_MOST_KEYS = 500

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: First path segments whose writes change who may do what.
_IDENTITY_PATHS = frozenset(
    {
        "users",
        "teams",
        "scopeduserroles",
        "userroles",
        "spaces",
        "maintenanceconfiguration",
        "projects",
        "projectgroups",
        "configuration",
    }
)


@dataclass(frozen=True, slots=True)
class World:
    """What is known about access at one moment."""

    access: AccessModel
    spaces: Mapping[str, Document]  # by id in lower case
    default_space: str | None
    in_maintenance: bool

    def space(self, identifier: str) -> Document | None:
        """By id, or by slug in versions that have one."""
        lowered = identifier.lower()
        found = self.spaces.get(lowered)
        return found or next(
            (space for space in self.spaces.values() if str(space.get("Slug") or "").lower() == lowered), None
        )


class Gate:
    """Identifies callers. One per server process."""

    def __init__(self, server: Server, routes: Sequence[Route] = ()) -> None:
        self._server = server
        #: The route table of this version, which the swagger document is made from.
        self.routes = routes
        self._lock = threading.Lock()
        self._world: tuple[float, World] | None = None
        self._users: dict[str, tuple[float, Document | None]] = {}
        self._rights: dict[str, UserRights] = {}
        self._generation = 0
        self._writes = 0
        self._remembered: dict[str, tuple[float, object]] = {}
        self.recent_problems = RecentProblems()

    # -- what is known -----------------------------------------------------------------------------------------------

    def world(self, transaction: Transaction) -> World:
        now = time.monotonic()
        kept = self._world
        if kept is not None and now - kept[0] < _FRESH:
            return kept[1]
        generation = self._generation
        version = self._server.version
        spaces = transaction.query("Space") if has_spaces(version) else []
        maintenance = transaction.load("Configuration", "maintenance")
        world = World(
            AccessModel.read(transaction, version),
            {space["Id"].lower(): space for space in spaces},
            next((space["Id"] for space in spaces if space["IsDefault"]), None),
            bool(maintenance and maintenance.get("IsInMaintenanceMode")),
        )
        with self._lock:
            # A write that finished while this was being read would be lost by keeping it.
            if generation == self._generation:
                self._world = (now, world)
                self._rights = {}
        return world

    def rights(self, transaction: Transaction, user: Document) -> UserRights:
        world = self.world(transaction)
        kept = self._rights.get(user["Id"])
        if kept is None or kept.model is not world.access:
            kept = self._rights[user["Id"]] = world.access.rights_of(user)
        return kept

    def remembered(self, key: str, read: Callable[[], T]) -> T:
        """A value that many requests in a row ask for; any write through this server drops it."""
        now, writes = time.monotonic(), self._writes
        kept = self._remembered.get(key)
        if kept is not None and now - kept[0] < _FRESH:
            return cast("T", kept[1])
        value = read()
        with self._lock:
            if writes == self._writes:
                self._remembered[key] = (now, value)
        return value

    def changed(self, first_segment: str) -> None:
        """A write below this path was committed."""
        with self._lock:
            self._writes += 1
            self._remembered = {}
        if first_segment.lower() in _IDENTITY_PATHS:
            self.forget()

    def forget(self) -> None:
        with self._lock:
            self._generation += 1
            self._world = None
            self._users = {}
            self._rights = {}

    # -- callers -----------------------------------------------------------------------------------------------------

    def user(self, received: Received, query: Mapping[str, str], transaction: Transaction) -> Document | None:
        """The caller, or None without any credentials. Bad credentials raise 401."""
        headers = received.headers
        # octopus-serverspec-extensions sends "api-key"; NuGet clients their own header.
        key = (
            headers.get("x-octopus-apikey")
            or query.get("apikey")
            or query.get("api-key")
            or headers.get("x-nuget-apikey")
        )
        if key:
            user = self._user_by_key(key, transaction)
            if user is None:
                raise ApiError(
                    401, "The API key you provided was not valid. Please double-check your API key and try again."
                )
            return user
        if "authorization" in headers:
            # Access tokens (2023 on) are issued by the OIDC exchange, which the stand-in does not offer.
            raise ApiError(401, "You must be logged in to request this resource. The access token is not valid.")
        return self._user_by_cookie(received, transaction)

    def _user_by_key(self, key: str, transaction: Transaction) -> Document | None:
        hashed = hash_api_key(key)
        now = time.monotonic()
        kept = self._users.get(hashed)
        if kept is not None and now - kept[0] < _FRESH:
            return kept[1]
        generation = self._generation
        rows = transaction.query("ApiKey", where={"ApiKeyHashed": hashed})
        user = transaction.load("User", rows[0]["UserId"]) if rows and not self._expired(rows[0]) else None
        if user is not None and not user.get("IsActive", True):
            user = None
        with self._lock:
            if generation == self._generation:
                if len(self._users) >= _MOST_KEYS:
                    self._users = {}
                self._users[hashed] = (now, user)
        return user

    def _expired(self, row: Document) -> bool:
        expires = row.get("Expires")
        return bool(expires) and str(expires) <= self._server.now().isoformat()

    # -- sessions ----------------------------------------------------------------------------------------------------

    @property
    def session_cookie(self) -> str:
        return f"OctopusIdentificationToken_{self._server.installation_id}"

    @property
    def csrf_cookie(self) -> str:
        return f"Octopus-Csrf-Token_{self._server.installation_id}"

    def session_value(self, user: Document) -> str:
        """The user's id and identification token, sealed with the master key so that it outlives a restart of the
        server.
        """
        return (
            self._server.master_key.encrypt(f"{user['Id']}|{user['IdentificationToken']}")
            .replace("+", "-")
            .replace("/", "_")
            .replace("=", ".")
        )

    def csrf_value(self, session: str) -> str:
        return hmac.new(self._server.installation_id.encode(), session.encode(), hashlib.sha256).hexdigest()

    def _user_by_cookie(self, received: Received, transaction: Transaction) -> Document | None:
        cookies = parse_cookies(received.headers.get("cookie", ""))
        session = cookies.get(self.session_cookie)
        if not session:
            return None
        try:
            sealed = session.replace("-", "+").replace("_", "/").replace(".", "=")
            identity, _, token = self._server.master_key.decrypt(sealed).partition("|")
        except WrongMasterKey:
            return None
        user = transaction.load("User", identity)
        if (
            user is None
            or not user.get("IsActive", True)
            or str(user.get("IdentificationToken")).lower() != token.lower()
        ):
            return None
        if received.effective_method not in SAFE_METHODS:
            expected = self.csrf_value(session)
            sent = received.headers.get("x-octopus-csrf-token", "")
            if not hmac.compare_digest(expected, sent):
                raise ApiError(
                    401, "A required anti-forgery token was not supplied or was invalid. Please log in again."
                )
        return user
