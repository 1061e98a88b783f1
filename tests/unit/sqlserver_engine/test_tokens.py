"""Tokens: what T-SQL's lexical rules make of characters."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.tokens import Kind, tokenize


def kinds(text: str) -> list[tuple[Kind, str]]:
    return [(token.kind, token.text) for token in tokenize(text)[:-1]]


def test_quoted_names_keep_their_characters_and_are_no_keywords() -> None:
    tokens = tokenize('[a]]b] "c""d" [select]')
    assert [token.text for token in tokens[:-1]] == ["a]b", 'c"d', "select"]
    assert all(token.kind is Kind.QUOTED and not token.reserved for token in tokens[:-1])


def test_strings_national_strings_and_doubled_quotes() -> None:
    first, second, _ = tokenize("'it''s' N'Ж'")
    assert (first.text, first.national) == ("it's", False)
    assert (second.text, second.national) == ("Ж", True)


def test_block_comments_nest() -> None:
    assert kinds("a /* 1 /* 2 */ 3 */ b -- rest\nc") == [(Kind.NAME, "a"), (Kind.NAME, "b"), (Kind.NAME, "c")]


def test_lines_are_counted_through_strings_and_comments() -> None:
    tokens = tokenize("a\n/* x\n y */ 'p\nq' b")
    assert [token.line for token in tokens[:-1]] == [1, 3, 4]


@pytest.mark.parametrize(
    ("text", "number"),
    [("'open", 105), ("[open", 105), ('"open', 105), ("N'open", 105), ("/* open", 113), ("a \x01 b", 102)],
)
def test_unclosed_things_are_sql_servers_errors(text: str, number: int) -> None:
    with pytest.raises(SqlServerError) as caught:
        tokenize(text)
    assert caught.value.number == number


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_every_text_is_tokens_or_a_numbered_error(text: str) -> None:
    with suppress(SqlServerError):
        tokens = tokenize(text)
        assert tokens[-1].kind is Kind.END
        assert all(text[token.start : token.end] for token in tokens[:-1])


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_survives_quoting(text: str) -> None:
    as_string, _ = tokenize("N'" + text.replace("'", "''") + "'")
    as_name, _ = tokenize("[" + text.replace("]", "]]") + "]")
    assert as_string.text == as_name.text == text
