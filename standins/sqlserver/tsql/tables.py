"""The grammar of what a table is made of: columns, constraints, indexes."""

from __future__ import annotations

from standins.sqlserver.tsql.changes import ChangeParser
from standins.sqlserver.tsql.ddl import (
    CheckDefinition,
    ColumnDefinition,
    Constraint,
    DefaultDefinition,
    ForeignKeyDefinition,
    IndexColumn,
    InlineIndex,
    KeyDefinition,
    TableBody,
)
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.tokens import Kind

_TABLE_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK")
#: Storage options without meaning here.
_STORAGE = ("ON", "TEXTIMAGE_ON", "FILESTREAM_ON")


class TableParser(ChangeParser):
    """The body of CREATE TABLE, and its parts where other statements name them."""

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

    def _storage(self) -> None:
        while self.at_any(*_STORAGE) and self.ahead().kind in (Kind.NAME, Kind.QUOTED, Kind.STRING):
            self.advance()
            self.advance()
        if self.at("WITH", "("):
            self.index_options()

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
