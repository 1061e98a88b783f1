"""Which constraint a failed change broke, told in SQL Server's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import failures, messages
from standins.sqlserver.engine.database import Database
from standins.sqlserver.engine.model import ForeignKeyModel, IndexModel, TableModel
from standins.sqlserver.engine.physical import table_name
from standins.sqlserver.engine.values import Stored
from standins.sqlserver.tsql.translate.plan import ChangePlan
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession


class Violations:
    """Explains apsw.ConstraintError."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session

    def explain(
        self, error: apsw.ConstraintError, plan: ChangePlan, rows: list[tuple[Stored, ...]] | None
    ) -> Exception:
        table, database = self._table(plan)
        del rows
        if table is None:
            return failures.translate(error, self._session.spid)
        shown = f"{plan.relation.database}.{plan.relation.label}"
        column = failures.null_violation(error, table)
        if column is not None:
            return messages.null_not_allowed(column, shown, "UPDATE" if plan.kind == "UPDATE" else "INSERT")
        index, unique = failures.unique_violation(error, table)
        if unique and index is not None:
            kind = {"PRIMARY KEY": "PRIMARY KEY", "UNIQUE": "UNIQUE KEY"}.get(index.key_kind, "")
            return messages.duplicate_key(kind, index.name, plan.relation.label, self._duplicate(plan, table, index))
        check = failures.check_violation(error)
        if check is not None:
            found = next((item for item in table.checks if item.name == check), None)
            columns = [found.column] if found is not None and found.column else []
            return messages.constraint_conflict(
                plan.kind, "CHECK", check, (plan.relation.database, plan.relation.label), columns
            )
        if "FOREIGN KEY" in str(error) and database is not None:
            return self._foreign_key(plan, table, database)
        return failures.translate(error, self._session.spid)

    def _table(self, plan: ChangePlan) -> tuple[TableModel | None, Database | None]:
        relation = plan.relation
        if relation.database == "tempdb":
            return self._session.temporary_by_id(relation.object_id), None
        database = self._session.server.find(relation.database)
        if database is None:
            return None, None
        return self._session.link.model(database).table_by_id(relation.object_id), database

    def _duplicate(self, plan: ChangePlan, table: TableModel, index: IndexModel) -> str:
        """The key value that was there already, found by looking at the rows the statement was about to write."""
        if plan.proposed is None:
            return ""
        places = {name: place for place, name in enumerate(plan.proposed_columns)}
        names = [column.name for column in index.columns]
        if any(name not in places for name in names):
            return ""
        try:
            rows = self._proposed_rows(plan)
        except (apsw.Error, SqlServerError):
            return ""
        seen: set[tuple[Any, ...]] = set()
        for row in rows:
            key = tuple(row[places[name]] for name in names)
            folded = tuple(part.rstrip(" ").casefold() if isinstance(part, str) else part for part in key)
            if folded in seen or self._exists(plan, table, names, key):
                return ", ".join("<NULL>" if part is None else _shown(part) for part in key)
            seen.add(folded)
        return ""

    def _proposed_rows(self, plan: ChangePlan) -> list[tuple[Any, ...]]:
        assert plan.proposed is not None
        return self._session.querying.run_command(plan.proposed).fetchall()[:10_000]

    def _exists(self, plan: ChangePlan, table: TableModel, names: list[str], key: tuple[Any, ...]) -> bool:
        schema = plan.relation.sql.partition(".")[0]
        tests = " AND ".join(f"{quote(name)} IS ?" for name in names)
        sql = f"SELECT 1 FROM {schema}.{quote(table_name(table))} WHERE {tests} LIMIT 1"
        return self._session.link.raw.execute(sql, key).fetchone() is not None

    # --- foreign keys --------------------------------------------------------------------------------------------

    def _foreign_key(self, plan: ChangePlan, table: TableModel, database: Database) -> SqlServerError:
        """Run the change again with the check put off, ask SQLite which rows are orphans, and undo it."""
        raw = self._session.link.raw
        model = self._session.link.model(database)
        candidates: list[tuple[TableModel, ForeignKeyModel]] = [
            (table, key) for key in table.foreign_keys if key.enabled
        ]
        candidates += [pair for pair in model.referencing(table) if pair[1].enabled]
        found: tuple[TableModel, ForeignKeyModel] | None = None
        raw.execute("SAVEPOINT blame")
        try:
            raw.execute("PRAGMA defer_foreign_keys = ON")
            for command in (*plan.before, *plan.changes):
                self._session.querying.run_command(command).fetchall()
            found = next((pair for pair in candidates if self._has_orphans(database, *pair)), None)
        except (apsw.Error, SqlServerError, KeyError):
            found = None
        finally:
            raw.execute("ROLLBACK TO blame; RELEASE blame; PRAGMA defer_foreign_keys = OFF")
        if found is None:
            found = candidates[0]
        child, key = found
        if child.object_id == table.object_id and plan.kind != "DELETE":
            kind = "FOREIGN KEY SAME TABLE" if key.table.lower() == table.name.lower() else "FOREIGN KEY"
            where = f"{key.schema}.{key.table}"
            return messages.constraint_conflict(plan.kind, kind, key.name, (database.name, where), list(key.references))
        kind = "SAME TABLE REFERENCE" if child.object_id == table.object_id else "REFERENCE"
        return messages.constraint_conflict(plan.kind, kind, key.name, (database.name, child.label), list(key.columns))

    def _has_orphans(self, database: Database, child: TableModel, key: ForeignKeyModel) -> bool:
        return bool(self._session.link.raw.execute(orphans(database.alias, child, key) + " LIMIT 1").fetchone())


def orphans(schema: str, child: TableModel, key: ForeignKeyModel) -> str:
    """A query for the rows of ``child`` whose foreign key points at nothing."""
    own = f"{schema}.{quote(table_name(child))}"
    parent = f"{schema}.{quote(f'{key.schema}.{key.table}')}"
    filled = " AND ".join(f"c.{quote(column)} IS NOT NULL" for column in key.columns)
    same = " AND ".join(f"p.{quote(b)} = c.{quote(a)}" for a, b in zip(key.columns, key.references, strict=True))
    return f"SELECT c.rowid FROM {own} AS c WHERE {filled} AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {same})"


def _shown(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
