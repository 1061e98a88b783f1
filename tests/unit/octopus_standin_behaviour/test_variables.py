"""Which value wins."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from standins.octopus.behaviour.variables import Scope, Value, applies, evaluate, prompts, rank

FULL = Scope(
    environment="E1",
    channel="C1",
    tenant="T1",
    tenant_tags=frozenset({"Ring/Alpha"}),
    action="A1",
    machine="M1",
    machine_roles=frozenset({"web", "db"}),
    step_roles=frozenset({"web"}),
    process_owner="Projects-1",
)
#: From the most to the least specific, as the documentation lists them.
ORDER = [
    {"Action": ["A1"]},
    {"Machine": ["M1"]},
    {"Role": ["web"]},
    {"Role": ["db"]},
    {"Tenant": ["T1"]},
    {"TenantTag": ["Ring/Alpha"]},
    {"Environment": ["E1"]},
    {"Channel": ["C1"]},
    {"ProcessOwner": ["Projects-1"]},
    {},
]


def value(text: str, scope: dict[str, list[str]], **more: bool) -> Value:
    return Value("Name", text, scope=scope, **more)  # type: ignore[arg-type]


@given(st.permutations(range(len(ORDER))))
def test_the_more_specific_scope_wins_whatever_the_order_of_the_set(order: list[int]) -> None:
    values = [value(str(position), ORDER[position]) for position in order]

    for best in range(len(ORDER)):
        remaining = [entry for entry in values if int(entry.value or "") >= best]
        assert evaluate(remaining, FULL)["Name"].value == str(best)


@given(st.sampled_from(range(len(ORDER) - 1)), st.data())
def test_one_more_specific_match_beats_all_less_specific_ones_together(best: int, data: st.DataObject) -> None:
    lesser: dict[str, list[str]] = {}
    for scope in data.draw(st.lists(st.sampled_from(ORDER[best + 1 : -1] or [{}]), max_size=5)):
        lesser |= scope
    if set(lesser) & set(ORDER[best]):
        return

    assert rank(value("best", ORDER[best]), FULL) > rank(value("rest", lesser), FULL)


def test_all_dimensions_of_a_scope_must_match_and_any_value_of_each() -> None:
    both = value("x", {"Environment": ["E1", "E2"], "Tenant": ["T9"]})
    either = value("x", {"Environment": ["E2", "E1"]})

    assert not applies(both, FULL)
    assert applies(either, FULL)


def test_a_scoped_value_does_not_apply_where_its_dimension_is_empty() -> None:
    assert not applies(value("x", {"Machine": ["M1"]}), Scope(environment="E1"))
    assert applies(value("x", {"Machine": []}), Scope(environment="E1"))


def test_the_project_wins_over_the_library_and_names_ignore_case() -> None:
    own = Value("NAME", "own")
    library = Value("name", "library", library=True)

    assert {entry.value for entry in evaluate([library, own], FULL).values()} == {"own"}
    scoped = Value("name", "library", library=True, scope={"Environment": ["E1"]})
    assert {entry.value for entry in evaluate([own, scoped], FULL).values()} == {"library"}


def test_prompts_ask_for_what_could_apply_before_steps_and_targets_are_known() -> None:
    asked = [
        Value("Any", "", prompt={"Label": "Any"}),
        Value("OnTarget", "", prompt={"Label": "Target"}, scope={"Role": ["web"]}),
        Value("Elsewhere", "", prompt={"Label": "Elsewhere"}, scope={"Environment": ["E2"]}),
        Value("Silent", ""),
    ]

    assert [entry.name for entry in prompts(asked, Scope(environment="E1"))] == ["Any", "OnTarget"]
