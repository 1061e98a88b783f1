"""Arithmetic, mathematics, checksums, hashes."""

from __future__ import annotations

import gzip
import hashlib
import math
import random
import uuid
import zlib
from codecs import utf_16_le_encode
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import convert, messages
from standins.sqlserver.engine.functions.text import Function, strict
from standins.sqlserver.tsql import types

_WIDE = Context(prec=90)
_RANGES = types.INTEGER_RANGE


def _int(value: Any, name: str) -> int | None:
    """The result of integer arithmetic; SQLite goes on in floating point where 64 bits do not suffice."""
    if value is None:
        return None
    low, high = _RANGES[name]
    if isinstance(value, float) or not low <= value <= high:
        raise messages.overflow("expression", name)
    return value


def _div(a: int, b: int) -> int:
    if b == 0:
        raise messages.divide_by_zero()
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _mod(a: int, b: int) -> int:
    if b == 0:
        raise messages.divide_by_zero()
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def _float_div(a: float, b: float) -> float:
    if b == 0:
        raise messages.divide_by_zero()
    return a / b


def _float_mod(a: float, b: float) -> float:
    if b == 0:
        raise messages.divide_by_zero()
    return math.fmod(a, b)


def _dec(operator: str, left: str, right: str, precision: int, scale: int) -> str:
    """Decimal arithmetic with SQL Server's result scale: division cuts, everything else is rounded."""
    a, b = Decimal(left), Decimal(right)
    with localcontext(_WIDE):
        match operator:
            case "+":
                result = a + b
            case "-":
                result = a - b
            case "*":
                result = a * b
            case "/":
                if not b:
                    raise messages.divide_by_zero()
                result = (a / b).quantize(Decimal(1).scaleb(-scale), ROUND_DOWN)
            case _:
                if not b:
                    raise messages.divide_by_zero()
                result = a % b
        result = result.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    if abs(result) >= 10 ** (precision - scale):
        raise messages.overflow("expression", "numeric")
    return f"{result:f}" if result else f"{abs(result):f}"


def _kind(description: str) -> str:
    return description.partition("(")[0]


def _back(number: Decimal, kind: str) -> Any:
    """A decimal result in the storage of the type."""
    name = _kind(kind)
    if name in types.INTEGERS:
        return _int(int(number), name)
    if name in types.FLOATS:
        return float(number)
    return f"{number:f}"


def _abs(value: Any, kind: str) -> Any:
    if isinstance(value, str):
        return value.removeprefix("-")
    return _int(abs(value), _kind(kind)) if isinstance(value, int) else abs(value)


def _whole(value: str | float, kind: str, *, upward: bool) -> str | float:
    if isinstance(value, str):
        number = Decimal(value)
        whole = Decimal(math.ceil(number) if upward else math.floor(number))
        return f"{whole:.4f}" if _kind(kind).endswith("money") else f"{whole:f}"
    if isinstance(value, int):
        return value
    return float(math.ceil(value) if upward else math.floor(value))


def _sign(value: Any, kind: str) -> Any:
    number = Decimal(str(value))
    sign = (number > 0) - (number < 0)
    if isinstance(value, str):
        scale = len(value.partition(".")[2])
        return f"{sign:.{scale}f}" if scale else str(sign)
    del kind
    return float(sign) if isinstance(value, float) else sign


def _round(value: Any, digits: int, cut: int, kind: str) -> Any:
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(str(value))
    step = Decimal(1).scaleb(-digits)
    with localcontext(_WIDE):
        result = number.quantize(step, ROUND_DOWN if cut else ROUND_HALF_UP)
        if isinstance(value, str):
            scale = len(value.partition(".")[2])
            result = result.quantize(Decimal(1).scaleb(-scale))
    return _back(result, kind)


def _power(value: Any, exponent: float, kind: str) -> Any:
    try:
        result = math.pow(float(value), exponent)
    except (OverflowError, ValueError):
        raise messages.overflow("expression", _kind(kind)) from None
    name = _kind(kind)
    if name in types.INTEGERS:
        return _int(int(result), name)
    if name in types.FLOATS:
        return result
    scale = len(str(value).partition(".")[2])
    return f"{Decimal(repr(result)):.{scale}f}"


def _guarded(function: Function) -> Function:
    def guarded(*arguments: float) -> float:
        try:
            return function(*arguments)
        except (ValueError, OverflowError):
            raise SqlServerError(3623, "An invalid floating point operation occurred.", 16, 1) from None

    return strict(guarded)


def _checksum_of(*values: Any) -> int:
    data = bytearray()
    for value in values:
        match value:
            case None:
                data += b"\0n"
            case str():
                data += b"\1" + value.encode("utf-8", "surrogatepass") + b"\0"
            case bytes():
                data += b"\2" + value + b"\0"
            case _:
                data += b"\3" + str(value).encode() + b"\0"
    number = zlib.crc32(data)
    return number - 2**32 if number >= 2**31 else number


def _checksum(*values: Any) -> int:
    """CHECKSUM goes by the collation: case does not count. The number is not SQL Server's own."""
    return _checksum_of(*(value.rstrip(" ").casefold() if isinstance(value, str) else value for value in values))


_HASHES = {"md5": "md5", "sha": "sha1", "sha1": "sha1", "sha2_256": "sha256", "sha2_512": "sha512"}


def _hashbytes(algorithm: str, value: str | bytes, encoding: str) -> bytes | None:
    name = _HASHES.get(algorithm.lower())
    if name is None:
        return None
    data = (
        value.encode(encoding, "replace" if encoding == "cp1252" else "surrogatepass")
        if isinstance(value, str)
        else value
    )
    return hashlib.new(name, data, usedforsecurity=False).digest()


def _hash(make: Callable[..., Any]) -> Function:
    """One algorithm. Text is hashed as UTF-16, or in code page 1252 when a second argument says so."""

    def hashed(value: str | bytes | None, code_page: int = 0) -> bytes | None:
        if value is None:
            return None
        if isinstance(value, str):
            value = value.encode("cp1252", "replace") if code_page else utf_16_le_encode(value, "surrogatepass")[0]
        return make(value, usedforsecurity=False).digest()

    return hashed


def _binary_int(value: bytes | None) -> int | None:
    """The last four bytes; fewer are a positive number."""
    return None if value is None else int.from_bytes(value[-4:], "big", signed=len(value) >= 4)


def _compress(value: str | bytes, encoding: str) -> bytes:
    data = value.encode(encoding) if isinstance(value, str) else value
    return gzip.compress(data, mtime=0)


def _decompress(value: bytes) -> bytes:
    try:
        return gzip.decompress(value)
    except (OSError, EOFError, zlib.error):
        raise SqlServerError(9829, "Decompress: the value is not in the GZIP format.", 16, 1) from None


def _isnumeric(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, int | float):
        return 1
    text = str(value).strip()
    if text in ("+", "-", ".", ",", "$"):
        return 1
    try:
        convert.to_decimal(text, types.nvarchar(None), types.MONEY)
    except SqlServerError:
        try:
            float(text)
        except ValueError:
            return 0
    return 1


def _fail(number: int) -> None:
    raise messages.numbered(number)


def _row_count(value: int | None, clause: str) -> int:
    if value is None or value < 0:
        if clause == "OFFSET":
            raise SqlServerError(10742, "The offset specified in a OFFSET clause may not be negative.", 15, 1)
        raise SqlServerError(
            1060,
            "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer.",
            15,
            1,
        )
    return value


def _recursion(depth: int, limit: int) -> int:
    if limit and depth + 1 > limit:
        raise messages.numbered(530, limit)
    return depth + 1


def _ceiling(value: Any, kind: str) -> Any:
    return _whole(value, kind, upward=True)


def _floor(value: Any, kind: str) -> Any:
    return _whole(value, kind, upward=False)


def _square(value: float) -> float:
    return value * value


FUNCTIONS: dict[str, Function] = {
    "t_cast": convert.cast,
    "t_try_cast": convert.try_cast,
    "t_int": _int,
    "t_div": strict(_div),
    "t_mod": strict(_mod),
    "t_float_div": strict(_float_div),
    "t_float_mod": strict(_float_mod),
    "t_dec": strict(_dec),
    "t_abs": strict(_abs),
    "t_ceiling": strict(_ceiling),
    "t_floor": strict(_floor),
    "t_sign": strict(_sign),
    "t_round": strict(_round),
    "t_power": strict(_power),
    "t_sqrt": _guarded(math.sqrt),
    "t_square": _guarded(_square),
    "t_exp": _guarded(math.exp),
    "t_log": _guarded(math.log),
    "t_log10": _guarded(math.log10),
    "t_pi": lambda: math.pi,
    "t_checksum": _checksum,
    "t_binary_checksum": _checksum_of,
    "t_hashbytes": strict(_hashbytes),
    "t_hash_md5": _hash(hashlib.md5),
    "t_hash_sha1": _hash(hashlib.sha1),
    "t_hash_sha256": _hash(hashlib.sha256),
    "t_hash_sha512": _hash(hashlib.sha512),
    "t_binary_int": _binary_int,
    "t_compress": strict(_compress),
    "t_decompress": strict(_decompress),
    "t_isnumeric": _isnumeric,
    "t_row_count": _row_count,
    "t_recursion": _recursion,
}

#: Functions with a new value for every call.
VOLATILE: dict[str, Function] = {
    "t_newid": lambda: str(uuid.uuid4()).upper(),
    "t_newsequentialid": lambda: str(uuid.uuid1()).upper(),
    "t_rand": lambda *seed: random.Random(seed[0]).random() if seed and seed[0] is not None else random.random(),
    "t_fail": _fail,
}
