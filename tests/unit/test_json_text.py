"""JSON is read and written as the standard library does it, whatever the quicker library refuses."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.json_text import parsed, written

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(VALUES)
def test_what_is_written_is_read_again_as_the_standard_library_would(value: object) -> None:
    assert parsed(written(value)) == value
    assert json.loads(written(value)) == value
    assert parsed(json.dumps(value)) == value


def test_what_the_standard_leaves_out_and_serialisers_write_is_read() -> None:
    assert math.isnan(parsed("NaN"))
    assert parsed('"\\ud800"') == "\ud800"
    assert json.loads(written({"half": "\ud800", "long": 2**70})) == {"half": "\ud800", "long": 2**70}


@pytest.mark.parametrize("text", ["", "{", '{"Id": "Projec', "<html>", '{"a": 1}}'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="char"):
        parsed(text)
