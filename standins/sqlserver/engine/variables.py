"""Variables of a batch or procedure, and what they stand for in SQL."""

from __future__ import annotations

from dataclasses import dataclass

from standins.sqlserver.contract import SqlServerError, SqlType
from standins.sqlserver.engine.model import TableModel
from standins.sqlserver.engine.values import Stored
from standins.sqlserver.tsql.errors import undeclared_table_variable, undeclared_variable


@dataclass(slots=True)
class Variable:
    type: SqlType
    value: Stored


class Frame:
    """The variables in sight: one frame per batch, procedure call and dynamic batch.

    ``signature`` sums up names and types, so that a plan made for other types is not used.
    """

    def __init__(self, label: str = "", nest: int = 0) -> None:
        self.variables: dict[str, Variable] = {}
        self.tables: dict[str, TableModel] = {}
        self.signature = 0
        self.label = label
        self.nest = nest
        self.temporaries: list[str] = []
        self.procedure_id = 0
        self.loop_declared: set[int] = set()
        #: Table variables that belong to a caller.
        self.borrowed: set[str] = set()
        #: The frame that called this one.
        self.caller: Frame | None = None

    def declare(self, name: str, type: SqlType, value: Stored = None) -> None:
        if name in self.variables or name in self.tables:
            text = (
                f"The variable name '{name}' has already been declared. Variable names must be unique within a query "
                "batch or stored procedure."
            )
            raise SqlServerError(134, text, 15, 2)
        self.variables[name] = Variable(type, value)
        self.signature = hash((self.signature, name, type))

    def declare_table(self, name: str, table: TableModel) -> None:
        self.tables[name] = table
        self.signature = hash((self.signature, name, table.name))

    def get(self, name: str) -> Variable:
        found = self.variables.get(name)
        if found is None:
            raise undeclared_variable(name)
        return found

    def table(self, name: str, line: int = 1) -> TableModel:
        found = self.tables.get(name)
        if found is None:
            raise undeclared_table_variable(name, line)
        return found
