"""Allure's report of a run as one HTML file, where Node and Allure 3 are; what to do where they are not.

The results themselves (`allure-results/`) can be read by any Allure, of whatever version, anywhere.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from tidegate.errors import HarnessError
from tidegate.secrets import redact

RESULTS: Final = "allure-results"
REPORT: Final = "allure-report"

#: What earlier reports of the same reports folder knew; Allure shows it as the history of each scenario.
HISTORY: Final = "allure-history.jsonl"
_REMEMBERED: Final = 20

#: A configuration of the user's own, beside the runs; without one the packaged one is used.
CONFIGURATION: Final = "allurerc.json"

_SECONDS: Final = 300

_FROM_ELSEWHERE: Final = re.compile(r'<script\b[^>]{0,200}\bsrc="https?://[^"]*"[^>]*></script>')


class AllureUnavailable(HarnessError):
    """Allure 3 is not on this machine; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Allure:
    """Allure's command line."""

    command: str
    version: str

    def generate(self, results: Sequence[Path], output: Path, name: str, reports: Path) -> Path:
        """One self-contained HTML file in the folder ``output``, which is replaced.

        ``reports`` holds the history. Raises :class:`HarnessError` with what Allure said when it made none.
        """
        output = output.resolve()  # Allure runs in another folder
        sources = [str(folder.resolve()) for folder in results]
        configuration = self._configure(output, name, reports)
        try:
            told = subprocess.run(
                [self.command, "generate", "--config", str(configuration), "--output", str(output), *sources],
                cwd=output.parent,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HarnessError(f"Allure made no report within {_SECONDS} s", where=str(results[0])) from None
        finally:
            configuration.unlink()
        page = output / "index.html"
        if told.returncode or not page.is_file():
            said = redact((told.stderr + told.stdout).strip()[-2000:])
            raise HarnessError(f"Allure made no report (exit code {told.returncode}): {said}", where=str(results[0]))
        # Allure 3.18 tells an analytics service about every report that is opened, and has no option against it.
        page.write_text(_FROM_ELSEWHERE.sub("", page.read_text("utf-8")), encoding="utf-8")
        return page

    def _configure(self, output: Path, name: str, reports: Path) -> Path:
        """The configuration for this one report, with the history before it."""
        if output.exists():
            shutil.rmtree(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        history = reports / HISTORY
        _forget(history, name)
        own = reports / CONFIGURATION
        text = own.read_text("utf-8") if own.is_file() else _packaged()
        configuration = {
            **_json(text, own),
            "name": name,
            "historyPath": str(history.resolve()),
            "historyLimit": _REMEMBERED,
            "appendHistory": True,
        }
        file = output.parent / f".{output.name}.allurerc.json"
        file.write_text(json.dumps(configuration), encoding="utf-8")
        return file


def find_allure(command: str = "") -> Allure:
    """Allure 3: the ``command`` that is named, else in `node_modules` of this folder or one above, else on the path.

    Raises :class:`AllureUnavailable`.
    """
    for candidate in [command] if command else _candidates():
        version = _version(candidate)
        if version.startswith("3."):
            return Allure(candidate, version)
        if command:
            raise AllureUnavailable(
                f"{command} is not Allure 3, it says {version or 'nothing'}", next_step="npm install allure@3"
            )
    if shutil.which("node") is None:
        raise AllureUnavailable(
            "no Allure report was made: Node.js is not on this machine",
            next_step="install Node.js 20 or newer, then `npm install allure@3`; "
            f"or open {RESULTS} with any other Allure",
        )
    raise AllureUnavailable(
        "no Allure report was made: Node.js is here, Allure 3 is not",
        next_step=f"`npm install allure@3` in this folder or globally; or open {RESULTS} with any other Allure",
    )


def _candidates() -> list[str]:
    here = Path.cwd()
    suffix = ".cmd" if shutil.which("cmd.exe") else ""
    local = [folder / "node_modules" / ".bin" / f"allure{suffix}" for folder in (here, *here.parents)]
    found = [str(file) for file in local if file.is_file()]
    on_path = shutil.which("allure")
    return [*found, *([on_path] if on_path else [])]


def _version(command: str) -> str:
    """What `--version` says; Allure 2, which needs Java and another configuration, says 2.x. Empty for no answer."""
    try:
        told = subprocess.run(
            [command, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.strip().splitlines()[-1] if told.returncode == 0 and told.stdout.strip() else ""


def _forget(history: Path, name: str) -> None:
    """Take an earlier report of the same name out of the history: making it again is not another run."""
    if history.is_file():
        lines = history.read_text("utf-8").splitlines()
        kept = [line for line in lines if line.strip() and _json(line, history).get("name") != name]
        history.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def _packaged() -> str:
    return resources.files("tidegate.reporting").joinpath("allurerc.json").read_text("utf-8")


def _json(text: str, where: Path) -> Mapping[str, Any]:
    try:
        return json.loads(text)
    except ValueError as error:
        raise HarnessError(f"this is not JSON: {error}", where=str(where)) from None
