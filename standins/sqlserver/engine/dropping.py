"""DROP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Sink, SqlServerError
from standins.sqlserver.engine import messages, moments, physical
from standins.sqlserver.engine.database import delete_object
from standins.sqlserver.tsql import ddl
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.translate.values import quote

if TYPE_CHECKING:
    from standins.sqlserver.engine.defining import Defining
    from standins.sqlserver.engine.session import EngineSession


class Dropping:
    """What DROP does to each kind of object."""

    def __init__(self, session: EngineSession, definitions: Defining) -> None:
        self._session = session
        self._definitions = definitions

    def drop(self, statement: ddl.Drop, sink: Sink) -> None:
        droppers: dict[str, Callable[[ObjectName, bool], None]] = {
            "TABLE": self._drop_table,
            "VIEW": lambda name, missing: self._drop_module(name, missing, "view", ("VIEW",)),
            "PROCEDURE": lambda name, missing: self._drop_module(name, missing, "procedure", ("PROCEDURE",)),
            "FUNCTION": lambda name, missing: self._drop_module(
                name, missing, "function", ("FUNCTION", "INLINE FUNCTION", "TABLE FUNCTION")
            ),
            "TYPE": self._drop_type,
            "SCHEMA": self._drop_schema,
            "DATABASE": lambda name, missing: self._session.databases.drop(name.name, missing),
        }
        if statement.kind == "INDEX":
            assert statement.table is not None
            self._drop_table_index(statement.names[0].name, statement.table, statement.if_exists)
        elif statement.kind not in droppers:
            raise unsupported(f"DROP {statement.kind}", statement.line)
        else:
            for name in statement.names:
                droppers[statement.kind](name, statement.if_exists)
        sink.done(None)

    def _drop_table(self, name: ObjectName, if_exists: bool) -> None:
        if name.temporary:
            table = self._session.temporary(name.name)
            if table is not None:
                self._session.transactions.before_write(None)
                with self._session.transactions.statement():
                    self._definitions.temporaries.drop(table)
            elif not if_exists:
                raise messages.cannot_drop("table", name.name)
            return
        database = self._definitions.database_of(name)
        table = self._definitions.model(database).table(name.schema, name.name)
        if table is None:
            if not if_exists:
                raise messages.cannot_drop("table", str(name))
            return
        referencing = [
            key
            for child, key in self._definitions.model(database).referencing(table)
            if child.object_id != table.object_id
        ]
        if referencing:
            text = f"Could not drop object '{name}' because it is referenced by a FOREIGN KEY constraint."
            raise SqlServerError(3726, text, 16, 1)
        with self._definitions.change(database) as raw:
            raw.execute(f"DROP TABLE {database.alias}.{quote(physical.table_name(table))}")
            delete_object(raw, database.alias, table.object_id)
            raw.execute(f'DELETE FROM {database.alias}."sys.counters" WHERE name = ?', (f"identity:{table.object_id}",))
            self._session.link.set_model(database, self._definitions.model(database).without_table(table))

    def _drop_table_index(self, index_name: str, table_name: ObjectName, if_exists: bool) -> None:
        if table_name.temporary:
            table = self._session.temporary(table_name.name)
            index = table.index(index_name) if table is not None else None
            if table is None or index is None:
                if if_exists:
                    return
                raise messages.cannot_drop("index", f"{table_name}.{index_name}")
            self._definitions.drop_index(self._session.link.raw, "temp", table, index)
            changed = replace(table, indexes=tuple(known for known in table.indexes if known is not index))
            self._session.temporaries[table_name.name.lower()] = changed
            return
        database = self._definitions.database_of(table_name)
        table = self._definitions.model(database).table(table_name.schema, table_name.name)
        index = table.index(index_name) if table is not None else None
        if table is None or index is None:
            if if_exists:
                return
            raise messages.cannot_drop("index", f"{table_name}.{index_name}")
        if index.key_kind:
            text = (
                f"An explicit DROP INDEX is not allowed on index '{table_name}.{index.name}'. It is being used for "
                f"{index.key_kind} constraint enforcement."
            )
            raise SqlServerError(3723, text, 16, 4)
        with self._definitions.change(database) as raw:
            self._definitions.drop_index(raw, database.alias, table, index)
            remaining = tuple(known for known in table.indexes if known is not index)
            self._definitions.store_table(database, replace(table, indexes=remaining, modified=moments.now_text()))

    def _drop_module(self, name: ObjectName, if_exists: bool, kind: str, kinds: tuple[str, ...]) -> None:
        database = self._definitions.database_of(name)
        module = self._definitions.model(database).module(name.schema, name.name)
        if module is None or module.kind not in kinds:
            if if_exists:
                return
            raise messages.cannot_drop(kind, str(name))
        with self._definitions.change(database) as raw:
            delete_object(raw, database.alias, module.object_id)
            self._session.link.set_model(database, self._definitions.model(database).without_module(module))

    def _drop_type(self, name: ObjectName, if_exists: bool) -> None:
        database = self._definitions.database_of(name)
        model = self._definitions.model(database)
        found = model.table_type(name.schema, name.name)
        if found is None:
            if if_exists:
                return
            text = f"Cannot find the type '{name}', because it does not exist or you do not have permission."
            raise SqlServerError(218, text, 16, 1)
        with self._definitions.change(database) as raw:
            delete_object(raw, database.alias, found.object_id)
            kept = tuple(known for known in model.table_types if known is not found)
            self._session.link.set_model(database, replace(model, table_types=kept))

    def _drop_schema(self, name: ObjectName, if_exists: bool) -> None:
        database = self._session.current
        model = self._definitions.model(database)
        found = model.schema(name.name)
        if found is None:
            if if_exists:
                return
            text = f"Cannot drop the schema '{name}', because it does not exist or you do not have permission."
            raise SqlServerError(15151, text, 16, 1)
        owned = next((o for o in (*model.tables, *model.modules) if o.schema.lower() == found.name.lower()), None)
        if owned is not None:
            text = f"Cannot drop schema '{found.name}' because it is being referenced by object '{owned.name}'."
            raise SqlServerError(3729, text, 16, 1)
        with self._definitions.change(database) as raw:
            delete_object(raw, database.alias, -found.schema_id)
            kept = tuple(known for known in model.schemas if known is not found)
            self._session.link.set_model(database, replace(model, schemas=kept))
