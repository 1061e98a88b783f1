"""One database: its SQLite file, its settings, its model and its counters."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from standins.sqlserver.engine.locks import Resource
from standins.sqlserver.engine.model import Model, ModuleModel, SchemaModel, TableModel
from standins.sqlserver.engine.securitymodel import SecurityModel
from standins.sqlserver.engine.sqlite import Connection, connect

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_KINDS: dict[str, type] = {
    "table": TableModel, "type": TableModel, "module": ModuleModel, "schema": SchemaModel, "security": SecurityModel,
}  # fmt: skip


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    """Made when a database with objects is opened: pydantic is a fifth of what a start takes, and a new server has
    nothing to read."""
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(_KINDS[kind])


#: The engine's own tables inside each database.
MODEL_TABLE, COUNTER_TABLE = '"sys.model"', '"sys.counters"'
_FIRST_OBJECT_ID = 245_575_913
_OBJECT_ID_STEP = 16_000_057


@dataclass
class Settings:
    """What the server keeps about a database outside of its file; names as ``sys.databases`` has them."""

    database_id: int
    name: str
    path: str
    log_path: str
    created: str
    collation: str
    compatibility_level: int
    recovery: str = "FULL"
    access: str = "MULTI_USER"
    read_only: bool = False
    read_committed_snapshot: bool = False
    snapshot_isolation: bool = False
    state: str = "ONLINE"
    family_guid: str = ""
    #: The login that owns the database: in it, it is ``dbo``.
    owner: str = "sa"
    data_name: str = ""
    log_name: str = ""
    options: dict[str, str] = field(default_factory=dict[str, str])


class Database:
    """Shared by all sessions. ``model`` is what was committed last."""

    def __init__(self, settings: Settings, root: Path) -> None:
        self.settings = settings
        self.path = Path(settings.path) if Path(settings.path).is_absolute() else root / settings.path
        self.writer = Resource(f"database {settings.name}")
        self.model = Model()
        self.identities: dict[int, int] = {}
        self.rowversion = 2000
        self.counter_lock = threading.Lock()
        self.users: set[int] = set()

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def id(self) -> int:
        return self.settings.database_id

    @property
    def alias(self) -> str:
        """The name under which sessions attach the file."""
        return f"d{self.settings.database_id}"

    # --- creation and loading ------------------------------------------------------------------------------------

    def initialise(self) -> None:
        """A new, empty file."""
        connection = connect(str(self.path))
        try:
            connection.execute("PRAGMA page_size = 8192; PRAGMA auto_vacuum = NONE")
            connection.execute("PRAGMA journal_mode = wal")
            connection.execute(
                f"CREATE TABLE {MODEL_TABLE} (object_id INTEGER PRIMARY KEY, kind TEXT NOT NULL, definition TEXT "
                "NOT NULL);"
                f"CREATE TABLE {COUNTER_TABLE} (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
                f"INSERT INTO {COUNTER_TABLE} VALUES ('object_id', {_FIRST_OBJECT_ID}), ('rowversion', 2000)"
            )
        finally:
            connection.close()

    def load(self) -> None:
        """Model and counters from the file."""
        connection = connect(str(self.path))
        try:
            self.model = load_model(connection, "main")
            counters = dict(connection.execute(f"SELECT name, value FROM {COUNTER_TABLE}").fetchall())
        finally:
            connection.close()
        self.rowversion = int(counters.get("rowversion", 2000))
        self.identities = {
            int(name[9:]): int(value) for name, value in counters.items() if name.startswith("identity:")
        }

    # --- counters ------------------------------------------------------------------------------------------------

    def next_identity(self, table: TableModel) -> int:
        """Identity values are handed out once, whether or not the transaction commits."""
        column = table.identity
        assert column is not None
        assert column.identity is not None
        seed, increment = column.identity
        with self.counter_lock:
            current = self.identities.get(table.object_id)
            value = seed if current is None else current + increment
            self.identities[table.object_id] = value
        return value

    def raise_identity(self, table: TableModel, value: int) -> None:
        """An explicit value beyond the current one moves the counter."""
        assert table.identity is not None
        assert table.identity.identity is not None
        _, increment = table.identity.identity
        with self.counter_lock:
            current = self.identities.get(table.object_id)
            if current is None or (value > current if increment > 0 else value < current):
                self.identities[table.object_id] = value

    def next_rowversion(self) -> bytes:
        with self.counter_lock:
            self.rowversion += 1
            return self.rowversion.to_bytes(8, "big")


# --- the model in the file -------------------------------------------------------------------------------------


def load_model(connection: Connection, schema: str) -> Model:
    found: dict[str, list[Any]] = {"table": [], "type": [], "module": [], "schema": [], "security": []}
    for kind, definition in connection.execute(
        f"SELECT kind, definition FROM {schema}.{MODEL_TABLE} ORDER BY object_id"
    ):
        found[str(kind)].append(_adapter(str(kind)).validate_json(str(definition)))
    model = Model()
    return Model(
        tuple(found["table"]),
        tuple(found["module"]),
        tuple(found["type"]),
        (*model.schemas, *found["schema"]),
        found["security"][0] if found["security"] else model.security,
    )


def save_object(connection: Connection, schema: str, kind: str, object_id: int, item: Any) -> None:
    connection.execute(
        f"INSERT OR REPLACE INTO {schema}.{MODEL_TABLE} VALUES (?, ?, ?)",
        (object_id, kind, orjson.dumps(asdict(item)).decode()),
    )


def delete_object(connection: Connection, schema: str, object_id: int) -> None:
    connection.execute(f"DELETE FROM {schema}.{MODEL_TABLE} WHERE object_id = ?", (object_id,))


def next_object_id(connection: Connection, schema: str) -> int:
    """Object ids wander through the positive ints as SQL Server's do."""
    row = connection.execute(f"SELECT value FROM {schema}.{COUNTER_TABLE} WHERE name = 'object_id'").fetchone()
    assert row is not None
    value = int(row[0]) + _OBJECT_ID_STEP
    if value >= 2**31:
        value -= 2**31 - 1_000_000
    connection.execute(f"UPDATE {schema}.{COUNTER_TABLE} SET value = ? WHERE name = 'object_id'", (value,))
    return value


def save_counter(connection: Connection, schema: str, name: str, value: int) -> None:
    connection.execute(f"INSERT OR REPLACE INTO {schema}.{COUNTER_TABLE} VALUES (?, ?)", (name, value))
