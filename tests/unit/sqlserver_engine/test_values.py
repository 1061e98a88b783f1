"""What expressions are worth, and of which type: SQL Server's rules for arithmetic, conversion and functions.

Expected values follow the examples and rules of "Transact-SQL reference", Microsoft Learn.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from standins.sqlserver.tsql import types
from tests.unit.sqlserver_engine.conftest import Client

VALUES: list[tuple[str, Any, str]] = [
    ("7/2", 3, "int"),
    ("-7/2", -3, "int"),
    ("7%-3", 1, "int"),
    ("7/2.0", Decimal("3.500000"), "decimal(8,6)"),
    ("1/3.0", Decimal("0.333333"), "decimal(8,6)"),
    ("10.5*2", Decimal("21.0"), "decimal(5,1)"),
    ("CAST(1 AS DECIMAL(10,2))/3", Decimal("0.333333"), "decimal(14,6)"),
    ("CAST(1.25 AS DECIMAL(3,1))", Decimal("1.3"), "decimal(3,1)"),
    ("'a'+'b'", "ab", "varchar(2)"),
    ("'1'+1", 2, "int"),
    ("N'abc'+NULL", None, "nvarchar(3)"),
    ("1+NULL", None, "int"),
    ("'ABC'='x'", "x", "varchar(1)"),
    ("CASE WHEN 'ABC'='abc ' THEN 1 ELSE 0 END", 1, "int"),
    ("CASE WHEN N'É' = N'é' THEN 1 ELSE 0 END", 1, "int"),
    ("CASE WHEN 'a' = 'á' THEN 1 ELSE 0 END", 0, "int"),
    ("CASE WHEN 'ABC' COLLATE Latin1_General_CS_AS = 'abc' THEN 1 ELSE 0 END", 0, "int"),
    ("CAST(12345.678 AS VARCHAR(20))", "12345.678", "varchar(20)"),
    ("CAST(1e10 AS VARCHAR(30))", "1e+010", "varchar(30)"),
    ("CAST(0.1 AS FLOAT)+0.2", 0.30000000000000004, "float"),
    ("CAST(1.5 AS INT)", 1, "int"),
    ("CAST('  12 ' AS INT)", 12, "int"),
    ("CAST('' AS INT)", 0, "int"),
    ("CAST('20240229' AS DATE)", date(2024, 2, 29), "date"),
    ("CONVERT(VARCHAR(30), CAST('2024-03-05 14:07:09.123' AS DATETIME))", "Mar  5 2024  2:07PM", "varchar(30)"),
    (
        "CONVERT(VARCHAR(30), CAST('2024-03-05 14:07:09.123' AS DATETIME), 121)",
        "2024-03-05 14:07:09.123",
        "varchar(30)",
    ),
    ("CONVERT(VARCHAR(30), CAST('2024-03-05 14:07:09' AS DATETIME), 126)", "2024-03-05T14:07:09", "varchar(30)"),
    (
        "CONVERT(VARCHAR(50), CAST('2024-03-05 14:07:09.1234567' AS DATETIME2))",
        "2024-03-05 14:07:09.1234567",
        "varchar(50)",
    ),
    ("CONVERT(VARCHAR(10), CAST('2024-03-05' AS DATE), 103)", "05/03/2024", "varchar(10)"),
    (
        "CONVERT(VARCHAR(50), CAST('2024-03-05T14:07:09+02:00' AS DATETIMEOFFSET(0)), 127)",
        "2024-03-05T12:07:09Z",
        "varchar(50)",
    ),
    (
        "CONVERT(VARCHAR(50), CAST('2024-03-05T14:07:09+02:00' AS DATETIMEOFFSET))",
        "2024-03-05 14:07:09.0000000 +02:00",
        "varchar(50)",
    ),
    (
        "CAST(CAST('2024-03-05T14:07:09.9999999' AS DATETIME2) AS DATETIME2(3))",
        datetime(2024, 3, 5, 14, 7, 10),
        "datetime2(3)",
    ),
    ("CAST('12:30' AS TIME)", time(12, 30), "time(7)"),
    ("CAST('2024-01-01' AS DATETIME) + 1", datetime(2024, 1, 2, 0, 0), "datetime"),
    ("DATEADD(month, 1, '2024-01-31')", datetime(2024, 2, 29, 0, 0), "datetime"),
    ("DATEDIFF(day, '2024-01-01 23:59', '2024-01-02 00:01')", 1, "int"),
    ("DATEDIFF(week, '2024-01-06', '2024-01-07')", 1, "int"),
    ("DATEPART(weekday, '2024-01-07')", 1, "int"),
    ("DATENAME(month, '2024-03-05')", "March", "nvarchar(30)"),
    ("EOMONTH('2024-02-10')", date(2024, 2, 29), "date"),
    ("YEAR('2024-02-10')", 2024, "int"),
    ("ISNULL(CAST(NULL AS VARCHAR(3)), 'abcdef')", "abc", "varchar(3)"),
    ("COALESCE(NULL, 1, 2.5)", Decimal("1.0"), "decimal(11,1)"),
    ("NULLIF(1,1)", None, "int"),
    ("IIF(1=1,'a',N'b')", "a", "nvarchar(1)"),
    ("CHOOSE(2,'a','b')", "b", "varchar(1)"),
    ("LEN('abc  ')", 3, "int"),
    ("DATALENGTH(N'abc')", 6, "int"),
    ("LEFT('abc',2)+RIGHT('abc',1)", "abc", "varchar(3)"),
    ("SUBSTRING('abcdef',2,3)", "bcd", "varchar(6)"),
    ("SUBSTRING('abc',0,2)", "a", "varchar(3)"),
    ("CHARINDEX('B','abc')", 2, "int"),
    ("PATINDEX('%[0-9]%','ab1')", 3, "int"),
    ("REPLACE('aXbx','x','-')", "a-b-", "varchar(8000)"),
    ("STUFF('abcdef',2,3,'ZZ')", "aZZef", "varchar(8)"),
    ("REVERSE('abc')", "cba", "varchar(3)"),
    ("REPLICATE('ab',3)", "ababab", "varchar(8000)"),
    ("QUOTENAME('a]b')", "[a]]b]", "nvarchar(258)"),
    ("CONCAT('a',NULL,1,2.5)", "a12.5", "varchar(81)"),
    ("CONCAT_WS(',','a',NULL,'b')", "a,b", "varchar(3)"),
    ("TRIM('  a ')", "a", "varchar(4)"),
    ("UPPER('straße')", "STRAßE", "varchar(6)"),
    ("ASCII('A')", 65, "int"),
    ("CHAR(65)", "A", "char(1)"),
    ("ROUND(123.456,1)", Decimal("123.500"), "decimal(6,3)"),
    ("ROUND(-2.5,0)", Decimal("-3.0"), "decimal(2,1)"),
    ("CEILING(1.2)", Decimal(2), "decimal(2,0)"),
    ("ABS(-5)", 5, "int"),
    ("POWER(2,10)", 1024, "int"),
    ("SQRT(16)", 4.0, "float"),
    ("SIGN(-2.5)", Decimal("-1.0"), "decimal(2,1)"),
    ("CAST(0x4142 AS VARCHAR(10))", "AB", "varchar(10)"),
    ("CONVERT(VARCHAR(10),0x4142,1)", "0x4142", "varchar(10)"),
    ("CONVERT(VARBINARY(4),'0x4142',1)", b"AB", "varbinary(4)"),
    ("CAST(1 AS VARBINARY(4))", b"\x00\x00\x00\x01", "varbinary(4)"),
    ("CAST('abc' AS VARBINARY(10))", b"abc", "varbinary(10)"),
    (
        "HASHBYTES('SHA2_256','abc')",
        b'\xbax\x16\xbf\x8f\x01\xcf\xeaAA@\xde]\xae"#\xb0\x03a\xa3\x96\x17z\x9c\xb4\x10\xffa\xf2\x00\x15\xad',
        "varbinary(8000)",
    ),
    ("HASHBYTES('MD5',N'abc')", b"\xce\x14s\xcf\x80\xc6\xb3\xfd\xa8\xe3\xdf\xc0\x06\xad\xc3\x15", "varbinary(8000)"),
    ("ISNUMERIC('1e5')", 1, "int"),
    ("ISDATE('2024-13-01')", 0, "int"),
    ("TRY_CAST('x' AS INT)", None, "int"),
    ("TRY_CONVERT(DATE,'x')", None, "date"),
    ('JSON_VALUE(\'{"a":{"b":[1,2.50,"x"]}}\',\'$.a.b[1]\')', "2.50", "nvarchar(4000)"),
    ("JSON_VALUE('{\"a\":true}','$.a')", "true", "nvarchar(4000)"),
    ("JSON_QUERY('{\"a\":{\"b\": [1, 2]}}','$.a.b')", "[1, 2]", "nvarchar(max)"),
    ("JSON_MODIFY('{\"a\":1}','$.b','x')", '{"a":1,"b":"x"}', "nvarchar(max)"),
    ("JSON_MODIFY('{\"a\":1}','$.a',NULL)", "{}", "nvarchar(max)"),
    ("JSON_MODIFY('{\"a\":[1]}','append $.a',JSON_QUERY('{\"c\":1}'))", '{"a":[1,{"c":1}]}', "nvarchar(max)"),
    ("ISJSON('{\"a\":1')", 0, "int"),
    ("ISJSON('[]')", 1, "int"),
    ("CAST(NULL AS INT)", None, "int"),
    ("NULL", None, "int"),
    ("-5", -5, "int"),
    ("2147483648", Decimal(2147483648), "decimal(10,0)"),
    ("1.50", Decimal("1.50"), "decimal(3,2)"),
    ("1e3", 1000.0, "float"),
    ("0xFF", b"\xff", "varbinary(1)"),
    ("$12.5", Decimal("12.5000"), "money"),
    ("CAST('true' AS BIT)", True, "bit"),
    ("CAST(5 AS BIT)", True, "bit"),
    ("1 & 3", 1, "int"),
    ("5 ^ 1", 4, "int"),
    ("~5", -6, "int"),
    (
        "CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS UNIQUEIDENTIFIER)",
        UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        "uniqueidentifier",
    ),
    (
        "CAST(0xFF19966F868B11D0B42D00C04FC964FF AS UNIQUEIDENTIFIER)",
        UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        "uniqueidentifier",
    ),
    ("CASE WHEN 1 IN (1,2,NULL) THEN 'y' END", "y", "varchar(1)"),
    ("CASE WHEN 3 NOT IN (1,2,NULL) THEN 'y' ELSE 'n' END", "n", "varchar(1)"),
    ("CASE WHEN 'abc' LIKE 'A_[c-d]' THEN 1 ELSE 0 END", 1, "int"),
    ("CASE WHEN '50%' LIKE '50!%' ESCAPE '!' THEN 1 ELSE 0 END", 1, "int"),
    ("CASE WHEN 5 BETWEEN 1 AND 10 AND NOT 1=2 THEN 1 END", 1, "int"),
    ("(SELECT MAX(v) FROM (VALUES (1),(3),(2)) t(v))", 3, "int"),
    ("(SELECT SUM(v) FROM (VALUES (1.10),(2.25)) t(v))", Decimal("3.35"), "decimal(38,2)"),
    ("(SELECT AVG(v) FROM (VALUES (1),(2)) t(v))", 1, "int"),
    ("(SELECT AVG(v) FROM (VALUES (1.0),(2.0),(2.0)) t(v))", Decimal("1.666666"), "decimal(38,6)"),
    ("(SELECT COUNT(DISTINCT v) FROM (VALUES ('a'),('A'),('b ')) t(v))", 2, "int"),
    (
        "(SELECT STRING_AGG(v,',') WITHIN GROUP (ORDER BY v DESC) FROM (VALUES ('a'),('b')) t(v))",
        "b,a",
        "varchar(8000)",
    ),
    ("(SELECT STDEV(v) FROM (VALUES (1),(2),(3)) t(v))", 1.0, "float"),
    ("CAST(CAST(1234.5678 AS MONEY) AS VARCHAR(20))", "1234.57", "varchar(20)"),
    ("CAST(1234.5678 AS MONEY)/3", Decimal("411.5226"), "money"),
    ("CAST('1900-01-01' AS DATETIME) - CAST('1899-12-31' AS DATETIME)", datetime(1900, 1, 2, 0, 0), "datetime"),
    ("CURRENT_USER", "dbo", "nvarchar(128)"),
    ("@@TRANCOUNT", 0, "int"),
    ("SYSTEM_USER", "sa", "nvarchar(128)"),
    ("OBJECT_ID('nope')", None, "int"),
    ("SCHEMA_NAME()", "dbo", "nvarchar(128)"),
    ("CHECKSUM('a')-CHECKSUM('A')", 0, "int"),
    ("CAST(CAST(123456789.123 AS FLOAT) AS NVARCHAR(50))", "1.23457e+008", "nvarchar(50)"),
    ("STR(123.456,8,2)", "  123.46", "varchar(8000)"),
    ("UNICODE(N'Ж')", 1046, "int"),
    ("CAST('abc' AS NVARCHAR(2))", "ab", "nvarchar(2)"),
    ("CAST(12345 AS VARCHAR(3))", "*", "varchar(3)"),
    ("CONVERT(DATETIME, '05/03/2024', 103)", datetime(2024, 3, 5, 0, 0), "datetime"),
    ("CONVERT(DATE, '05.03.2024', 104)", date(2024, 3, 5), "date"),
    ("CONVERT(VARCHAR, 12)", "12", "varchar(30)"),
]

ERRORS: list[tuple[str, int]] = [
    ("CAST(300 AS TINYINT)", 220),
    ("CAST('2024-02-30' AS DATE)", 241),
    ("FORMAT(1,'x')", 40510),
    ("CAST(12345 AS NVARCHAR(3))", 8115),
    ("CAST('1.5' AS INT)", 245),
    ("CAST(99999999999 AS INT)", 8115),
    ("CAST('99999999999' AS INT)", 248),
    ("2147483647+1", 8115),
    ("CAST('abc' AS DATETIME)", 241),
    ("CAST('x' AS UNIQUEIDENTIFIER)", 8169),
    ("LEFT('a',-1)", 537),
    ("1/0", 8134),
]


@pytest.mark.parametrize(("expression", "value", "kind"), VALUES, ids=[expression for expression, _, _ in VALUES])
def test_value_and_type(sql: Client, expression: str, value: Any, kind: str) -> None:
    ((columns, rows),) = sql.run(f"SELECT {expression}").results
    assert rows == [(value,)]
    assert types.describe(columns[0].type) == kind


@pytest.mark.parametrize(("expression", "number"), ERRORS, ids=[expression for expression, _ in ERRORS])
def test_error(sql: Client, expression: str, number: int) -> None:
    assert sql.error(f"SELECT {expression}").number == number


def test_the_clock_stands_still_during_a_statement(sql: Client) -> None:
    rows = sql.rows("SELECT SYSUTCDATETIME() FROM (VALUES (1), (2), (3)) AS t (n)")
    assert len(set(rows)) == 1


def test_newid_differs_per_row(sql: Client) -> None:
    assert len(set(sql.rows("SELECT NEWID() FROM (VALUES (1), (2), (3)) AS t (n)"))) == 3


def test_a_seventh_decimal_survives(sql: Client) -> None:
    value = sql.value("SELECT CAST('2024-01-01 00:00:00.1234567' AS datetime2(7))")
    assert (value.moment, value.digit) == (datetime(2024, 1, 1, 0, 0, 0, 123456), 7)
