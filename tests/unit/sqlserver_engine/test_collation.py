"""String comparison: an order that is one, case and trailing spaces as SQL Server has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine.functions.collation import sort_key
from standins.sqlserver.tsql import collations
from tests.unit.sqlserver_engine.conftest import Client

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
FLAGS = [(case, accent) for case in (False, True) for accent in (False, True)]


@pytest.mark.parametrize(("case", "accent"), FLAGS)
@given(text=TEXT, spaces=st.integers(0, 3))
def test_trailing_spaces_never_count(case: bool, accent: bool, text: str, spaces: int) -> None:
    assert sort_key(text, case=case, accent=accent) == sort_key(text + " " * spaces, case=case, accent=accent)


@given(text=TEXT)
def test_case_counts_only_where_the_collation_says_so(text: str) -> None:
    lower, upper = text.lower(), text.lower().upper()
    if lower.casefold() != upper.casefold():  # ı and its like change under round trips
        return
    assert sort_key(lower, case=False, accent=True) == sort_key(upper, case=False, accent=True)
    if lower.rstrip(" ") != upper.rstrip(" "):
        assert sort_key(lower, case=True, accent=True) != sort_key(upper, case=True, accent=True)


@pytest.mark.parametrize(
    ("left", "right", "collation", "equal"),
    [
        ("STRASSE", "strasse", "Latin1_General_CI_AS", True),
        ("É", "é", "Latin1_General_CI_AS", True),
        ("e", "é", "Latin1_General_CI_AS", False),
        ("e", "É", "Latin1_General_CI_AI", True),
        ("a", "A", "Latin1_General_CS_AS", False),
        ("a", "A", "Latin1_General_BIN2", False),
        ("a", "a  ", "Latin1_General_BIN2", True),
        ("co-op", "coop", "Latin1_General_CI_AS", False),
        ("ПРИВЕТ", "привет", "SQL_Latin1_General_CP1_CI_AS", True),
    ],
)
def test_equality(sql: Client, left: str, right: str, collation: str, equal: bool) -> None:
    text = f"SELECT CASE WHEN N'{left}' COLLATE {collation} = N'{right}' THEN 1 ELSE 0 END"
    assert sql.value(text) == int(equal)


def test_order_of_a_windows_collation(sql: Client) -> None:
    rows = sql.rows(
        "SELECT v FROM (VALUES (N'b'), (N'A'), (N'á'), (N'a'), (N'_'), (N'1'), (N'B1'), (N'b-2')) t (v) ORDER BY v"
    )
    assert [value.lower() for (value,) in rows] == ["_", "1", "a", "a", "á", "b", "b1", "b-2"]


def test_columns_literals_and_variables_compare_alike(sql: Client) -> None:
    sql.run("CREATE TABLE #c (a nvarchar(20) PRIMARY KEY); INSERT #c VALUES (N'Ärger')")
    assert sql.value("SELECT COUNT(*) FROM #c WHERE a = N'ÄRGER '") == 1
    assert sql.value("DECLARE @v nvarchar(20) = N'ärgER'; SELECT COUNT(*) FROM #c WHERE a = @v") == 1
    assert sql.value("SELECT COUNT(*) FROM #c WHERE a LIKE N'äR%'") == 1
    assert sql.value("SELECT COUNT(*) FROM #c WHERE a IN (N'x', N'ÄRGER')") == 1
    assert sql.error("INSERT #c VALUES (N'äRGER')").number == 2627


def test_grouping_and_distinct_follow_the_collation(sql: Client) -> None:
    values = "(VALUES (N'a'), (N'A '), (N'b')) AS t (v)"
    assert sql.value(f"SELECT COUNT(*) FROM (SELECT v FROM {values} GROUP BY v) AS g") == 2
    assert len(sql.rows(f"SELECT DISTINCT v FROM {values}")) == 2
    assert len(sql.rows("SELECT N'x' AS v UNION SELECT N'X'")) == 1


def test_two_collations_of_columns_conflict(sql: Client) -> None:
    sql.run("CREATE TABLE #l (a nvarchar(5) COLLATE Latin1_General_CI_AS); CREATE TABLE #r (a nvarchar(5))")
    error = sql.error("SELECT 1 FROM #l JOIN #r ON #l.a = #r.a")
    assert error.number == 468
    assert '"Latin1_General_CI_AS" and "SQL_Latin1_General_CP1_CI_AS"' in error.message
    sql.run("SELECT 1 FROM #l JOIN #r ON #l.a = #r.a COLLATE DATABASE_DEFAULT")


def test_a_name_that_is_no_collation() -> None:
    with pytest.raises(SqlServerError, match="Invalid collation 'Nonsense'"):
        collations.sqlite_name("Nonsense")
