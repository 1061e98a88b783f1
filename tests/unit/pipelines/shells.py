"""The shell that the pipelines run, taken out of their files."""

from __future__ import annotations

import importlib
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from tests.unit.process.inner import REPOSITORY

PIPELINES: Final = REPOSITORY / "pipelines"

#: Keys under which the three YAML systems keep shell: a text, or a list of them that runs as one script.
_KEYS: Final = frozenset({"run", "script", "before_script", "after_script", "bash"})


@dataclass(frozen=True, slots=True)
class Shell:
    """One script of one pipeline."""

    pipeline: str
    text: str

    def __str__(self) -> str:
        return f"{self.pipeline}: {self.text.splitlines()[0]}"


def yaml_of(name: str) -> Any:
    """A pipeline, every value as text: what they mean by 1 or true is their own affair."""
    yaml: Any = importlib.import_module("yaml")
    return yaml.load((PIPELINES / name).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def shells() -> list[Shell]:
    """Every script of every pipeline, in order."""
    found = [Shell(name, text) for name in ("github-actions.yml", "gitlab-ci.yml", "azure-pipelines.yml")
             for text in _in_yaml(yaml_of(name))]  # fmt: skip
    jenkins = (PIPELINES / "jenkins" / "Jenkinsfile").read_text(encoding="utf-8")
    found += [Shell("Jenkinsfile", text) for text in _matches(r"sh '''(.*?)'''|sh '([^'\n]+)'", jenkins)]
    teamcity = (PIPELINES / "teamcity" / "settings.kts").read_text(encoding="utf-8")
    for text in _matches(r'scriptContent = """(.*?)"""()', teamcity):
        found.append(Shell("settings.kts", text.replace("${'$'}", "$").replace("${paths.size}", "2")))
    return found


def commands(shell: Shell) -> list[str]:
    """Its lines, each a command."""
    return [line.strip() for line in shell.text.splitlines() if line.strip()]


def _in_yaml(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in cast("dict[str, Any]", node).items():
            if key in _KEYS and not isinstance(value, dict):
                yield "\n".join(cast("list[str]", value)) if isinstance(value, list) else str(value)
            else:
                yield from _in_yaml(value)
    elif isinstance(node, list):
        for item in cast("list[Any]", node):
            yield from _in_yaml(item)


def _matches(pattern: str, text: str) -> Iterator[str]:
    for match in re.finditer(pattern, text, re.DOTALL):
        yield textwrap.dedent(match[1] or match[2]).strip()


def checkout(folder: Path) -> Path:
    """A made-up checkout: scripts/publish as it is, everything else records its call in `calls` and ends as the
    environment variable of its name says. Runs are in `reports`."""
    for name in ("setup", "rehearse"):
        _stub(folder / "scripts" / name, name.upper())
    _stub(folder / ".venv" / "bin" / "tidegate", "TIDEGATE", '[ "$*" = "report --where" ] && { echo reports; exit 0; }')
    _stub(folder / ".venv" / "bin" / "python", "PYTHON")
    _stub(folder / "bin" / "npm", "NPM")
    publish = folder / "scripts" / "publish"
    publish.write_bytes((REPOSITORY / "scripts" / "publish").read_bytes())
    publish.chmod(0o755)
    for run in ("runs/run-1", "published/run-1", "runs/rehearsal-1/run-1"):
        (folder / run).mkdir(parents=True)
    return folder


def _stub(file: Path, variable: str, first: str = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    told = '"${0##*/} $*"'
    file.write_text(f'#!/bin/sh\n{first}\necho {told} >> "$CALLS"\nexit "${{{variable}:-0}}"\n', encoding="utf-8")
    file.chmod(0o755)
