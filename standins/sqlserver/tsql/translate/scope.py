"""Which columns are in sight."""

from __future__ import annotations

from dataclasses import dataclass, field

from standins.sqlserver.tsql.errors import ambiguous_column, invalid_column, unbound_identifier
from standins.sqlserver.tsql.translate.names import Relation
from standins.sqlserver.tsql.translate.values import Sql


@dataclass(slots=True)
class Bound:
    """One source of FROM with the columns it offers; ``alias`` is its name in SQLite's SQL.

    ``row`` is the text of its row id where rows can be changed through it; ``base`` is the table they belong to.
    """

    name: str
    alias: str
    columns: tuple[Sql, ...]
    schema: str = ""
    database: str = ""
    relation: Relation | None = None
    row: str = ""
    #: The name as the query writes it, for messages.
    label: str = ""

    def matches(self, qualifier: tuple[str, ...]) -> bool:
        names = (self.name.lower(), self.schema.lower(), self.database.lower())
        wanted = [part.lower() for part in reversed(qualifier)]
        if wanted[0] != names[0]:
            return False
        return all(not part or not known or part == known for part, known in zip(wanted[1:], names[1:], strict=False))


@dataclass(slots=True)
class Scope:
    """The sources of one query, and the scope around it for correlated subqueries."""

    sources: list[Bound] = field(default_factory=list[Bound])
    outer: Scope | None = None

    def resolve(self, parts: tuple[str, ...], line: int) -> tuple[Sql, Bound]:
        """The column a name means, from the inside to the outside."""
        *qualifier, column = parts
        scope: Scope | None = self
        bound = False
        while scope is not None:
            found = scope.find(tuple(qualifier), column)
            if len(found) > 1:
                raise ambiguous_column(column, line)
            if found:
                return found[0]
            bound = bound or bool(qualifier and scope.sources_of(tuple(qualifier)))
            scope = scope.outer
        if qualifier and not bound:
            raise unbound_identifier(".".join(parts), line)
        raise invalid_column(column, line)

    def find(self, qualifier: tuple[str, ...], column: str) -> list[tuple[Sql, Bound]]:
        wanted = column.lower()
        sources = self.sources_of(qualifier) if qualifier else self.sources
        return [(item, source) for source in sources for item in source.columns if item.name.lower() == wanted]

    def sources_of(self, qualifier: tuple[str, ...]) -> list[Bound]:
        return [source for source in self.sources if source.matches(qualifier)]
