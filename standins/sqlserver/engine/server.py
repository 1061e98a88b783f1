"""The server: databases, logins, sessions."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from standins.sqlserver.contract import LoginRequest, SqlServerError
from standins.sqlserver.engine import messages, moments
from standins.sqlserver.engine.backup.history import ensure_tables
from standins.sqlserver.engine.database import Database, Settings
from standins.sqlserver.engine.files import remove_database_files, replace_file
from standins.sqlserver.engine.internal import InternalSession
from standins.sqlserver.engine.locks import LockManager, Resource
from standins.sqlserver.engine.logins import Logins
from standins.sqlserver.engine.product import PRODUCTS
from standins.sqlserver.engine.security.rights import Rights
from standins.sqlserver.engine.session import EngineSession
from standins.sqlserver.engine.temporary import TemporaryDatabase
from standins.sqlserver.tsql import collations

_SYSTEM = ("master", "tempdb", "model", "msdb")
#: Session ids below 51 are the server's own.
_FIRST_SPID = 51


class SqlServerEngine:
    """Implements ``contract.Engine``. Everything it keeps lives in the data folder."""

    def __init__(self, data: Path, sa_password: str, product_version: str = "2019") -> None:
        self.root = data.absolute()
        self.root.mkdir(parents=True, exist_ok=True)
        self.product = PRODUCTS[product_version]
        self.name = "STANDIN"
        self.collation = collations.SERVER_DEFAULT
        self.started = moments.moment_text(moments.now_ticks())
        self.backups = self.root / "backup"
        self.locks = LockManager()
        self.plans: dict[Any, Any] = {}
        self.connections = 0
        self._lock = threading.RLock()
        self._databases: dict[str, Database] = {}
        self._sessions: dict[int, EngineSession] = {}
        self._application_resources: dict[tuple[int, str], Resource] = {}
        self._single: dict[int, EngineSession] = {}
        self._unfinished: set[str] = set()
        self._devices: set[str] = set()
        self._registry = self.root / "instance.json"
        saved = self._read_registry()
        self._logins = Logins(sa_password, saved.get("logins", {}))
        self._start(saved)

    @property
    def version(self) -> tuple[int, int, int]:
        return self.product.version

    # --- start and state -----------------------------------------------------------------------------------------

    def _read_registry(self) -> dict[str, Any]:
        return orjson.loads(self._registry.read_bytes()) if self._registry.exists() else {}

    def _start(self, saved: dict[str, Any]) -> None:
        for name in saved.get("unfinished", []):  # a CREATE or RESTORE that a crash interrupted
            remove_database_files(Path(name))
        self.backups.mkdir(exist_ok=True)
        for item in saved.get("databases", []):
            settings = Settings(**item)
            database = Database(settings, self.root)
            if database.path.exists():
                if settings.state == "ONLINE":
                    database.load()
            else:
                settings.state = "RECOVERY_PENDING"
            self._databases[settings.name.lower()] = database
        for name in _SYSTEM:
            if name not in self._databases:
                self.create(name, recovery="SIMPLE" if name != "model" else "FULL")
        for leftover in self.root.glob("backup-*.tmp"):
            leftover.unlink()
        ensure_tables(self)
        self.save()

    def save(self) -> None:
        """Write the registry so that a crash leaves the old or the new one."""
        with self._lock:
            content = {
                "databases": [asdict(database.settings) for database in self._databases.values()],
                "logins": self._logins.export(),
                "unfinished": sorted(self._unfinished),
            }
            replace_file(self._registry, orjson.dumps(content, option=orjson.OPT_INDENT_2))

    def note_unfinished(self, path: Path) -> None:
        """Files that the next start removes, should this process die before it forgets them."""
        with self._lock:
            self._unfinished.add(str(path))
            self.save()

    def forget_unfinished(self, path: Path) -> None:
        with self._lock:
            self._unfinished.discard(str(path))
            self.save()

    @contextmanager
    def internal(self, database: str) -> Generator[InternalSession]:
        """A session of the server's own."""
        found = self.find(database)
        assert found is not None
        session = InternalSession(self, found)
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def backup_device(self, path: Path) -> Generator[None]:
        """One statement at a time works on a backup file."""
        key = str(path.absolute())
        with self._lock:
            if key in self._devices:
                text = (
                    f"Cannot open backup device '{path}'. Operating system error 32(The process cannot access the file "
                    "because it is being used by another process.)."
                )
                raise SqlServerError(3201, text, 16, 1)
            self._devices.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._devices.discard(key)

    # --- databases -----------------------------------------------------------------------------------------------

    @property
    def master(self) -> Database:
        return self._databases["master"]

    def find(self, name: str) -> Database | None:
        return self._databases.get(name.lower())

    def all_databases(self) -> list[Database]:
        return sorted(self._databases.values(), key=lambda database: database.id)

    def new_tempdb(self) -> TemporaryDatabase:
        return TemporaryDatabase()

    def next_database_id(self) -> int:
        taken = {database.id for database in self._databases.values()}
        return next(number for number in count(1) if number not in taken)

    def create(
        self, name: str, *, collation: str = "", path: str = "", log_path: str = "", data_name: str = "",
        log_name: str = "", recovery: str = "FULL", owner: str = "sa",
    ) -> Database:  # fmt: skip
        """A new database; a crash in the middle leaves nothing."""
        with self._lock:
            if self.find(name) is not None:
                text = f"Database '{name}' already exists. Choose a different database name."
                raise SqlServerError(1801, text, 16, 3)
            settings = self.new_settings(name, path, log_path, collation)
            settings.recovery, settings.owner = recovery, owner
            settings.data_name, settings.log_name = data_name or name, log_name or f"{name}_log"
            database = Database(settings, self.root)
            self.check_path(database.path)
            self.note_unfinished(database.path)
            try:
                database.initialise()
                Path(settings.log_path).touch()
                database.load()
            except BaseException:
                remove_database_files(database.path)
                self.forget_unfinished(database.path)
                raise
            self._databases[name.lower()] = database
            self.forget_unfinished(database.path)
            return database

    def new_settings(self, name: str, path: str = "", log_path: str = "", collation: str = "") -> Settings:
        data_path = path or str(self.root / f"{name}.mdf")
        return Settings(
            self.next_database_id(), name, data_path, log_path or str(self.root / f"{name}_log.ldf"),
            moments.moment_text(moments.to_datetime_precision(moments.now_ticks())), collation or self.collation,
            self.product.compatibility, family_guid=str(uuid.uuid4()).upper(),
        )  # fmt: skip

    def check_path(self, path: Path, ignore: Database | None = None) -> None:
        """A file must be free and its folder must exist."""
        for database in self._databases.values():
            if database is not ignore and database.path == path:
                text = f"The file '{path}' cannot be overwritten.  It is being used by database '{database.name}'."
                raise SqlServerError(1834, text, 16, 1)
        if not path.parent.is_dir():
            text = (
                f'Directory lookup for the file "{path}" failed with the operating system error 2(The system cannot '
                "find the file specified.)."
            )
            raise SqlServerError(5133, text, 16, 1)

    def adopt(self, database: Database) -> None:
        """Make a restored database visible."""
        with self._lock:
            self._databases[database.name.lower()] = database
            self.save()

    def rename(self, database: Database, name: str) -> None:
        with self._lock:
            if self.find(name) is not None:
                text = f"The database '{name}' already exists. Specify a unique database name."
                raise SqlServerError(1801, text, 16, 3)
            del self._databases[database.name.lower()]
            database.settings.name = name
            self._databases[name.lower()] = database
            self.save()

    def remove(self, database: Database) -> None:
        with self._lock:
            del self._databases[database.name.lower()]
            self._single.pop(database.id, None)
            self.note_unfinished(database.path)
            remove_database_files(database.path)
            Path(database.settings.log_path).unlink(missing_ok=True)
            self.forget_unfinished(database.path)

    # --- who may use a database ----------------------------------------------------------------------------------

    def check_access(self, database: Database, session: EngineSession) -> None:
        settings = database.settings
        if settings.state == "OFFLINE":
            text = f"Database '{database.name}' cannot be opened because it is offline."
            raise SqlServerError(942, text, 14, 4)
        if settings.state == "RESTORING":
            text = f"Database '{database.name}' cannot be opened. It is in the middle of a restore."
            raise SqlServerError(927, text, 14, 2)
        if settings.state != "ONLINE":
            text = (
                f"Database '{database.name}' cannot be opened due to inaccessible files or insufficient memory or disk "
                "space. See the SQL Server errorlog for details."
            )
            raise SqlServerError(945, text, 14, 2)
        if settings.access == "SINGLE_USER":
            with self._lock:
                holder = self._single.get(database.id)
                if (
                    holder is None
                    or holder.killed
                    or holder.spid not in self._sessions
                    or not holder.link.uses(database)
                ):
                    if self.users_of(database, session):
                        raise messages.single_user(database.name)
                    self._single[database.id] = session
                elif holder is not session:
                    raise messages.single_user(database.name)

    def set_single_user(self, database: Database, session: EngineSession | None) -> None:
        with self._lock:
            if session is None:
                self._single.pop(database.id, None)
            else:
                self._single[database.id] = session

    def users_of(self, database: Database, besides: EngineSession | None = None) -> list[EngineSession]:
        """Sessions that have the database open."""
        with self._lock:
            return [
                session
                for session in self._sessions.values()
                if session is not besides and (session.current is database or session.link.uses(database))
            ]

    @property
    def security(self) -> Logins:
        return self._logins

    # --- sessions ------------------------------------------------------------------------------------------------

    def login(self, request: LoginRequest) -> EngineSession:
        login = self._logins.check(request.user, request.password)
        name = request.database or "master"
        database = self.find(name)
        if database is None:
            raise messages.database_unavailable(name)
        with self._lock:
            self.connections += 1
            spid = next(number for number in self._numbers() if number not in self._sessions)
            if database.settings.state != "ONLINE":
                raise messages.database_unavailable(name)
            if database.settings.access == "SINGLE_USER":
                holder = self._single.get(database.id)
                if self.users_of(database) or (holder is not None and holder.spid in self._sessions):
                    raise messages.database_unavailable(name)
            if Rights(self._logins, login).user(database, database.model) is None:
                raise messages.database_unavailable(name)
            session = EngineSession(self, spid, request, login, database)
            self._sessions[spid] = session
            if database.settings.access == "SINGLE_USER":
                self._single[database.id] = session
        return session

    def _numbers(self) -> Iterator[int]:
        """Numbers of closed sessions are used again, the lowest first."""
        return iter(range(_FIRST_SPID, 32767))

    def all_sessions(self) -> list[EngineSession]:
        with self._lock:
            return [self._sessions[spid] for spid in sorted(self._sessions)]

    def session(self, spid: int) -> EngineSession | None:
        return self._sessions.get(spid)

    def forget(self, session: EngineSession) -> None:
        with self._lock:
            if self._sessions.get(session.spid) is session:
                del self._sessions[session.spid]
            for number, holder in list(self._single.items()):
                if holder is session:
                    del self._single[number]

    def application_resource(self, database: Database, name: str) -> Resource:
        with self._lock:
            key = (database.id, name)
            return self._application_resources.setdefault(key, Resource(f"application {name}"))

    def close(self) -> None:
        for session in self.all_sessions():
            session.cancel()
            session.close()
        self.save()
