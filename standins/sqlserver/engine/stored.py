"""Definitions that are kept as text."""

from __future__ import annotations

from standins.sqlserver.engine.model import ModuleModel
from standins.sqlserver.tsql.ddl import CreateModule
from standins.sqlserver.tsql.script import parse_batch


def module_definition(module: ModuleModel) -> CreateModule:
    """The syntax tree of a stored definition."""
    statement = parse_batch(module.text).statements[0]
    assert isinstance(statement, CreateModule)
    return statement
