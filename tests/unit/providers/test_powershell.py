"""What a Windows host is told is PowerShell, by a grammar of it, whatever a path or an argument holds."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tree_sitter import Node
from tree_sitter_language_pack import get_parser

from tidegate.providers.hosts.quoting import literally, powershell_text
from tidegate.providers.hosts.windows import Windows

WINDOWS: Final = Windows()
NASTY = st.text(st.sampled_from("'\"\\ \t\n$`%!&|<>^();*?[]{}#@~‘’‚‛“”ä-/,.:aB"), min_size=1, max_size=20)

#: Every command line that is made of a path.
OF_A_PATH: Final[dict[str, Callable[[str], str]]] = {
    "make_folders": lambda path: WINDOWS.make_folders([path, "C:\\other"]),
    "remove": WINDOWS.remove,
    "entries": WINDOWS.entries,
    "text": WINDOWS.text,
    "last_lines": lambda path: WINDOWS.last_lines(path, 20),
    "exists": WINDOWS.exists,
    "checksum": WINDOWS.checksum,
    "manifest": WINDOWS.manifest,
    "facts": WINDOWS.facts,
    "command": lambda path: WINDOWS.command([path, "run"]),
}


def script_of(command_line: str) -> str:
    return base64.b64decode(command_line.rpartition(" ")[2]).decode("utf-16-le")


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def parsed(script: str) -> Node:
    """Its tree. A part that is no PowerShell fails the test."""
    root = get_parser("powershell").parse(script.encode()).root_node
    wrong = [node.text for node in nodes(root) if node.type == "ERROR" or node.is_missing]
    assert wrong == [], script
    return root


def literals(root: Node) -> list[str]:
    """Single-quoted strings as they are written."""
    return [(node.text or b"").decode() for node in nodes(root) if node.type == "verbatim_string_characters"]


def shape(root: Node) -> list[str]:
    """What the script is made of, without the words."""
    return [node.type for node in nodes(root)]


def test_the_grammar_sees_what_is_no_powershell() -> None:
    assert literals(parsed("Remove-Item 'it''s'")) == ["'it''s'"]
    for wrong in ("if ($x { 1 }", "Remove-Item 'it's'", "foreach ($one $two) {}"):
        with pytest.raises(AssertionError):
            parsed(wrong)


@pytest.mark.parametrize("line", [WINDOWS.find_processes(), WINDOWS.end_processes(), WINDOWS.install("a", "b", "c")])
def test_scripts_that_are_always_the_same_are_powershell(line: str) -> None:
    parsed(script_of(line))


@pytest.mark.parametrize("name", OF_A_PATH)
@settings(max_examples=25, deadline=None)
@given(path=NASTY)
@example(path=r"D:\O'Brien\a b$(Remove-Item x)`n;&")
def test_a_path_is_one_literal_and_changes_nothing_else_of_a_script(name: str, path: str) -> None:
    harmless, root = parsed(script_of(OF_A_PATH[name]("C:\\x"))), parsed(script_of(OF_A_PATH[name](path)))

    assert powershell_text(path) in literals(root)
    assert shape(root) == shape(harmless)


@settings(max_examples=50, deadline=None)
@given(st.lists(NASTY, min_size=1, max_size=4))
def test_arguments_of_a_program_are_one_literal(arguments: list[str]) -> None:
    harmless = parsed(script_of(WINDOWS.command(["program", "x"])))

    assert shape(parsed(script_of(WINDOWS.command(["program", *arguments])))) == shape(harmless)


def finds(patterns: Sequence[str], command_line: str) -> bool:
    """As the script looks for processes: -notmatch ignores case, and these expressions mean the same to Python."""
    around = re.search(r"'(\S+)' \+ \$_ \+ '(\S+)'", script_of(WINDOWS.find_processes()))
    assert around is not None
    return all(re.search(f"{around[1]}{one}{around[2]}", command_line, re.IGNORECASE) for one in patterns)


@pytest.mark.parametrize(
    ("command_line", "found"),
    [
        (r'"C:\Program Files\Octopus\Octopus.Server.exe" run --instance="Main"', True),
        (r"C:\Program Files\Octopus\Octopus.Server.exe database --upgrade", True),  # a service's path without quotes
        (r"c:\program files\octopus\octopus.server.exe run", True),
        (r'"C:\Program Files\Octopus\Octopus.Server.exe.bak" run', False),
        (r'"C:\Program Files\Octopus2\Octopus.Server.exe" run', False),
        (r"powershell -EncodedCommand AAAA", False),
    ],
)
def test_processes_of_an_installation_are_found_and_no_others(command_line: str, found: bool) -> None:
    folder = r"C:\Program Files\Octopus"

    assert finds([f"{literally(WINDOWS.executable(folder))}|{literally(folder)}"], command_line) is found


@pytest.mark.parametrize(
    ("command_line", "found"),
    [
        ("Octopus.Server.exe database --instance=Main --upgrade", True),
        ('Octopus.Server.exe database "--instance=Main"', True),
        ("Octopus.Server.exe database --instance=MainOfTheTest", False),
        ("Octopus.Server.exe database --instance=Main-2", False),
    ],
)
def test_commands_of_an_instance_are_found_and_not_those_of_one_whose_name_begins_alike(
    command_line: str, found: bool
) -> None:
    assert finds(["--instance=Main"], command_line) is found


@given(NASTY.filter(lambda text: text.isprintable()))
def test_a_text_in_an_expression_means_itself(text: str) -> None:
    assert re.fullmatch(literally(text), text) is not None
    assert re.fullmatch(literally(text), f"{text}x") is None
