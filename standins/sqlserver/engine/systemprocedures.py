"""System stored procedures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink, SqlServerError, SqlType
from standins.sqlserver.engine.arguments import Arguments, Given, send
from standins.sqlserver.engine.catalog.storage import row_count
from standins.sqlserver.engine.catalogprocedures import PROCEDURES as CATALOG
from standins.sqlserver.engine.procedures import SystemProcedure
from standins.sqlserver.engine.renaming import rename
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.script import parse_name

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession


def _executesql(session: EngineSession, given: list[Given], sink: Sink) -> int:
    return session.calls.execute_sql(given, sink)


def _rename(session: EngineSession, given: list[Given], sink: Sink) -> int:
    arguments = Arguments(given, "objname newname objtype")
    if not session.checks.in_database("ALTER"):
        raise unsupported("sp_rename by a login that may not alter the database")
    rename(session, arguments.text("objname"), arguments.text("newname"), arguments.text("objtype", "OBJECT").upper())
    text = "Caution: Changing any part of an object name could break scripts and stored procedures."
    sink.info(SqlServerError(15477, text, 0, 1))
    return 0


def _refresh(session: EngineSession, given: list[Given], _sink: Sink) -> int:
    name = Arguments(given, "viewname").text("viewname") or Arguments(given, "name").text("name")
    session.definitions.modules.refresh(parse_name(name))
    return 0


def _getapplock(session: EngineSession, given: list[Given], _sink: Sink) -> int:
    arguments = Arguments(given, "Resource LockMode LockOwner LockTimeout DbPrincipal")
    timeout = arguments.number(
        "locktimeout", -1 if session.lock_timeout is None else round(session.lock_timeout * 1000)
    )
    return session.applocks.acquire(
        arguments.text("resource"), arguments.text("lockmode"), arguments.text("lockowner", "Transaction"), timeout
    )


def _releaseapplock(session: EngineSession, given: list[Given], _sink: Sink) -> int:
    arguments = Arguments(given, "Resource LockOwner DbPrincipal")
    return session.applocks.release(arguments.text("resource"), arguments.text("lockowner", "Transaction"))


def _spaceused(session: EngineSession, given: list[Given], sink: Sink) -> int:
    size = types.SqlType("varchar", 18)
    arguments = Arguments(given, "objname updateusage")
    database = session.current
    pages = max(1, database.path.stat().st_size // 8192)
    if arguments.given("objname"):
        _, table = session.definitions.require_table(parse_name(arguments.text("objname")), 15009)
        rows = row_count(session, database, table)
        total = sum(row_count(session, database, known) for known in session.link.model(database).tables) or 1
        kilobytes = pages * 8 * rows // total
        send(
            sink,
            [
                ("name", types.SYSNAME),
                ("rows", SqlType("char", 20)),
                ("reserved", size),
                ("data", size),
                ("index_size", size),
                ("unused", size),
            ],
            [(table.name, str(rows).ljust(20), f"{kilobytes} KB", f"{kilobytes} KB", "0 KB", "0 KB")],
        )
        return 0
    send(
        sink,
        [("database_name", types.SYSNAME), ("database_size", size), ("unallocated space", size)],
        [(database.name, f"{pages / 128:.2f} MB", "0.00 MB")],
    )
    send(
        sink,
        [("reserved", size), ("data", size), ("index_size", size), ("unused", size)],
        [(f"{pages * 8} KB", f"{pages * 8} KB", "0 KB", "0 KB")],
    )
    return 0


def _who(session: EngineSession, _given: list[Given], sink: Sink) -> int:
    columns = [
        ("spid", types.SMALLINT), ("ecid", types.SMALLINT), ("status", SqlType("nchar", 30)), ("loginame",
        types.SYSNAME),
        ("hostname", SqlType("nchar", 128)), ("blk", SqlType("char", 5)), ("dbname", types.SYSNAME),
        ("cmd", SqlType("nchar", 26)), ("request_id", types.INT),
    ]  # fmt: skip
    rows = [
        (
            known.spid, 0, ("runnable" if known.running else "sleeping").ljust(30), known.login,
            known.request.host_name.ljust(128), str(session.server.locks.blocker(known.spid)).ljust(5), known.database,
            (known.command if known.running else "AWAITING COMMAND").ljust(26), 0,
        )
        for known in session.server.all_sessions()
    ]  # fmt: skip
    send(sink, columns, rows)
    return 0


def _nothing(_session: EngineSession, _given: list[Given], _sink: Sink) -> int:
    return 0


def _reset(session: EngineSession, _given: list[Given], _sink: Sink) -> int:
    session.reset()
    return 0


def _set_session_context(session: EngineSession, given: list[Given], _sink: Sink) -> int:
    arguments = Arguments(given, "key value read_only")
    session.session_context[arguments.text("key")] = arguments.text("value")
    return 0


PROCEDURES: dict[str, SystemProcedure] = {
    "sp_executesql": _executesql, "sp_rename": _rename, "sp_refreshview": _refresh, "sp_refreshsqlmodule": _refresh,
    "sp_getapplock": _getapplock, "sp_releaseapplock": _releaseapplock, "sp_spaceused": _spaceused, "sp_who": _who,
    "sp_who2": _who, "sp_updatestats": _nothing, "sp_reset_connection": _reset, "sp_recompile": _nothing,
    "sp_set_session_context": _set_session_context, **CATALOG,
}  # fmt: skip


def find_procedure(name: ObjectName) -> SystemProcedure | None:
    """A system procedure; they are found from every database, with or without ``sys.`` or ``dbo.``."""
    if name.schema.lower() not in ("", "sys", "dbo"):
        return None
    return PROCEDURES.get(name.name.lower())
