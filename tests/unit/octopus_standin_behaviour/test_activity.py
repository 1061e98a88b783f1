"""Task logs: written line by line, read as a tree."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from standins.octopus.behaviour import activity

NOW = datetime(2024, 6, 3, 10, 0, 0, tzinfo=UTC)


def write(path: Path) -> None:
    with activity.writing(path, lambda: NOW) as file:
        file.mask(["topsecret", "abc"])
        root = activity.Activity.root(file, "ServerTasks-1_ABCDEFGHIJ", "Deploy Web")
        step = root.child("Step 1: Say")
        step.info("the word is topsecret, abc")
        step.verbose("detail")
        step.finish()
        root.finish("Failed")


def test_the_tree_comes_back_with_states_and_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    write(path)

    root = activity.read([path])[0]

    assert (root.name, root.status, root.started) == ("Deploy Web", "Failed", "2024-06-03T10:00:00.000+00:00")
    assert [line.text for line in root.children[0].lines] == ["the word is ********, abc", "detail"]
    assert "topsecret" not in path.read_text()


def test_a_paused_log_goes_on_in_the_same_nodes(tmp_path: Path) -> None:
    path, other = tmp_path / "one.txt", tmp_path / "two.txt"
    with activity.writing(path, lambda: NOW) as file:
        root = activity.Activity.root(file, "T_X", "Deploy")
        waiting = root.child("Approve")
        waiting.wait("Waiting")
    with activity.writing(other, lambda: NOW) as file:
        root = activity.Activity.root(file, "T_X", "Deploy")
        again = root.child("Approve", waiting.id)
        again.info("Answered")
        again.finish()
        root.finish()

    trees = activity.read([path, other])

    assert len(trees) == 1
    assert [child.name for child in trees[0].children] == ["Approve"]
    assert [line.text for line in trees[0].children[0].lines] == ["Waiting", "Answered"]


def test_a_half_written_last_line_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    write(path)
    with path.open("a") as file:
        file.write('["ServerTasks-1_ABC')

    assert activity.read([path])[0].name == "Deploy Web"


def test_the_raw_text_has_headers_and_indented_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    write(path)

    lines = list(activity.as_text(activity.read([path])))

    assert lines[0] == "                    | == Failed: Deploy Web =="
    assert "                    |   == Success: Step 1: Say ==" in lines
    assert "10:00:00   Info     |     the word is ********, abc" in lines


def texts() -> SearchStrategy[str]:
    return st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)


@settings(deadline=None)
@given(st.lists(texts(), max_size=8), st.integers(1, 5))
def test_any_text_survives_and_a_tail_says_what_it_left_out(lines: list[str], tail: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.txt"
        with activity.writing(path, lambda: NOW) as file:
            root = activity.Activity.root(file, "T_X", "Deploy")
            for line in lines:
                root.info(line)
        node = activity.read([path])[0]

    assert [line.text for line in node.lines] == lines
    shown = activity.as_details(node, tail=tail)["LogElements"]
    kept = [element for element in shown if element["Category"] != "Gap"]
    assert [element["MessageText"] for element in kept] == lines[-tail:]
    assert len(shown) - len(kept) == (len(lines) > tail)
