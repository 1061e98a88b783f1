"""The pages for people name only what is there: commands, options, scripts, files, pictures."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.unit.process.inner import REPOSITORY
from tidegate.command import main

PAGES: Final = sorted((REPOSITORY / "docs").glob("for-*.md"))

#: Bytes of a picture; the repository is cloned by everybody.
_LARGEST: Final = 400_000


def _code(page: Path) -> Iterator[str]:
    """Lines of code, a continued one as a whole, without prompt and remark."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.startswith("    ") and not line.startswith("     "):
            yield line.strip().removeprefix("$ ").partition(" #")[0].strip()


def _commands(program: str) -> list[str]:
    return [line for page in PAGES for line in _code(page) if line.startswith(program)]


def test_there_is_a_page_for_each_reader() -> None:
    assert [page.stem for page in PAGES] == ["for-change-boards", "for-pipelines", "for-qa"]


@pytest.mark.parametrize("line", _commands("tidegate "))
def test_commands_and_their_options_exist(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(line)[1:]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])

    assert ended.value.code == 0
    known = capsys.readouterr().out
    assert not [word for word in words if word.startswith("--") and word not in known]


@pytest.mark.parametrize("line", _commands("scripts/"))
def test_scripts_and_features_exist(line: str) -> None:
    program, *arguments = shlex.split(line)

    assert (REPOSITORY / program).is_file()
    assert not [
        one for one in arguments if one.startswith("features/") and not (REPOSITORY / one.split(":")[0]).is_file()
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))

    assert targets
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


def test_pictures_are_small() -> None:
    assert [file.name for file in (REPOSITORY / "docs").glob("*.png") if file.stat().st_size > _LARGEST] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_the_repository_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"`((?:tidegate|scripts|pipelines|features)/[\w./-]*)`", page.read_text(encoding="utf-8"))

    assert [name for name in named if not (REPOSITORY / name).exists()] == []
