"""SQLAlchemy's SQL Server dialect: it reads the catalog more thoroughly than anything the harness does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.wire.sqlserver.drivers import MICROSOFT, Address

sqlalchemy = pytest.importorskip("sqlalchemy")


@pytest.fixture
def engine(sql_server: Address, database: str) -> Iterator[Any]:
    engine = sqlalchemy.create_engine(
        "mssql+pyodbc://", creator=lambda: MICROSOFT.connect(sql_server, database), poolclass=sqlalchemy.pool.NullPool
    )
    yield engine
    engine.dispose()


def model() -> Any:
    metadata = sqlalchemy.MetaData()
    sqlalchemy.Table(
        "space",
        metadata,
        sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
        sqlalchemy.Column("name", sqlalchemy.Unicode(100), nullable=False, unique=True),
    )
    sqlalchemy.Table(
        "project",
        metadata,
        sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
        sqlalchemy.Column("space_id", sqlalchemy.ForeignKey("space.id"), nullable=False, index=True),
        sqlalchemy.Column("notes", sqlalchemy.UnicodeText),
        sqlalchemy.Column("price", sqlalchemy.Numeric(10, 2)),
        sqlalchemy.Column("created", sqlalchemy.DateTime),
        sqlalchemy.Column("active", sqlalchemy.Boolean, server_default=sqlalchemy.text("1")),
    )
    return metadata


def test_tables_are_created_reflected_and_dropped(engine: Any) -> None:
    metadata = model()
    metadata.create_all(engine)
    try:
        seen = sqlalchemy.inspect(engine)
        assert {"space", "project"} <= set(seen.get_table_names())
        columns = {column["name"]: column for column in seen.get_columns("project")}
        assert list(columns) == ["id", "space_id", "notes", "price", "created", "active"]
        assert columns["price"]["type"].precision == 10
        assert columns["id"]["autoincrement"] is True
        assert not columns["space_id"]["nullable"]
        assert seen.get_pk_constraint("project")["constrained_columns"] == ["id"]
        (foreign_key,) = seen.get_foreign_keys("project")
        assert foreign_key["referred_table"] == "space"
        assert ["space_id"] in [index["column_names"] for index in seen.get_indexes("project")]
    finally:
        metadata.drop_all(engine)
    assert not {"space", "project"} & set(sqlalchemy.inspect(engine).get_table_names())


def test_rows_are_inserted_with_generated_keys_and_read_back(engine: Any) -> None:
    metadata = model()
    metadata.create_all(engine)
    space, project = metadata.tables["space"], metadata.tables["project"]
    try:
        with engine.begin() as connection:
            key = connection.execute(space.insert().values(name="Default Ж")).inserted_primary_key[0]
            connection.execute(
                project.insert(),
                [
                    {
                        "space_id": key,
                        "notes": "n" * 5000,
                        "price": Decimal("9.90"),
                        "created": datetime(2021, 1, 2, 3),
                    },
                    {"space_id": key, "notes": None, "price": None, "created": None},
                ],
            )
        with engine.connect() as connection:
            rows = connection.execute(
                sqlalchemy.select(space.c.name, project.c.price, project.c.created, project.c.active)
                .join_from(project, space)
                .order_by(project.c.id)
            ).all()
        assert [tuple(row) for row in rows] == [
            ("Default Ж", Decimal("9.90"), datetime(2021, 1, 2, 3), True),
            ("Default Ж", None, None, True),
        ]
    finally:
        metadata.drop_all(engine)
