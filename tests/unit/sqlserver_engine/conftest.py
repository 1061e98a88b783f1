"""The engine without the protocol: T-SQL in, rows, messages and errors out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from standins.sqlserver.contract import (
    Column,
    LoginRequest,
    Parameter,
    ProcedureCall,
    SqlServerError,
    SqlType,
    Value,
)
from standins.sqlserver.engine.server import SqlServerEngine
from standins.sqlserver.engine.session import EngineSession

PASSWORD = "Made-up-1"


class Answer:
    """A sink that keeps everything it is told."""

    def __init__(self) -> None:
        self.results: list[tuple[Sequence[Column], list[tuple[Value, ...]]]] = []
        self.counts: list[int | None] = []
        self.messages: list[SqlServerError] = []
        self.errors: list[SqlServerError] = []
        self.outputs: dict[str, Value] = {}
        self.status: int | None = None
        self.databases: list[str] = []
        self.transactions: list[str] = []

    def columns(self, columns: Sequence[Column]) -> None:
        self.results.append((columns, []))

    def row(self, values: Sequence[Value]) -> None:
        self.results[-1][1].append(tuple(values))

    def done(self, count: int | None, *, select: bool = False) -> None:
        self.counts.append(count)

    def info(self, message: SqlServerError) -> None:
        self.messages.append(message)

    def error(self, error: SqlServerError) -> None:
        self.errors += (error, *error.following)

    def database_changed(self, old: str, new: str) -> None:
        self.databases.append(new)

    def transaction_began(self, descriptor: int) -> None:
        self.transactions.append("began")

    def transaction_ended(self, descriptor: int, *, committed: bool) -> None:
        self.transactions.append("committed" if committed else "rolled back")

    def return_value(self, name: str, type: SqlType, value: Value) -> None:
        self.outputs[name] = value

    def return_status(self, status: int) -> None:
        self.status = status

    def cancelled(self) -> bool:
        return False

    @property
    def rows(self) -> list[tuple[Value, ...]]:
        """The rows of the last result set."""
        return self.results[-1][1] if self.results else []

    @property
    def numbers(self) -> list[int]:
        return [error.number for error in self.errors]


class Client:
    """One session, as a test talks to it."""

    def __init__(self, engine: SqlServerEngine, database: str = "master") -> None:
        self.session: EngineSession = engine.login(LoginRequest("sa", PASSWORD, database))

    def batch(self, text: str) -> Answer:
        """Run a batch, whatever comes of it."""
        answer = Answer()
        self.session.batch(text, answer)
        return answer

    def run(self, text: str) -> Answer:
        """Run a batch that must succeed."""
        answer = self.batch(text)
        assert not answer.errors, [(error.number, error.message) for error in answer.errors]
        return answer

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return self.run(text).rows

    def value(self, text: str) -> Any:
        ((value,),) = self.rows(text)
        return value

    def error(self, text: str) -> SqlServerError:
        """The first error of a batch that must fail."""
        answer = self.batch(text)
        assert answer.errors, f"no error: {answer.results}"
        return answer.errors[0]

    def call(self, procedure: str, *parameters: Parameter) -> Answer:
        answer = Answer()
        self.session.call(ProcedureCall(procedure, parameters), answer)
        return answer


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServerEngine]:
    made = SqlServerEngine(tmp_path_factory.mktemp("sqlserver"), PASSWORD)
    yield made
    made.close()


@pytest.fixture(scope="module")
def database(engine: SqlServerEngine, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the module's own."""
    name = request.path.stem
    admin = Client(engine)
    admin.run(f"DROP DATABASE IF EXISTS [{name}]; CREATE DATABASE [{name}]")
    yield name
    admin.run(f"ALTER DATABASE [{name}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE; DROP DATABASE [{name}]")
    admin.session.close()


@pytest.fixture
def sql(engine: SqlServerEngine, database: str) -> Iterator[Client]:
    client = Client(engine, database)
    yield client
    client.session.close()


@pytest.fixture
def another(engine: SqlServerEngine, database: str) -> Iterator[Client]:
    client = Client(engine, database)
    yield client
    client.session.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
