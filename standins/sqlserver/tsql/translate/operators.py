"""What ``+``, ``/``, ``=`` and their like mean for the types of their operands."""

from __future__ import annotations

from standins.sqlserver.contract import SqlType
from standins.sqlserver.tsql import collations, types
from standins.sqlserver.tsql.errors import incompatible_operands, invalid_operand
from standins.sqlserver.tsql.translate.conversion import as_decimal, convert, limited_decimal, unify
from standins.sqlserver.tsql.translate.values import Sql, collation_of

_WORDS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo", "&": "boolean AND",
    "|": "boolean OR", "^": "boolean XOR", "=": "equal to", "<>": "not equal to", "<": "less than",
    ">": "greater than", "<=": "less than or equal to", ">=": "greater than or equal to",
}  # fmt: skip
_UNCOMPARABLE = frozenset({"text", "ntext", "image", "xml"})
_DATE_ARITHMETIC = frozenset({"datetime", "smalldatetime"})


def arithmetic(operator: str, left: Sql, right: Sql) -> Sql:
    """``left operator right``."""
    if left.is_null and right.is_null:
        return Sql("NULL", types.INT)
    if operator == "+" and _concatenates(left, right):
        return concatenate([left, right])
    target = unify(left.type, right.type)
    name = target.name
    if name in _DATE_ARITHMETIC and operator in "+-":
        a, b = convert(left, target), convert(right, target)
        return Sql(f"t_date_math('{operator}', {a.text}, {b.text})", target)
    if name not in types.NUMBERS or name == "bit":
        _refuse(operator, left, right, target)
    if operator in "&|^":
        return _bitwise(operator, left, right, target)
    if name in types.INTEGERS:
        return _integers(operator, convert(left, target), convert(right, target), target)
    if name in types.FLOATS:
        a, b = convert(left, target), convert(right, target)
        if operator in "/%":
            return Sql(f"t_float_{'div' if operator == '/' else 'mod'}({a.text}, {b.text})", target)
        return Sql(f"({a.text} {operator} {b.text})", target, nullable=a.nullable or b.nullable)
    return _decimals(operator, left, right, target)


def _refuse(operator: str, left: Sql, right: Sql, target: SqlType) -> None:
    if operator in "&|^" and target.name == "bit":
        return
    word = _WORDS[operator]
    if left.type.name == right.type.name or target.name == "bit" or right.is_null or left.is_null:
        raise invalid_operand(word, target.name)
    raise incompatible_operands(left.type.name, right.type.name, word)


def _concatenates(left: Sql, right: Sql) -> bool:
    if left.is_string or right.is_string:
        return (left.is_string or left.is_null) and (right.is_string or right.is_null)
    binaries = types.BINARIES
    return left.type.name in binaries and right.type.name in binaries


def concatenate(parts: list[Sql]) -> Sql:
    """Strings (or binaries) joined; more than 4,000 or 8,000 characters are cut unless one part is (max)."""
    strings = any(part.is_string for part in parts)
    unicode = any(part.type.name in types.UNICODE for part in parts)
    name = ("nvarchar" if unicode else "varchar") if strings else "varbinary"
    limit = 4000 if name == "nvarchar" else 8000
    lengths = [part.type.length for part in parts if not part.is_null]
    text = "(" + " || ".join(part.text for part in parts) + ")"
    if not strings:
        text = f"CAST({text} AS BLOB)"
    if any(length is None for length in lengths):
        length = None
    else:
        length = sum(length or 0 for length in lengths)
        if length > limit:
            text, length = f"substr({text}, 1, {limit})", limit
    collation, strength = collation_of(parts, "concatenation")
    nullable = any(part.nullable for part in parts)
    return Sql(text, SqlType(name, length), collation, strength, nullable=nullable)


def _integers(operator: str, left: Sql, right: Sql, target: SqlType) -> Sql:
    nullable = left.nullable or right.nullable
    known = right.literal.value if right.literal is not None else None
    if operator == "%" and isinstance(known, int) and known > 0:  # as in SQLite: the sign is the dividend's
        return Sql(f"({left.text} % {known})", target, nullable=nullable)
    if operator in "/%":
        function = "t_div" if operator == "/" else "t_mod"
        return Sql(f"{function}({left.text}, {right.text})", target, nullable=nullable)
    return Sql(f"t_int({left.text} {operator} {right.text}, '{target.name}')", target, nullable=nullable)


def _bitwise(operator: str, left: Sql, right: Sql, target: SqlType) -> Sql:
    if target.name not in types.INTEGERS:
        raise incompatible_operands(left.type.name, right.type.name, _WORDS[operator])
    a, b = convert(left, target).text, convert(right, target).text
    if operator == "^":
        return Sql(f"(({a} | {b}) - ({a} & {b}))", target)
    return Sql(f"({a} {operator} {b})", target)


def _operand_decimal(value: Sql) -> SqlType:
    if value.literal is not None and isinstance(value.literal.value, int):
        return types.decimal(len(str(abs(value.literal.value))), 0)
    return as_decimal(value.type)


def _decimals(operator: str, left: Sql, right: Sql, target: SqlType) -> Sql:
    if target.name in ("money", "smallmoney"):
        result = target
        a, b = convert(left, target), convert(right, target)
    else:
        one, two = _operand_decimal(left), _operand_decimal(right)
        result = decimal_result(operator, one, two)
        a, b = convert(left, one), convert(right, two)
    text = f"t_dec('{operator}', {a.text}, {b.text}, {result.precision}, {result.scale})"
    return Sql(text, result, nullable=left.nullable or right.nullable)


def decimal_result(operator: str, left: SqlType, right: SqlType) -> SqlType:
    """ "Precision, scale, and length (Transact-SQL)", Microsoft Learn."""
    p1, s1, p2, s2 = left.precision, left.scale, right.precision, right.scale
    if operator in "+-":
        scale, whole = max(s1, s2), max(p1 - s1, p2 - s2)
        precision = whole + scale + 1
        if precision > 38:
            return types.decimal(38, min(scale, 38 - whole))
        return types.decimal(precision, scale)
    if operator == "%":
        return types.decimal(min(38, min(p1 - s1, p2 - s2) + max(s1, s2)), max(s1, s2))
    if operator == "*":
        return limited_decimal(p1 + p2 + 1, s1 + s2)
    scale = max(6, s1 + p2 + 1)
    return limited_decimal(p1 - s1 + s2 + scale, scale)


def negate(operand: Sql) -> Sql:
    name = operand.type.name
    if name in types.FLOATS:
        return Sql(f"(-{operand.text})", operand.type, nullable=operand.nullable)
    if name in types.INTEGERS and name != "bit":
        return Sql(f"t_int(-{operand.text}, '{name}')", operand.type, nullable=operand.nullable)
    if name in types.DECIMALS:
        text = f"t_dec('-', '0', {operand.text}, {operand.type.precision}, {operand.type.scale})"
        return Sql(text, operand.type, nullable=operand.nullable)
    if operand.is_null:
        return operand
    raise invalid_operand("minus", name)


def complement(operand: Sql) -> Sql:
    name = operand.type.name
    if name == "bit":
        return Sql(f"(1 - {operand.text})", operand.type, nullable=operand.nullable)
    if name == "tinyint":
        return Sql(f"(255 - {operand.text})", operand.type, nullable=operand.nullable)
    if name in types.INTEGERS:
        return Sql(f"(~{operand.text})", operand.type, nullable=operand.nullable)
    raise invalid_operand("'~'", name)


def comparable(left: Sql, right: Sql, operation: str = "equal to") -> tuple[Sql, Sql, str]:
    """Both operands in forms that SQLite compares as SQL Server does, and the collation to do it by."""
    for operand in (left, right):
        if operand.type.name in _UNCOMPARABLE and not (left.is_null or right.is_null):
            raise incompatible_operands(left.type.name, right.type.name, operation)
    target = unify(left.type, right.type)
    a, b = comparison_form(left, target), comparison_form(right, target)
    if target.name in types.STRINGS:
        collation, _ = collation_of([left, right], operation)
        return a, b, collations.for_type(target, collation)
    return a, b, collations.for_type(target, "")


def comparison_form(value: Sql, target: SqlType) -> Sql:
    """The value as a member of the target's family; lengths and scales do not matter to a comparison."""
    name, wanted = value.type.name, target.name
    if name == "null":
        return value
    for family in (types.STRINGS, types.BINARIES, types.DECIMALS, types.INTEGERS, types.FLOATS):
        if name in family and wanted in family:
            return value
    if wanted in types.DECIMALS and name in types.INTEGERS:
        return convert(value, as_decimal(value.type))
    if wanted in types.DECIMALS and name in types.STRINGS:
        return convert(value, target)
    timestamps = {"datetime", "smalldatetime", "datetime2"}
    if name == wanted or (name in timestamps and wanted in timestamps):
        return value
    if wanted == "datetime2":
        return convert(value, types.DATETIME2)
    return convert(value, target)


def compare(operator: str, left: Sql, right: Sql) -> str:
    """A predicate ``left operator right``."""
    a, b, collation = comparable(left, right, _WORDS[operator])
    return f"({a.text} {operator} {with_native(a, b, collation)})"


def with_native(left: Sql, right: Sql, collation: str) -> str:
    """The right operand, with COLLATE only where SQLite would not choose this collation by itself."""
    chosen = left.native or right.native
    return right.text if chosen == collation else f"{right.text} COLLATE {collation or 'BINARY'}"
