"""The seams inside the Octopus Server stand-in: documents, the store, the running server, and the route table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import total_ordering
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from standins.octopus.crypto import MasterKey

#: One document as the API layer and the behaviours see it: PascalCase properties as the stored JSON has them, plus
#: ``Id`` and every indexed column of its table under the column's name. Columns are in ``Kind.columns``.
Document = dict[str, Any]


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """An Octopus Server version, ``YYYY.minor.build``."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        major, minor, patch = (int(part) for part in text.split("."))
        return cls(major, minor, patch)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def __lt__(self, other: Version) -> bool:
        return (self.major, self.minor, self.patch) < (other.major, other.minor, other.patch)


@dataclass(frozen=True, slots=True)
class Kind:
    """One document type: its table, its ids, and the columns that are not in the JSON.

    ``columns`` holds for the version the store was opened at. ``space_scoped`` documents carry ``SpaceId`` from
    2019.1 on.
    """

    name: str
    table: str
    id_prefix: str
    columns: Mapping[str, str]  # column name → T-SQL type
    space_scoped: bool
    unique: Sequence[Sequence[str]] = ()


class Transaction(Protocol):
    """Work on the documents inside one database transaction.

    Kinds are named as in ``store/kinds.toml`` ("Project", "ServerTask", …).
    """

    def load(self, kind: str, id: str) -> Document | None: ...

    def load_many(self, kind: str, ids: Iterable[str]) -> list[Document]: ...

    def query(
        self,
        kind: str,
        *,
        where: Mapping[str, Any] | None = None,
        contains: Mapping[str, str] | None = None,
        space: str | Sequence[str | None] | None = None,
        order_by: str = "",
        skip: int = 0,
        take: int | None = None,
    ) -> list[Document]:
        """Documents whose columns equal ``where`` (a list means IN, None means IS NULL) and contain ``contains``."""
        ...

    def count(
        self,
        kind: str,
        *,
        where: Mapping[str, Any] | None = None,
        contains: Mapping[str, str] | None = None,
        space: str | Sequence[str | None] | None = None,
    ) -> int: ...

    def insert(self, kind: str, document: Document) -> Document:
        """Insert; allocates ``Id`` from KeyAllocation when the document has none. Unique clashes raise ``Conflict``."""
        ...

    def update(self, kind: str, document: Document) -> None: ...

    def claim(self, kind: str, id: str, version: int) -> bool:
        """Whether the document's ``Version`` still is this one; if so, nobody else changes it until the end."""
        ...

    def delete(self, kind: str, id: str) -> None: ...

    def new_id(self, kind: str) -> str:
        """The next id of a kind, for documents that have to name each other before they are written."""
        ...

    def execute(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Plain T-SQL for what documents cannot say (joins, views, counts). Returns the rows, if any."""
        ...


class Store(Protocol):
    """An Octopus database reached by T-SQL over ODBC only."""

    version: Version

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Commits at the end, rolls back on any exception. Safe from several threads (one connection each)."""
        ...

    def kind(self, name: str) -> Kind: ...

    def close(self) -> None: ...


class Conflict(Exception):
    """A unique constraint was broken; ``column`` names what must be unique."""

    def __init__(self, kind: str, columns: Sequence[str]) -> None:
        super().__init__(f"{kind}: {', '.join(columns)} must be unique")
        self.kind = kind
        self.columns = tuple(columns)


class Unfit(Exception):
    """A value that no column or document can hold: too long a text, too large a number, a structure for a text."""


@dataclass(frozen=True, slots=True)
class ServerFolders:
    """The server folders on disk; each may be stored in the database (``path`` command)."""

    packages: Path
    artifacts: Path
    task_logs: Path
    logs: Path
    imports: Path | None = None  # since 2021.1
    event_exports: Path | None = None  # since 2023.3


class TaskEngine(Protocol):
    """The task queue of a running server."""

    def wake(self) -> None:
        """A task was queued or an interruption answered: look at the queue now."""
        ...

    def cancel(self, task_id: str) -> None: ...

    @property
    def is_scheduling(self) -> bool:
        """Whether what is due by the clock is done."""
        ...

    def schedule(self, *, on: bool) -> None:
        """Stop doing what is due by the clock, or begin again and look at the clock now."""
        ...

    def stop(self) -> None: ...


@dataclass(slots=True)
class Server:
    """Everything a handler, a task or a start-up step may use. One per process, handed on explicitly."""

    version: Version
    store: Store
    master_key: MasterKey
    folders: ServerFolders
    node_name: str
    installation_id: str
    regressions: frozenset[int] = frozenset()
    ready: bool = False
    tasks: TaskEngine | None = None
    now: Callable[[], datetime] = field(default=lambda: datetime.now().astimezone())

    def at_least(self, version: str) -> bool:
        return self.version >= Version.parse(version + ".0" * (2 - version.count(".")))


class Rights(Protocol):
    """What the caller may do (permissions of the user's teams, scoped by space, project, environment and tenant)."""

    def allows(
        self,
        permission: str,
        *,
        space: str | None = None,
        projects: Sequence[str] | None = None,
        project_groups: Sequence[str] | None = None,
        environments: Sequence[str] | None = None,
        tenants: Sequence[str] | None = None,
    ) -> bool:
        """None: the dimension does not apply to what is asked about.

        A scoped grant covers it if it covers any of the values.
        """
        ...

    def require(
        self,
        permission: str,
        *,
        space: str | None = None,
        projects: Sequence[str] | None = None,
        project_groups: Sequence[str] | None = None,
        environments: Sequence[str] | None = None,
        tenants: Sequence[str] | None = None,
    ) -> None:
        """Raises the documented 403 unless ``allows``."""
        ...

    def spaces(self, permission: str = "") -> frozenset[str]:
        """The spaces in which the caller holds the permission (any permission for "") for at least something."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One API request as a handler sees it."""

    server: Server
    transaction: Transaction
    method: str
    path: Mapping[str, str]  # path parameters, decoded
    query: Mapping[str, str]  # names lower-cased; repeated values joined by a comma
    headers: Mapping[str, str]  # names lower-cased
    body: Any  # parsed JSON (property names as sent), or None
    files: Sequence[UploadedFile]
    user: Document | None  # None for anonymous routes
    space: str | None  # the space the request is about; None before 2019.1 and on system routes
    raw_body: bytes = b""
    url: str = ""  # path and query as sent: paging links echo it
    rights: Rights | None = None  # None: the server itself acts, which may do everything


@dataclass(frozen=True, slots=True)
class UploadedFile:
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A handler's answer. ``body``: a dict or list (JSON), bytes, str (text/plain), a Path (streamed file), or None."""

    body: Any = None
    status: int = 200
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class ApiError(Exception):
    """Becomes the documented error body {ErrorMessage, Errors, …} with this status."""

    def __init__(self, status: int, message: str, errors: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = tuple(errors)


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the route table.

    ``path`` is below ``/api`` (or below ``/api/{space}`` for space routes) and uses ``{name}`` parameters. ``scope`` is
    ``system`` (unscoped only), ``space`` (from 2019.1 under /api/{space}/… and unscoped for the default space) or
    ``mixed``
    (both, across the spaces the caller may see). ``since`` and ``until`` are versions (inclusive, exclusive).
    ``permission`` is the name demanded, "" for any signed-in user, None for anonymous. ``statuses`` are its answers
    besides the usual refusals, where the method and the path do not tell them.
    """

    method: str
    path: str
    handler: Handler
    scope: str = "space"
    permission: str | None = ""
    since: str = ""
    until: str = ""
    operation: str = ""
    statuses: Sequence[int] = ()
