"""Templates in the manner of Octostache."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.octopus.behaviour.substitution import CircularReference, Variables

VARIABLES = Variables(
    {
        "Name": "World",
        "Greeting": "Hello #{Name}",
        "Environment": "Test",
        "Url[Test]": "https://test",
        "Yes": "True",
        "No": "False",
        "Empty": "",
        "Colours": "red, green",
        "Markup": '<a href="x">',
    }
)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", "plain"),
        ("#{Name}!", "World!"),
        ("#{ name }", "World"),
        ("#{Greeting}", "Hello World"),
        ("#{Url[#{Environment}]}", "https://test"),
        ("#{Name | ToUpper}", "WORLD"),
        ("#{Name | ToUpper | ToLower}", "world"),
        ("#{Markup | HtmlEscape}", "&lt;a href=&quot;x&quot;&gt;"),
        ("#{Name | ToBase64 | FromBase64}", "World"),
        ("#{Unknown}", "#{Unknown}"),
        ("#{Name | Frobnicate}", "#{Name | Frobnicate}"),
        ("#{if Yes}a#{else}b#{/if}", "a"),
        ("#{if No}a#{else}b#{/if}", "b"),
        ("#{if Empty}a#{/if}.", "."),
        ("#{unless No}a#{/unless}", "a"),
        ('#{if Environment == "Test"}t#{/if}', "t"),
        ('#{if Environment != "Test"}t#{else}f#{/if}', "f"),
        ("#{if Yes}#{if No}x#{else}y#{/if}#{/if}", "y"),
        ("#{each colour in Colours}[#{colour}]#{/each}", "[red][green]"),
        ("open #{Name", "open #{Name"),
    ],
)
def test_templates(template: str, expected: str) -> None:
    assert VARIABLES.resolve(template) == expected


@given(st.text().filter(lambda text: "#{" not in text))
def test_text_without_templates_stays(text: str) -> None:
    assert VARIABLES.resolve(text) == text


@given(st.text(alphabet="#{}abc |/if", max_size=40))
def test_anything_can_be_rendered(text: str) -> None:
    assert isinstance(VARIABLES.resolve(text), str)


def test_variables_that_name_each_other_are_refused() -> None:
    with pytest.raises(CircularReference):
        Variables({"A": "#{B}", "B": "#{A}"}).get("A")
