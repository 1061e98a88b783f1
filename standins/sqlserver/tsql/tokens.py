"""Characters to tokens, by the lexical rules of T-SQL with QUOTED_IDENTIFIER ON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.errors import syntax_near
from standins.sqlserver.tsql.words import words

#: Reserved keywords of Transact-SQL ("Reserved Keywords (Transact-SQL)", Microsoft Learn).
RESERVED = words(
    """ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK
    CHECKPOINT CLOSE CLUSTERED COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTAINSTABLE CONTINUE
    CONVERT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DBCC
    DEALLOCATE DECLARE DEFAULT DELETE DENY DESC DISTINCT DISTRIBUTED DOUBLE DROP ELSE END ERRLVL ESCAPE EXCEPT EXEC
    EXECUTE EXISTS EXIT EXTERNAL FETCH FILE FILLFACTOR FOR FOREIGN FREETEXT FREETEXTTABLE FROM FULL FUNCTION GOTO
    GRANT GROUP HAVING HOLDLOCK IDENTITY IDENTITY_INSERT IDENTITYCOL IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN
    KEY KILL LEFT LIKE LINENO MERGE NATIONAL NOCHECK NONCLUSTERED NOT NULL NULLIF OF OFF OFFSETS ON OPEN
    OPENDATASOURCE OPENQUERY OPENROWSET OPENXML OPTION OR ORDER OUTER OVER PERCENT PIVOT PLAN PRIMARY PRINT PROC
    PROCEDURE PUBLIC RAISERROR READ READTEXT RECONFIGURE REFERENCES REPLICATION RESTORE RESTRICT RETURN REVERT
    REVOKE RIGHT ROLLBACK ROWCOUNT ROWGUIDCOL RULE SAVE SCHEMA SELECT SESSION_USER SET SETUSER SHUTDOWN SOME
    STATISTICS SYSTEM_USER TABLE TABLESAMPLE TEXTSIZE THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE TRY_CONVERT
    TSEQUAL UNION UNIQUE UNPIVOT UPDATE UPDATETEXT USE USER VALUES VARYING VIEW WAITFOR WHEN WHERE WHILE WITH WITHIN
    WRITETEXT"""
)


class Kind(Enum):
    """What a token is."""

    NAME = auto()
    QUOTED = auto()
    VARIABLE = auto()
    STRING = auto()
    NUMBER = auto()
    BINARY = auto()
    SYMBOL = auto()
    END = auto()


@dataclass(slots=True)
class Token:
    """``word`` is the upper-case text of a bare name or symbol, and empty for everything that is never a keyword."""

    kind: Kind
    text: str
    word: str
    start: int
    end: int
    line: int
    national: bool = False

    @property
    def reserved(self) -> bool:
        return self.kind is Kind.NAME and self.word in RESERVED


_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*)
  | (?P<block>/\*)
  | (?P<nstring>[nN]'(?:[^']|'')*')
  | (?P<string>'(?:[^']|'')*')
  | (?P<bracket>\[(?:[^\]]|\]\])*\])
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<binary>0[xX][0-9A-Fa-f]*)
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<variable>@[\w@$\#]+)
  | (?P<name>[^\W\d][\w@$\#]*|\#[\w@$\#]+)
  | (?P<symbol>::|<>|!=|<=|>=|!<|!>|\+=|-=|\*=|/=|%=|&=|\|=|\^=|[-+*/%&|^~=<>().,;:{}$!?])
    """,
    re.VERBOSE,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")


def tokenize(text: str) -> list[Token]:
    """Every token of the text, closed by one ``END`` token."""
    tokens: list[Token] = []
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _bad_character(text, position, line)
        start, end = match.span()
        kind = match.lastgroup or ""
        if kind == "block":
            end = _comment_end(text, start, line)
        elif kind not in ("space", "comment"):
            tokens.append(_token(kind, match.group(), start, end, line))
        line += text.count("\n", start, end)
        position = end
    tokens.append(Token(Kind.END, "", "", len(text), len(text), line))
    return tokens


def _token(kind: str, text: str, start: int, end: int, line: int) -> Token:
    value, word, national = text, "", False
    match kind:
        case "name" | "symbol":
            word = text.upper()
        case "bracket":
            value = text[1:-1].replace("]]", "]")
        case "quoted":
            value = text[1:-1].replace('""', '"')
        case "string" | "nstring":
            national = kind == "nstring"
            value = text.partition("'")[2][:-1].replace("''", "'")
        case _:
            pass
    return Token(_KINDS[kind], value, word, start, end, line, national)


_KINDS = {
    "name": Kind.NAME,
    "symbol": Kind.SYMBOL,
    "bracket": Kind.QUOTED,
    "quoted": Kind.QUOTED,
    "string": Kind.STRING,
    "nstring": Kind.STRING,
    "variable": Kind.VARIABLE,
    "binary": Kind.BINARY,
    "number": Kind.NUMBER,
}


def _comment_end(text: str, start: int, line: int) -> int:
    """Block comments nest in T-SQL."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    raise SqlServerError(113, "Missing end comment mark '*/'.", 15, 1, line)


def _bad_character(text: str, position: int, line: int) -> SqlServerError:
    rest = text[position:]
    if rest[0] == "'" or rest[:2] in ("N'", "n'"):
        unclosed = rest.partition("'")[2][:128]
        return SqlServerError(105, f"Unclosed quotation mark after the character string '{unclosed}'.", 15, 1, line)
    if rest[0] in '["':
        return SqlServerError(105, f"Unclosed quotation mark after the character string '{rest[1:129]}'.", 15, 1, line)
    return syntax_near(rest[0], line)
