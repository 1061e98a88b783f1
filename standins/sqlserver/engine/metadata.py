"""Metadata functions: OBJECT_ID, COL_LENGTH, COLUMNPROPERTY, IDENT_CURRENT and the like."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine.catalog.base import TYPE_IDS
from standins.sqlserver.engine.catalog.objects import object_rows, schema_id
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.script import parse_name

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database
    from standins.sqlserver.engine.model import TableModel
    from standins.sqlserver.engine.session import EngineSession
    from standins.sqlserver.engine.temporary import TemporaryDatabase


class Metadata:
    """What a session's database contains, asked by name or id; an unknown name or id is NULL."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session
        self._server = session.server

    def functions(self) -> dict[str, Callable[..., Any]]:
        return {
            "t_object_id": self._object_id, "t_object_name": self._object_name,
            "t_object_schema_name": self._object_schema_name, "t_object_definition": self._object_definition,
            "t_schema_id": self._schema_id, "t_schema_name": self._schema_name, "t_type_id": self._type_id,
            "t_type_name": self._type_name, "t_col_name": self._col_name, "t_col_length": self._col_length,
            "t_columnproperty": self._column_property, "t_objectproperty": self._object_property,
            "t_indexproperty": self._index_property, "t_index_col": self._index_col,
            "t_ident_current": self._ident_current, "t_ident_seed": self._ident_seed,
            "t_ident_incr": self._ident_increment,
        }  # fmt: skip

    def _parsed(self, text: str | None) -> tuple[ObjectName, Database] | None:
        if text is None:
            return None
        try:
            name = parse_name(text)
        except SqlServerError:
            return None
        database = self._server.find(name.database) if name.database else self._session.current
        return (name, database) if database is not None else None

    def _object_id(self, text: str | None, kind: str | None = None) -> int | None:
        found = self._parsed(text)
        if found is None:
            return None
        name, database = found
        if name.temporary:
            table = self._session.temporary(name.name)
            return table.object_id if table is not None else None
        if database.name.lower() == "tempdb" and name.name.startswith("#"):
            return None
        self._session.link.attach(database)
        model = self._session.link.model(database)
        wanted = schema_id(model, name.schema or "dbo")
        code = kind.strip().upper() if kind else ""
        for row in object_rows(model):
            if (
                str(row[0]).lower() == name.name.lower()
                and row[3] == wanted
                and (not code or str(row[5]).strip() == code)
            ):
                return int(row[1])
        return None

    def _row_of(self, object_id: int | None, database_id: int | None = None) -> tuple[Any, ...] | None:
        database = self._session.current
        if database_id is not None:
            database = next((d for d in self._server.all_databases() if d.id == database_id), database)
        self._session.link.attach(database)
        return next((row for row in object_rows(self._session.link.model(database)) if row[1] == object_id), None)

    def _object_name(self, object_id: int | None, database_id: int | None = None) -> str | None:
        row = self._row_of(object_id, database_id)
        return row[0] if row is not None else None

    def _object_schema_name(self, object_id: int | None, database_id: int | None = None) -> str | None:
        row = self._row_of(object_id, database_id)
        return self._schema_name(row[3]) if row is not None else None

    def _object_definition(self, object_id: int | None) -> str | None:
        model = self._session.link.model(self._session.current)
        return next((module.text for module in model.modules if module.object_id == object_id), None)

    def _schema_id(self, name: str | None = "dbo") -> int | None:
        found = self._session.link.model(self._session.current).schema(name or "")
        return found.schema_id if found is not None else None

    def _schema_name(self, number: int | None = 1) -> str | None:
        schemas = self._session.link.model(self._session.current).schemas
        return next((schema.name for schema in schemas if schema.schema_id == number), None)

    @staticmethod
    def _type_id(name: str | None) -> int | None:
        return TYPE_IDS.get((name or "").lower().removeprefix("sys."))

    @staticmethod
    def _type_name(number: int | None) -> str | None:
        return next((name for name, known in TYPE_IDS.items() if known == number), None)

    def _table_of(self, object_id: int | None) -> TableModel | None:
        return self._session.link.model(self._session.current).table_by_id(object_id or 0)

    def _named_table(self, text: str | None) -> tuple[TableModel, Database | TemporaryDatabase] | None:
        found = self._parsed(text)
        if found is None:
            return None
        name, database = found
        if name.temporary:
            table = self._session.temporary(name.name)
            return (table, self._session.tempdb) if table is not None else None
        self._session.link.attach(database)
        table = self._session.link.model(database).table(name.schema, name.name)
        return (table, database) if table is not None else None

    def _col_name(self, object_id: int | None, number: int | None) -> str | None:
        table = self._table_of(object_id)
        return next((c.name for c in table.columns if c.column_id == number), None) if table else None

    def _col_length(self, table_name: str | None, column: str | None) -> int | None:
        found = self._named_table(table_name)
        known = found[0].column(column or "") if found else None
        return types.max_bytes(known.type) if known is not None else None

    def _column_property(self, object_id: int | None, column: str | None, name: str | None) -> int | None:
        table = self._table_of(object_id)
        known = table.column(column or "") if table else None
        if known is None:
            return None
        length = known.type.length
        return {
            "allowsnull": int(known.nullable), "isidentity": int(known.identity is not None), "iscomputed": 0,
            "columnid": known.column_id, "precision": length if length and known.type.name in types.STRINGS else
            types.precision(known.type), "scale": known.type.scale, "isrowguidcol": int(known.rowguid),
            "issparse": 0, "ishidden": 0, "charmaxlen": -1 if length is None else length,
        }.get((name or "").lower())  # fmt: skip

    def _object_property(self, object_id: int | None, name: str | None) -> int | None:
        row = self._row_of(object_id)
        if row is None:
            return None
        code = str(row[5]).strip()
        table = self._table_of(object_id)
        return {
            "istable": int(code == "U"), "isusertable": int(code == "U"), "isview": int(code == "V"),
            "isprocedure": int(code == "P"), "isscalarfunction": int(code == "FN"),
            "istablefunction": int(code in ("IF", "TF")), "isinlinefunction": int(code == "IF"),
            "isprimarykey": int(code == "PK"), "isforeignkey": int(code == "F"), "isconstraint": int(code in
            ("PK", "UQ", "F", "C", "D")), "ismsshipped": 0, "schemaid": row[3], "ownerid": 1, "isschemabound": 0,
            "tablehasprimarykey": int(bool(table and table.primary_key)),
            "tablehasidentity": int(bool(table and table.identity)),
            "tablehasclustindex": int(bool(table and any(i.clustered for i in table.indexes))),
        }.get((name or "").lower())  # fmt: skip

    def _index_property(self, object_id: int | None, index: str | None, name: str | None) -> int | None:
        table = self._table_of(object_id)
        known = table.index(index or "") if table else None
        if known is None:
            return None
        return {
            "isunique": int(known.unique), "isclustered": int(known.clustered), "indexid": known.index_id,
            "isdisabled": 0, "ispadindex": 0, "indexfillfactor": 0,
        }.get((name or "").lower())  # fmt: skip

    def _index_col(self, table_name: str | None, index_id: int | None, key: int | None) -> str | None:
        found = self._named_table(table_name)
        index = next((i for i in found[0].indexes if i.index_id == index_id), None) if found else None
        if index is None or key is None or not 1 <= key <= len(index.columns):
            return None
        return index.columns[key - 1].name

    def _ident_seed(self, table_name: str | None) -> str | None:
        return self._ident(table_name, 0)

    def _ident_increment(self, table_name: str | None) -> str | None:
        return self._ident(table_name, 1)

    def _ident(self, table_name: str | None, part: int) -> str | None:
        found = self._named_table(table_name)
        if found is None or found[0].identity is None or found[0].identity.identity is None:
            return None
        return str(found[0].identity.identity[part])

    def _ident_current(self, table_name: str | None) -> str | None:
        found = self._named_table(table_name)
        if found is None or found[0].identity is None:
            return None
        table, database = found
        current = database.identities.get(table.object_id)
        return str(current) if current is not None else self._ident(table_name, 0)
