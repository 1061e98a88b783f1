"""Whatever an argument holds, the program at the other end gets exactly that."""

from __future__ import annotations

import base64
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.errors import HarnessError
from tidegate.providers.hosts.quoting import (
    posix_command,
    powershell_text,
    sftp_path,
    windows_arguments,
    windows_command,
)

#: Every character but the null character, which no argument can hold, and halves of surrogate pairs.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)
#: Much of what quoting is about, close together.
NASTY = st.text(st.sampled_from("'\"\\ \t\n$`%!&|<>^();*?[]{}#~‘’‚‛“”ä-/aB"), max_size=20)
ARGUMENTS = st.lists(TEXT | NASTY, min_size=1, max_size=5)


def parse_like_windows(command_line: str) -> list[str]:
    """Microsoft, "Parsing C command-line arguments": backslashes count only in front of a double quote."""
    arguments: list[str] = []
    current: list[str] | None = None
    quoted = False
    position = 0
    while position < len(command_line):
        mark = command_line[position]
        if mark == "\\":
            end = position
            while end < len(command_line) and command_line[end] == "\\":
                end += 1
            count = end - position
            current = current if current is not None else []
            if end < len(command_line) and command_line[end] == '"':
                current.append("\\" * (count // 2))
                if count % 2:
                    current.append('"')
                    end += 1
            else:
                current.append("\\" * count)
            position = end
            continue
        if mark == '"':
            quoted = not quoted
            current = current if current is not None else []
        elif mark in " \t" and not quoted:
            if current is not None:
                arguments.append("".join(current))
                current = None
        else:
            current = [*(current or []), mark]
        position += 1
    return [*arguments, "".join(current)] if current is not None else arguments


def parse_like_powershell(literal: str) -> str:
    """A single-quoted string: any of five quotes ends it, unless another one follows (about_Quoting_Rules)."""
    quotes = "'‘’‚‛"
    assert literal[0] in quotes
    text: list[str] = []
    position = 1
    while literal[position] not in quotes or literal[position + 1 : position + 2] in {*quotes}:
        if literal[position] in quotes:
            position += 1
        text.append(literal[position])
        position += 1
    assert position == len(literal) - 1, "something follows the string"
    return "".join(text)


@settings(max_examples=60, deadline=None)
@given(ARGUMENTS)
def test_sh_gives_a_program_what_it_was_to_get(arguments: list[str]) -> None:
    line = posix_command(["printf", "%s\\0", *arguments])

    printed = subprocess.run(["sh", "-c", line], capture_output=True, check=True).stdout

    assert printed.decode().split("\0")[:-1] == arguments


@given(ARGUMENTS)
def test_a_windows_program_takes_its_arguments_apart_as_they_were_put_together(arguments: list[str]) -> None:
    # A line break is white space to nobody but the shell, which never sees this string.
    assert parse_like_windows(windows_arguments(arguments)) == arguments


@given(TEXT | NASTY)
def test_powershell_reads_a_text_as_it_is(text: str) -> None:
    assert parse_like_powershell(powershell_text(text)) == text


@given(ARGUMENTS)
def test_no_shell_of_windows_finds_anything_to_read_in_a_command_line(arguments: list[str]) -> None:
    line = windows_command([r"C:\Program Files\Octopus Deploy\Octopus\Octopus.Server.exe", *arguments])

    options, _, code = line.rpartition(" ")
    assert options == "powershell -NoProfile -NonInteractive -EncodedCommand"
    assert set(code) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
    script = base64.b64decode(code).decode("utf-16-le")
    told = script.split("\n$start.UseShellExecute")[0].split("$start.Arguments = ", 1)[1]
    assert parse_like_windows(parse_like_powershell(told)) == arguments


def test_what_cannot_be_passed_is_refused() -> None:
    with pytest.raises(HarnessError, match="null character"):
        posix_command(["echo", "a\0b"])
    with pytest.raises(HarnessError, match="line break"):
        sftp_path("a\nb")
