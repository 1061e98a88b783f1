"""Differences between two schemas."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tidegate.sqlserver.schema import (
    Column,
    ForeignKey,
    Index,
    Module,
    SchemaDifference,
    SchemaImage,
    Table,
    compare_schemas,
    declared_type,
)

ID = Column("Id", "nvarchar(50)", nullable=False, collation="Latin1_General_CI_AS", identity=False, default="")
KEY = Index("PK_Project_Id", "PRIMARY KEY", clustered=True, columns=("Id",), included=(), filter="")
PROJECT = Table("dbo.Project", (ID,), (KEY,), (), ())
IMAGE = SchemaImage(
    "Latin1_General_CI_AS",
    140,
    {"dbo.Project": PROJECT},
    {"dbo.IdsInUse": Module("dbo.IdsInUse", "view", "aa")},
)


def test_a_schema_does_not_differ_from_itself() -> None:
    assert compare_schemas(IMAGE, IMAGE) == []


def test_a_lost_index_is_one_difference_with_its_definition() -> None:
    after = replace(IMAGE, tables={"dbo.Project": replace(PROJECT, indexes=())})

    assert compare_schemas(IMAGE, after) == [SchemaDifference("index dbo.Project.PK_Project_Id", str(KEY), None)]


def test_a_changed_column_shows_both_definitions() -> None:
    longer = replace(ID, type="nvarchar(150)")
    after = replace(IMAGE, tables={"dbo.Project": replace(PROJECT, columns=(longer,))})

    assert compare_schemas(IMAGE, after) == [SchemaDifference("column dbo.Project.Id", str(ID), str(longer))]


def test_a_new_table_is_one_difference_not_one_for_each_column() -> None:
    space = Table("dbo.Space", (ID, replace(ID, name="Name")), (KEY,), (), ())
    after = replace(IMAGE, tables={**IMAGE.tables, "dbo.Space": space})

    assert compare_schemas(IMAGE, after) == [SchemaDifference("table dbo.Space", None, "present")]


def test_foreign_keys_collation_level_and_views_are_looked_at_too() -> None:
    key = ForeignKey("FK_Project_Group", ("ProjectGroupId",), "dbo.ProjectGroup", ("Id",), "NO_ACTION")
    after = SchemaImage(
        "SQL_Latin1_General_CP1_CI_AS",
        150,
        {"dbo.Project": replace(PROJECT, foreign_keys=(key,))},
        {"dbo.IdsInUse": Module("dbo.IdsInUse", "view", "bb")},
    )

    places = [one.place for one in compare_schemas(IMAGE, after)]

    assert places == [
        "database collation",
        "compatibility level",
        "foreign key dbo.Project.FK_Project_Group",
        "view dbo.IdsInUse",
    ]


@pytest.mark.parametrize(
    ("numbers", "declared"),
    [
        (("nvarchar", 100, 0, 0), "nvarchar(50)"),
        (("nvarchar", -1, 0, 0), "nvarchar(max)"),
        (("varchar", 210, 0, 0), "varchar(210)"),
        (("varbinary", -1, 0, 0), "varbinary(max)"),
        (("decimal", 9, 18, 4), "decimal(18,4)"),
        (("datetimeoffset", 10, 34, 7), "datetimeoffset(7)"),
        (("int", 4, 10, 0), "int"),
    ],
)
def test_a_type_reads_as_it_was_declared(numbers: tuple[str, int, int, int], declared: str) -> None:
    assert declared_type(*numbers) == declared
