"""The grammar of CREATE, ALTER and DROP."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.changes import ChangeParser
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.statements import (
    AddToTable,
    AlterColumn,
    AlterIndex,
    AlterTable,
    CheckDefinition,
    ColumnDefinition,
    Constraint,
    CreateIndex,
    CreateTable,
    DefaultDefinition,
    Drop,
    DropFromTable,
    ForeignKeyDefinition,
    IndexColumn,
    InlineIndex,
    KeyDefinition,
    Statement,
    SwitchConstraints,
    TableBody,
)
from standins.sqlserver.tsql.tokens import Kind

_TABLE_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK")
#: Storage options without meaning here.
_STORAGE = ("ON", "TEXTIMAGE_ON", "FILESTREAM_ON")


class DefinitionParser(ChangeParser):
    """Tables, indexes and what is dropped; modules and databases follow in the next layers."""

    # --- tables --------------------------------------------------------------------------------------------------

    def create_table(self, line: int) -> Statement:
        name = self.object_name()
        if self.at("AS"):
            raise unsupported("CREATE TABLE AS " + self.ahead().text, line)
        body = self.table_body()
        self._storage()
        return CreateTable(name, body, line=line)

    def _storage(self) -> None:
        while self.at_any(*_STORAGE) and self.ahead().kind in (Kind.NAME, Kind.QUOTED, Kind.STRING):
            self.advance()
            self.advance()
        if self.at("WITH", "("):
            self.index_options()

    def table_body(self) -> TableBody:
        self.expect("(")
        columns: list[ColumnDefinition] = []
        constraints: list[Constraint] = []
        indexes: list[InlineIndex] = []
        while True:
            self._body_item(columns, constraints, indexes)
            if not self.accept(",") or self.at(")"):
                break
        self.expect(")")
        return TableBody(tuple(columns), tuple(constraints), tuple(indexes))

    def _body_item(
        self, columns: list[ColumnDefinition], constraints: list[Constraint], indexes: list[InlineIndex]
    ) -> None:
        if self.at_any(*_TABLE_CONSTRAINTS):
            constraints.append(self.table_constraint())
        elif self.at("INDEX"):
            self.advance()
            indexes.append(self._inline_index(self.identifier(), ""))
        elif self.at("PERIOD"):
            raise unsupported("PERIOD FOR SYSTEM_TIME", self.line)
        else:
            columns.append(self.column())

    def column(self, *, for_alter: bool = False) -> ColumnDefinition:  # noqa: PLR0912 - one branch per property
        name = self.identifier()
        if self.at("AS"):
            raise unsupported("A computed column", self.line)
        if self.at("TIMESTAMP") or self.at("ROWVERSION") or self.token.kind in (Kind.NAME, Kind.QUOTED):
            data_type = self.data_type()
        else:
            raise self.error()
        nullable: bool | None = None
        identity: tuple[int, int] | None = None
        collation, rowguid = "", False
        default: DefaultDefinition | None = None
        constraints: list[Constraint] = []
        indexes: list[InlineIndex] = []
        while True:
            if self.accept("NOT", "NULL"):
                nullable = False
            elif self.accept("NULL"):
                nullable = True
            elif self.accept("COLLATE"):
                collation = self.identifier()
            elif for_alter:
                break
            elif self.accept("IDENTITY"):
                identity = self._identity()
            elif self.accept("NOT", "FOR"):
                self.expect("REPLICATION")
            elif self.accept("ROWGUIDCOL"):
                rowguid = True
            elif self.at_any("SPARSE", "MASKED", "GENERATED", "ENCRYPTED", "FILESTREAM", "HIDDEN", "PERSISTED"):
                raise unsupported("The column property " + self.token.word, self.line)
            elif self.at("INDEX"):
                self.advance()
                indexes.append(self._inline_index(self.identifier(), name))
            elif self.at_any("CONSTRAINT", "DEFAULT", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "FOREIGN"):
                constraint = self._column_constraint(name)
                if isinstance(constraint, DefaultDefinition):
                    default = constraint
                else:
                    constraints.append(constraint)
            else:
                break
        return ColumnDefinition(
            name, data_type, nullable, identity, collation, default, tuple(constraints), tuple(indexes), rowguid
        )

    def _identity(self) -> tuple[int, int]:
        if not self.accept("("):
            return 1, 1
        seed = self.integer()
        self.expect(",")
        increment = self.integer()
        self.expect(")")
        return seed, increment

    # --- constraints ---------------------------------------------------------------------------------------------

    def _column_constraint(self, column: str) -> Constraint:
        name = self.identifier() if self.accept("CONSTRAINT") else ""
        if self.accept("DEFAULT"):
            return self.default(name, column)
        if self.at_any("PRIMARY", "UNIQUE"):
            return self._key(name, column)
        if self.at("FOREIGN"):
            self.expect("FOREIGN", "KEY")
        if self.at("REFERENCES"):
            return self._references(name, (column,))
        return self._check(name)

    def table_constraint(self) -> Constraint:
        name = self.identifier() if self.accept("CONSTRAINT") else ""
        if self.at_any("PRIMARY", "UNIQUE"):
            return self._key(name, "")
        if self.accept("FOREIGN", "KEY"):
            return self._references(name, self.identifiers())
        if self.at("CHECK"):
            return self._check(name)
        if self.accept("DEFAULT"):
            definition = self.default(name, "")
            self.expect("FOR")
            column = self.identifier()
            with_values = self.accept("WITH", "VALUES")
            return DefaultDefinition(name, definition.value, definition.text, column, with_values)
        raise self.error()

    def default(self, name: str, column: str) -> DefaultDefinition:
        start = self.place
        value = self.expression()
        text = self.slice(start)
        with_values = bool(column) and self.accept("WITH", "VALUES")
        return DefaultDefinition(name, value, text, column, with_values)

    def _key(self, name: str, column: str) -> KeyDefinition:
        primary = self.accept("PRIMARY", "KEY")
        if not primary:
            self.expect("UNIQUE")
        clustered: bool | None = None
        if self.accept("CLUSTERED"):
            clustered = True
        elif self.accept("NONCLUSTERED"):
            clustered = False
        columns = self._index_columns() if self.at("(") else (IndexColumn(column),)
        if not columns[0].name:
            raise self.error()
        self._storage()
        return KeyDefinition(name, primary, clustered, columns)

    def _references(self, name: str, columns: tuple[str, ...]) -> ForeignKeyDefinition:
        self.expect("REFERENCES")
        table = self.object_name()
        references = self.identifiers() if self.at("(") else ()
        on_delete = on_update = "NO ACTION"
        while self.at("ON", "DELETE") or self.at("ON", "UPDATE"):
            self.advance()
            which = self.advance().word
            action = self._referential_action()
            if which == "DELETE":
                on_delete = action
            else:
                on_update = action
        if self.accept("NOT", "FOR"):
            self.expect("REPLICATION")
        return ForeignKeyDefinition(name, columns, table, references, on_delete, on_update)

    def _referential_action(self) -> str:
        if self.accept("NO", "ACTION"):
            return "NO ACTION"
        if self.accept("CASCADE"):
            return "CASCADE"
        self.expect("SET")
        action = self.accept_any("NULL", "DEFAULT")
        if not action:
            raise self.error()
        return "SET " + action

    def _check(self, name: str) -> CheckDefinition:
        self.expect("CHECK")
        if self.accept("NOT", "FOR"):
            self.expect("REPLICATION")
        self.expect("(")
        start = self.place
        condition = self.condition()
        text = self.slice(start)
        self.expect(")")
        return CheckDefinition(name, condition, f"({text})")

    # --- indexes -------------------------------------------------------------------------------------------------

    def _index_columns(self) -> tuple[IndexColumn, ...]:
        self.expect("(")
        columns: list[IndexColumn] = []
        while True:
            name = self.identifier()
            columns.append(IndexColumn(name, self.accept_any("ASC", "DESC") == "DESC"))
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(columns)

    def _inline_index(self, name: str, column: str) -> InlineIndex:
        unique = self.accept("UNIQUE")
        clustered = self.accept("CLUSTERED")
        if not clustered:
            self.accept("NONCLUSTERED")
        columns = self._index_columns() if self.at("(") else (IndexColumn(column),)
        if not columns[0].name:
            raise self.error()
        return self._index_rest(name, unique, clustered, columns)

    def _index_rest(self, name: str, unique: bool, clustered: bool, columns: tuple[IndexColumn, ...]) -> InlineIndex:
        include = self.identifiers() if self.accept("INCLUDE") else ()
        condition, text = None, ""
        if self.accept("WHERE"):
            start = self.place
            condition = self.condition()
            text = f"({self.slice(start)})"
        return InlineIndex(name, unique, clustered, columns, include, condition, text)

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

    def index_options(self) -> frozenset[str]:
        """Names of the options that are switched on; IGNORE_DUP_KEY changes what an INSERT does, so it is refused."""
        self.expect("WITH")
        if not self.accept("("):
            self.expect("FILLFACTOR", "=")
            self.integer()
            return frozenset()
        switched: set[str] = set()
        while not self.accept(")"):
            name = self.advance().word
            on = True
            if self.accept("="):
                on = self.advance().word != "OFF"
                if self.accept("("):
                    while not self.accept(")"):
                        self.advance()
            if on and name == "IGNORE_DUP_KEY":
                raise unsupported("IGNORE_DUP_KEY", self.line)
            if on and name == "SYSTEM_VERSIONING":
                raise unsupported("SYSTEM_VERSIONING", self.line)
            if on:
                switched.add(name)
            self.accept(",")
            if self.token.kind is Kind.END:
                raise self.error()
        return frozenset(switched)

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
