"""What a statement would need and return, without running it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from standins.sqlserver.contract import Column, Parameter, Sink, SqlServerError, SqlType
from standins.sqlserver.engine.catalog.base import TYPE_IDS
from standins.sqlserver.engine.lookup import Lookup
from standins.sqlserver.engine.variables import Frame
from standins.sqlserver.tsql import statements, types
from standins.sqlserver.tsql.ddl import ParameterDefinition
from standins.sqlserver.tsql.script import parse_batch, parse_declarations
from standins.sqlserver.tsql.translate.merge import StatementTranslator

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession

#: Type numbers of TDS for types whose number in the protocol differs from ``system_type_id``.
_TDS_TYPES = {"int": 38, "bigint": 38, "smallint": 38, "tinyint": 38, "bit": 104, "float": 109, "real": 109,
              "money": 110, "smallmoney": 110, "datetime": 111, "smalldatetime": 111}  # fmt: skip

_I, _N, _B, _S, _T = types.INT, types.SYSNAME, types.BIT, types.SMALLINT, types.TINYINT
_PARAMETER_COLUMNS = (
    ("parameter_ordinal", _I), ("name", _N), ("suggested_system_type_id", _I),
    ("suggested_system_type_name", types.nvarchar(256)), ("suggested_max_length", _S), ("suggested_precision", _T),
    ("suggested_scale", _T), ("suggested_user_type_id", _I), ("suggested_user_type_database", _N),
    ("suggested_user_type_schema", _N), ("suggested_user_type_name", _N),
    ("suggested_assembly_qualified_type_name", types.nvarchar(4000)), ("suggested_xml_collection_id", _I),
    ("suggested_xml_collection_database", _N), ("suggested_xml_collection_schema", _N),
    ("suggested_xml_collection_name", _N), ("suggested_is_xml_document", _B), ("suggested_is_case_sensitive", _B),
    ("suggested_is_fixed_length_clr_type", _B), ("suggested_is_input", _B), ("suggested_is_output", _B),
    ("formal_parameter_name", _N), ("suggested_tds_type_id", _I), ("suggested_tds_length", _I),
)  # fmt: skip
_RESULT_COLUMNS = (
    ("is_hidden", _B), ("column_ordinal", _I), ("name", _N), ("is_nullable", _B), ("system_type_id", _I),
    ("system_type_name", types.nvarchar(256)), ("max_length", _S), ("precision", _T), ("scale", _T),
    ("collation_name", _N), ("user_type_id", _I), ("user_type_database", _N), ("user_type_schema", _N),
    ("user_type_name", _N), ("assembly_qualified_type_name", types.nvarchar(4000)), ("xml_collection_id", _I),
    ("xml_collection_database", _N), ("xml_collection_schema", _N), ("xml_collection_name", _N),
    ("is_xml_document", _B), ("is_case_sensitive", _B), ("is_fixed_length_clr_type", _B), ("source_server", _N),
    ("source_database", _N), ("source_schema", _N), ("source_table", _N), ("source_column", _N),
    ("is_identity_column", _B), ("is_part_of_unique_key", _B), ("is_updateable", _B), ("is_computed_column", _B),
    ("is_sparse_column_set", _B), ("ordinal_in_order_by_list", _S), ("order_by_is_descending", _S),
    ("order_by_list_length", _S), ("tds_type_id", _I), ("tds_length", _I), ("tds_collation_id", _I),
    ("tds_collation_sort_id", _T),
)  # fmt: skip


class Describing:
    """sp_describe_undeclared_parameters and sp_describe_first_result_set."""

    def __init__(self, session: EngineSession) -> None:
        self._session = session

    def undeclared_parameters(self, parameters: Sequence[Parameter], sink: Sink) -> None:
        text = str(parameters[0].value or "")
        declared = parse_declarations(str(parameters[1].value or "")) if len(parameters) > 1 else ()
        frame = self._frame(declared)
        found: dict[str, SqlType] = {}
        for statement in parse_batch(text).statements:
            lookup = Lookup(self._session, frame, self._session.current)
            lookup.inferences = found
            self._translate(StatementTranslator(lookup), statement)
        rows = [self._parameter_row(place, name, kind) for place, (name, kind) in enumerate(found.items(), 1)]
        self._send(_PARAMETER_COLUMNS, rows, sink)
        sink.return_status(0)

    @staticmethod
    def _frame(declared: Sequence[ParameterDefinition]) -> Frame:
        frame = Frame()
        for parameter in declared:
            if parameter.type is not None:
                frame.declare(parameter.name, parameter.type)
        return frame

    @staticmethod
    def _translate(translator: StatementTranslator, statement: statements.Statement) -> Sequence[Column]:
        match statement:
            case statements.SelectStatement():
                return translator.select(statement.query).columns
            case statements.Insert():
                plan = translator.insert(statement)
            case statements.Update():
                plan = translator.update(statement)
            case statements.Delete():
                plan = translator.delete(statement)
            case statements.Merge():
                plan = translator.merge(statement)
            case _:
                return ()
        sent = next((output for output in plan.outputs if output.target is None and not output.variables), None)
        return sent.columns if sent is not None else ()

    @staticmethod
    def _parameter_row(place: int, name: str, kind: SqlType) -> tuple[object, ...]:
        kind = types.nvarchar(4000) if kind.name == "null" else kind
        number = TYPE_IDS[kind.name]
        size = types.max_bytes(kind)
        return (
            place, name, number, types.describe(kind), size, types.precision(kind), kind.scale, None, None, None, None,
            None, None, None, None, None, False, False, False, True, False, None, _TDS_TYPES.get(kind.name, number),
            size,
        )  # fmt: skip

    def first_result_set(self, parameters: Sequence[Parameter], sink: Sink) -> None:
        text = str(parameters[0].value or "")
        declared = parse_declarations(str(parameters[1].value or "")) if len(parameters) > 1 else ()
        rows = [self._result_row(place, column) for place, column in enumerate(self._first(text, declared), 1)]
        self._send(_RESULT_COLUMNS, rows, sink)
        sink.return_status(0)

    def _first(self, text: str, declared: Sequence[ParameterDefinition]) -> Sequence[Column]:
        frame = self._frame(declared)
        for statement in parse_batch(text).statements:
            lookup = Lookup(self._session, frame, self._session.current)
            columns = self._translate(StatementTranslator(lookup), statement)
            if columns:
                return columns
        return ()

    def _result_row(self, place: int, column: Column) -> tuple[object, ...]:
        kind = column.type
        number, size = TYPE_IDS[kind.name], types.max_bytes(kind)
        collation = self._session.current.settings.collation if kind.name in types.STRINGS else None
        return (
            False, place, column.name or None, column.nullable, number, types.describe(kind), size,
            types.precision(kind),
            kind.scale, collation, None, None, None, None, None, None, None, None, None, False, False, False, None,
            None,
            None, None, None, column.identity, None, False, False, False, None, None, None,
            _TDS_TYPES.get(kind.name, number), size, None, None,
        )  # fmt: skip

    def metadata(self, text: str, declared: Sequence[ParameterDefinition], sink: Sink) -> None:
        """The column description that sp_prepare sends when asked to."""
        try:
            columns = self._first(text, declared)
        except SqlServerError:
            return
        if columns:
            sink.columns(columns)
            sink.done(None, select=True)

    @staticmethod
    def _send(columns: Sequence[tuple[str, SqlType]], rows: Sequence[tuple[object, ...]], sink: Sink) -> None:
        sink.columns([Column(name, kind) for name, kind in columns])
        for row in rows:
            sink.row(row)
        sink.done(len(rows), select=True)
