"""Values go out and come back: the encoder writes what the decoder reads, and both are checked against known bytes."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from standins.sqlserver.contract import Column, SqlServerError, SqlType, Ticks, Value
from standins.sqlserver.tds.decode import read_type
from standins.sqlserver.tds.encode import encoder, row_encoder
from standins.sqlserver.tds.errors import ProtocolError
from standins.sqlserver.tds.reader import Reader
from standins.sqlserver.tds.wiretypes import KNOWN_TYPES, type_info

#: Types whose result column and parameter look the same on the wire (text, ntext and image do not).
texts = st.text(max_size=300)
narrow = st.text(st.characters(codec="cp1252"), max_size=300)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
#: datetime's own days; its precision is 1/300 s, so whole seconds are exact
seconds = st.datetimes(datetime(1753, 1, 1), datetime(9999, 12, 31)).map(lambda m: m.replace(microsecond=0))

TYPED_VALUES: dict[str, tuple[SqlType, st.SearchStrategy[Any]]] = {
    "tinyint": (SqlType("tinyint"), st.integers(0, 255)),
    "smallint": (SqlType("smallint"), st.integers(-(2**15), 2**15 - 1)),
    "int": (SqlType("int"), st.integers(-(2**31), 2**31 - 1)),
    "bigint": (SqlType("bigint"), st.integers(-(2**63), 2**63 - 1)),
    "bit": (SqlType("bit"), st.booleans()),
    "float": (SqlType("float"), st.floats(allow_nan=False, allow_infinity=False)),
    "real": (SqlType("real"), st.floats(allow_nan=False, allow_infinity=False, width=32)),
    "decimal": (SqlType("decimal", precision=38, scale=4), st.decimals(-(10**33), 10**33, places=4)),
    "decimal(9,9)": (SqlType("decimal", precision=9, scale=9), st.decimals(Decimal("-0.5"), Decimal("0.5"), places=9)),
    "numeric": (SqlType("numeric", precision=12, scale=0), st.integers(-(10**12) + 1, 10**12 - 1).map(Decimal)),
    "money": (SqlType("money"), st.integers(-(2**63), 2**63 - 1).map(lambda n: Decimal(n).scaleb(-4))),
    "smallmoney": (SqlType("smallmoney"), st.integers(-(2**31), 2**31 - 1).map(lambda n: Decimal(n).scaleb(-4))),
    "nvarchar": (SqlType("nvarchar", 4000), texts),
    "nvarchar(max)": (SqlType("nvarchar", None), texts),
    "nchar": (SqlType("nchar", 4000), texts),
    "varchar": (SqlType("varchar", 8000), narrow),
    "varchar(max)": (SqlType("varchar", None), narrow),
    "char": (SqlType("char", 300), narrow),
    "binary": (SqlType("binary", 400), st.binary(max_size=400)),
    "varbinary": (SqlType("varbinary", 400), st.binary(max_size=400)),
    "varbinary(max)": (SqlType("varbinary", None), st.binary(max_size=400)),
    "xml": (SqlType("xml"), texts),
    "uniqueidentifier": (SqlType("uniqueidentifier"), st.uuids()),
    "date": (SqlType("date"), st.dates()),
    "time": (SqlType("time", scale=7), st.times()),
    "datetime": (SqlType("datetime"), seconds),
    "smalldatetime": (
        SqlType("smalldatetime"),
        st.datetimes(datetime(1900, 1, 1), datetime(2079, 6, 6)).map(lambda m: m.replace(second=0, microsecond=0)),
    ),
    "datetime2": (SqlType("datetime2", scale=7), moments),
    "datetimeoffset": (
        SqlType("datetimeoffset", scale=7),
        st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones),
    ),
    "ticks": (SqlType("datetime2", scale=7), st.builds(Ticks, moments, st.integers(1, 9))),
    "sql_variant": (
        SqlType("sql_variant"),
        st.one_of(
            st.booleans(),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False, allow_infinity=False),
            st.decimals(-(10**20), 10**20, places=3),
            texts,
            st.binary(max_size=100),
            st.uuids(),
            moments,
            st.dates(),
            st.times(),
        ),
    ),
}


def there_and_back(sql_type: SqlType, value: Value) -> Value:
    reader = Reader(type_info(sql_type) + encoder(sql_type)(value))
    wire_type = read_type(reader)
    back = wire_type.read(reader)
    assert reader.at_end
    return back


@pytest.mark.parametrize("name", TYPED_VALUES)
@given(data=st.data())
def test_values_come_back_as_they_went(name: str, data: st.DataObject) -> None:
    sql_type, values = TYPED_VALUES[name]
    value = data.draw(values)
    assert there_and_back(sql_type, value) == value


@pytest.mark.parametrize("name", TYPED_VALUES)
def test_null_comes_back_as_null(name: str) -> None:
    sql_type, _ = TYPED_VALUES[name]
    assert there_and_back(sql_type, None) is None


@pytest.mark.parametrize("name", TYPED_VALUES)
def test_the_type_itself_comes_back(name: str) -> None:
    sql_type, _ = TYPED_VALUES[name]
    back = read_type(Reader(type_info(sql_type))).type
    assert (back.name, back.length, back.scale) == (
        {"decimal": "numeric"}.get(sql_type.name, sql_type.name),
        sql_type.length,
        sql_type.scale,
    )


@given(sign=st.sampled_from(["\ud83d", "\ude00"]))
def test_half_a_surrogate_pair_is_a_legal_nvarchar(sign: str) -> None:
    assert there_and_back(SqlType("nvarchar", 10), sign) == sign


@pytest.mark.parametrize(
    ("sql_type", "value", "wire"),
    [
        # worked examples, so that encoder and decoder cannot be wrong together
        (SqlType("int"), -2, "04 feffffff"),
        (SqlType("decimal", precision=5, scale=2), Decimal("-12.34"), "05 00 d2040000"),
        (SqlType("money"), Decimal("1.0000"), "08 00000000 10270000"),
        (SqlType("datetime"), datetime(1900, 1, 2, 0, 0, 1), "08 01000000 2c010000"),
        (SqlType("datetime"), datetime(1899, 12, 31, 23, 59, 59, 999999), "08 00000000 00000000"),
        (SqlType("date"), date(1, 1, 2), "03 010000"),
        (SqlType("time", scale=0), time(1, 0), "03 100e00"),
        (
            SqlType("datetimeoffset", scale=0),
            datetime(1, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
            "08 000000 000000 3c00",
        ),
        (
            SqlType("uniqueidentifier"),
            UUID("00112233-4455-6677-8899-aabbccddeeff"),
            "10 33221100554477668899aabbccddeeff",
        ),
        (SqlType("nvarchar", 4), "é", "0200 e900"),
        (SqlType("varchar", 4), "€Ж", "0200 803f"),
        (SqlType("varbinary", None), b"\1", "0100000000000000 01000000 01 00000000"),
        (SqlType("varbinary", None), b"", "0000000000000000 00000000"),
        (SqlType("bit"), 1, "01 01"),
    ],
)
def test_known_bytes(sql_type: SqlType, value: Value, wire: str) -> None:
    assert encoder(sql_type)(value) == bytes.fromhex(wire)


@given(st.binary(max_size=120))
@example(bytes.fromhex("2a07 08 ffffffffff ffffff"))
@example(bytes.fromhex("6f08 08 ffffff7f ffffffff"))
@example(bytes.fromhex("6205000000 02000000 2a00"))
def test_garbage_raises_nothing_but_its_own_errors(data: bytes) -> None:
    reader = Reader(data)
    with contextlib.suppress(ProtocolError, SqlServerError):
        read_type(reader).read(reader)


TOKENS = [info[0] for info in (type_info(SqlType(name, 10, 10, 2)) for name in sorted(KNOWN_TYPES))]


@given(token=st.sampled_from(TOKENS), data=st.binary(min_size=20, max_size=80))
def test_garbage_behind_a_known_type_raises_nothing_but_its_own_errors(token: int, data: bytes) -> None:
    reader = Reader(bytes([token]) + data)
    with contextlib.suppress(ProtocolError, SqlServerError):
        read_type(reader).read(reader)


# rows


def columns(*types: SqlType) -> list[Column]:
    return [Column(f"c{i}", sql_type) for i, sql_type in enumerate(types)]


def test_a_wide_row_with_nulls_carries_a_bitmap() -> None:
    encode = row_encoder(columns(*[SqlType("int")] * 9))
    row = encode([None, 1, None, 1, 1, 1, 1, 1, None])
    assert row[:3] == b"\xd2\x05\x01"
    assert row[3:] == b"\4\1\0\0\0" * 6


def test_a_wide_row_without_bitmaps_for_old_clients() -> None:
    encode = row_encoder(columns(*[SqlType("int")] * 9), bitmaps=False)
    assert encode([None] * 9) == b"\xd1" + b"\0" * 9


@pytest.mark.parametrize(
    ("sql_type", "value", "number"),
    [
        (SqlType("tinyint"), 256, 8115),
        (SqlType("int"), 2**31, 8115),
        (SqlType("decimal", precision=4, scale=2), Decimal(100), 8115),
        (SqlType("smallmoney"), Decimal("214748.3648"), 8115),
        (SqlType("nvarchar", 3), "four", 8152),
        (SqlType("varchar", 3), "four", 8152),
        (SqlType("varbinary", 3), b"four", 8152),
        (SqlType("int"), "1", 50000),
        (SqlType("nvarchar", 3), 1, 50000),
        (SqlType("varbinary", 3), 3, 50000),
        (SqlType("datetime2", scale=7), time(1), 50000),
        (SqlType("datetimeoffset", scale=7), datetime(2020, 1, 1), 50000),
        (SqlType("date"), "2020-01-01", 50000),
        (SqlType("uniqueidentifier"), "no guid", 50000),
    ],
)
def test_a_value_its_column_cannot_hold_is_a_numbered_error(sql_type: SqlType, value: Value, number: int) -> None:
    with pytest.raises(SqlServerError) as caught:
        row_encoder(columns(SqlType("int"), sql_type))([1, value])
    assert caught.value.number == number


def test_a_row_of_the_wrong_width_is_an_error() -> None:
    with pytest.raises(SqlServerError, match="3 values for 2 columns"):
        row_encoder(columns(SqlType("int"), SqlType("int")))([1, 2, 3])


def test_an_aware_moment_in_utc_needs_no_arithmetic_and_agrees_with_it() -> None:
    encode = encoder(SqlType("datetimeoffset", scale=7))
    moment = datetime(2021, 1, 1, 12, tzinfo=UTC)
    assert encode(moment) == encode(moment.replace(tzinfo=timezone(timedelta(0), "another zero")))
