"""JSON functions against Python's own parser: any document, any path in it."""

from __future__ import annotations

import json
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from standins.sqlserver.engine.functions import json as engine_json
from tests.unit.sqlserver_engine.conftest import Client

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXT
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=12
).filter(lambda value: isinstance(value, dict | list))


def spaced(value: Any, spaces: bool) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2 if spaces else None)


def paths(value: Any, path: str = "$") -> list[tuple[str, Any]]:
    found = [(path, value)]
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            found += paths(item, f"{path}.{json.dumps(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            found += paths(item, f"{path}[{index}]")
    return found


@given(DOCUMENTS, st.booleans())
def test_every_path_leads_to_its_value(document: Any, spaces: bool) -> None:
    text = spaced(document, spaces)
    for path, value in paths(document):
        if isinstance(value, dict | list):
            fragment = engine_json.FUNCTIONS["t_json_query"](text, path)
            assert json.loads(fragment) == value
            assert fragment in text
            assert engine_json.FUNCTIONS["t_json_value"](text, path) is None
        else:
            expected = None if value is None else value if isinstance(value, str) else json.dumps(value)
            assert engine_json.FUNCTIONS["t_json_value"](text, path) == expected


@given(DOCUMENTS, st.booleans(), TEXT)
def test_modify_changes_that_value_and_nothing_else(document: Any, spaces: bool, new: str) -> None:
    text = spaced(document, spaces)
    for path, _ in paths(document)[1:]:
        changed = json.loads(engine_json.FUNCTIONS["t_json_modify"](text, path, new, "nvarchar"))
        for other, value in paths(changed):
            if other == path:
                assert value == new
        assert [p for p, _ in paths(changed) if not p.startswith(path)] == [
            p for p, _ in paths(document) if not p.startswith(path)
        ]


@given(TEXT)
def test_isjson_is_strict(text: str) -> None:
    try:
        valid = isinstance(
            json.loads(text, parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name))), dict | list
        )
    except ValueError:
        valid = False
    assert bool(engine_json.FUNCTIONS["t_isjson"](text)) == valid


@given(DOCUMENTS)
def test_openjson_lists_what_is_there(document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False)
    rows = list(engine_json.entries(text, "$"))
    assert len(rows) == len(document)
    if isinstance(document, dict):
        assert [key for key, _, _ in rows] == list(cast("dict[str, Any]", document))


def test_native_and_own_json_value_agree(sql: Client) -> None:
    document = '{"s":"x\\"y","n":1.50,"i":7,"t":true,"f":false,"z":null,"o":{"a b":[1,"q"]}}'
    sql.run(f"CREATE TABLE #j (d nvarchar(max)); INSERT #j VALUES (N'{document}')")
    for path in ("$.s", "$.n", "$.i", "$.t", "$.f", "$.z", "$.o", '$.o."a b"[1]', "$.missing", '$.o."a b"[7]'):
        native = sql.value(f"SELECT JSON_VALUE(d, '{path}') FROM #j")
        own = sql.value(f"SELECT JSON_VALUE(d + '', '{path}') FROM #j")
        assert native == own, path


def test_broken_json_is_an_error(sql: Client) -> None:
    assert sql.error("SELECT JSON_VALUE(N'{\"a\":', '$.a')").number == 13609
    assert sql.error("SELECT JSON_VALUE(N'{}', 'a')").number == 13607
    assert sql.error("SELECT JSON_VALUE(N'{}', 'strict $.a')").number == 13608
