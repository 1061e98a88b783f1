"""The grammar of CREATE, ALTER and DROP."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.ddl import (
    AddToTable,
    AlterColumn,
    AlterIndex,
    AlterTable,
    ColumnDefinition,
    Constraint,
    CreateIndex,
    CreateTable,
    Drop,
    DropFromTable,
    InlineIndex,
    SwitchConstraints,
    TableBody,
)
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.statements import Statement
from standins.sqlserver.tsql.tables import TableParser


class DefinitionParser(TableParser):
    """Tables, indexes and what is dropped; modules and databases follow in the next layers."""

    # --- tables --------------------------------------------------------------------------------------------------

    def create_table(self, line: int) -> Statement:
        name = self.object_name()
        if self.at("AS"):
            raise unsupported("CREATE TABLE AS " + self.ahead().text, line)
        body = self.table_body()
        self._storage()
        return CreateTable(name, body, line=line)

    # --- indexes -------------------------------------------------------------------------------------------------

    def create_index(self, line: int) -> Statement:
        """After CREATE, at UNIQUE, CLUSTERED, NONCLUSTERED or INDEX."""
        unique = self.accept("UNIQUE")
        clustered = self.accept("CLUSTERED")
        if not clustered:
            self.accept("NONCLUSTERED")
        if self.at("COLUMNSTORE"):
            raise unsupported("A columnstore index", line)
        self.expect("INDEX")
        name = self.identifier()
        self.expect("ON")
        table = self.object_name()
        columns = self._index_columns()
        index = self._index_rest(name, unique, clustered, columns)
        options = self.index_options() if self.at("WITH") else frozenset[str]()
        self._storage()
        return CreateIndex(table, index, "DROP_EXISTING" in options, line=line)

    def alter_index(self, line: int) -> Statement:
        name = "ALL" if self.accept("ALL") else self.identifier()
        self.expect("ON")
        table = self.object_name()
        if self.at("DISABLE"):
            raise unsupported("ALTER INDEX DISABLE", line)
        if not self.accept_any("REBUILD", "REORGANIZE"):
            self.expect("SET")
            self.expect("(")
            while not self.accept(")"):
                self.advance()
        if self.at("WITH"):
            self.index_options()
        return AlterIndex(name, table, line=line)

    # --- ALTER TABLE ---------------------------------------------------------------------------------------------

    def alter_table(self, line: int) -> Statement:
        table = self.object_name()
        verify: bool | None = None
        if self.accept("WITH"):
            verify = self.accept("CHECK")
            if not verify:
                self.expect("NOCHECK")
        if self.accept("ADD"):
            return AlterTable(table, self._additions(verify is not False), line=line)
        if self.accept("ALTER", "COLUMN"):
            return AlterTable(table, AlterColumn(self.column(for_alter=True)), line=line)
        if self.accept("DROP"):
            return AlterTable(table, self._removals(), line=line)
        if self.at_any("CHECK", "NOCHECK"):
            enable = self.advance().word == "CHECK"
            self.expect("CONSTRAINT")
            names: list[str] = []
            if not self.accept("ALL"):
                names.append(self.identifier())
                while self.accept(","):
                    names.append(self.identifier())
            return AlterTable(table, SwitchConstraints(enable, bool(verify), tuple(names)), line=line)
        if self.at_any("REBUILD", "SWITCH", "ENABLE", "DISABLE", "SET"):
            raise unsupported("ALTER TABLE … " + self.token.word, line)
        raise self.error()

    def _additions(self, verify: bool) -> AddToTable:
        columns: list[ColumnDefinition] = []
        constraints: list[Constraint] = []
        indexes: list[InlineIndex] = []
        while True:
            if self.at("DEFAULT"):
                constraints.append(self.table_constraint())
            else:
                self._body_item(columns, constraints, indexes)
            if not self.accept(","):
                break
        return AddToTable(TableBody(tuple(columns), tuple(constraints), tuple(indexes)), verify)

    def _removals(self) -> DropFromTable:
        constraints: list[tuple[str, bool]] = []
        columns: list[tuple[str, bool]] = []
        target = constraints
        while True:
            if self.accept("COLUMN"):
                target = columns
            elif self.accept("CONSTRAINT"):
                target = constraints
            if_exists = self.accept("IF", "EXISTS")
            target.append((self.identifier(), if_exists))
            if self.at("WITH", "("):
                self.index_options()
            if not self.accept(","):
                break
        return DropFromTable(tuple(constraints), tuple(columns))

    # --- DROP ----------------------------------------------------------------------------------------------------

    def drop(self, line: int) -> Statement:
        self.expect("DROP")
        kind = self.advance().word
        kind = {"PROC": "PROCEDURE"}.get(kind, kind)
        if kind == "INDEX":
            return self._drop_index(line)
        if kind not in ("TABLE", "VIEW", "PROCEDURE", "FUNCTION", "TYPE", "SCHEMA", "DATABASE", "TRIGGER"):
            self.place -= 1
            self.token = self.tokens[self.place]
            raise unsupported("DROP " + self.token.text.upper(), line) if self.at_name() else self.error()
        if_exists = self.accept("IF", "EXISTS")
        names = [self.object_name()]
        while self.accept(","):
            names.append(self.object_name())
        return Drop(kind, tuple(names), if_exists, line=line)

    def _drop_index(self, line: int) -> Statement:
        if_exists = self.accept("IF", "EXISTS")
        name = self.object_name()
        if self.accept("ON"):
            table = self.object_name()
        elif name.schema:  # the old form: DROP INDEX table.index
            table = ObjectName(name.schema, name.database, "", line)
        else:
            text = "Must specify the table name and index name for the DROP INDEX statement."
            raise SqlServerError(159, text, 15, 1, line)
        if self.at("WITH", "("):
            self.index_options()
        if self.at(","):
            raise unsupported("DROP INDEX of several indexes", line)
        return Drop("INDEX", (ObjectName(name.name, line=line),), if_exists, table, line=line)
