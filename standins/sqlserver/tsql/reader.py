"""A cursor over tokens, with SQL Server's syntax errors."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.errors import syntax_near, syntax_near_keyword, unsupported
from standins.sqlserver.tsql.nodes import ObjectName
from standins.sqlserver.tsql.tokens import Kind, Token, tokenize


class Reader:
    """What every part of the parser shares."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = tokenize(text)
        self.place: int = 0
        self.token: Token = self.tokens[0]

    # --- looking -------------------------------------------------------------------------------------------------

    @property
    def line(self) -> int:
        return self.token.line

    def ahead(self, distance: int = 1) -> Token:
        return self.tokens[min(self.place + distance, len(self.tokens) - 1)]

    def at(self, *words: str) -> bool:
        """Whether the next tokens are these words."""
        if self.token.word != words[0]:
            return False
        return all(self.ahead(place).word == word for place, word in enumerate(words) if place)

    def at_any(self, *words: str) -> bool:
        return self.token.word in words

    def at_name(self) -> bool:
        """Whether an identifier stands here (a bare keyword is none)."""
        return self.token.kind is Kind.QUOTED or (self.token.kind is Kind.NAME and not self.token.reserved)

    # --- taking --------------------------------------------------------------------------------------------------

    def advance(self) -> Token:
        token = self.token
        if token.kind is not Kind.END:
            self.place += 1
            self.token = self.tokens[self.place]
        return token

    def accept(self, *words: str) -> bool:
        """Take these words when all of them come next."""
        if not self.at(*words):
            return False
        for _ in words:
            self.advance()
        return True

    def accept_any(self, *words: str) -> str:
        """Take one of these words; the word, or an empty string."""
        if self.token.word and self.token.word in words:
            return self.advance().word
        return ""

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                raise self.error()

    def identifier(self) -> str:
        if not self.at_name():
            raise self.error()
        return self.advance().text

    def variable(self) -> str:
        if self.token.kind is not Kind.VARIABLE:
            raise self.error()
        return self.advance().text.lower()

    def string(self) -> str:
        if self.token.kind is not Kind.STRING:
            raise self.error()
        return self.advance().text

    def integer(self) -> int:
        sign = -1 if self.accept("-") else 1
        if self.token.kind is not Kind.NUMBER or not self.token.text.isdigit():
            raise self.error()
        return sign * int(self.advance().text)

    def object_name(self) -> ObjectName:
        """One to three parts; ``db..name`` leaves the schema out."""
        line = self.line
        parts = [self.identifier()]
        while self.token.word == ".":
            self.advance()
            parts.append("" if self.token.word == "." else self.identifier())
        if len(parts) > 3:
            if len(parts) == 4:
                raise unsupported(f"The linked server '{parts[0]}'", line)
            raise SqlServerError(
                117, f"The object name '{'.'.join(parts)}' contains more than the maximum number of prefixes.", 15
            )
        name, schema, database = (*reversed(parts), "", "")[:3]
        return ObjectName(name, schema, database, line)

    def identifiers(self) -> tuple[str, ...]:
        """``(a, b, …)``."""
        self.expect("(")
        names = [self.identifier()]
        while self.accept(","):
            names.append(self.identifier())
        self.expect(")")
        return tuple(names)

    def slice(self, start: int) -> str:
        """The text from the token at ``start`` to the one taken last."""
        return self.text[self.tokens[start].start : self.tokens[self.place - 1].end]

    # --- refusing ------------------------------------------------------------------------------------------------

    def error(self, token: Token | None = None) -> SqlServerError:
        """ "Incorrect syntax near …" at the given or the next token."""
        token = token or self.token
        if token.kind is Kind.END:
            last = self.tokens[max(0, self.place - 1)]
            return syntax_near(self._shown(last), last.line)
        if token.reserved:
            return syntax_near_keyword(token.text, token.line)
        return syntax_near(self._shown(token), token.line)

    def _shown(self, token: Token) -> str:
        return token.text[:128]
