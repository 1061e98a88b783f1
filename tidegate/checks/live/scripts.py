"""INTEG: the users' own API scripts, run before and after; only an outcome that changed counts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidegate.checks.live.context import LiveContext, LiveResult, Notes, run_check
from tidegate.checks.live.task_logs import steadied
from tidegate.secrets import Secret, redact

#: Lines of output kept for the report.
KEPT = 20


@dataclass(frozen=True, slots=True)
class Script:
    """One command of the users: an argument list, run with the test instance's address and key in its environment."""

    name: str
    command: tuple[str, ...]
    timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """How a script ended. ``exit_code`` is None when it did not end in time or could not be started."""

    exit_code: int | None
    output: tuple[str, ...]


def run_scripts(context: LiveContext, scripts: Sequence[Script], api_key: Secret) -> dict[str, ScriptOutcome]:
    """Run every script against the test instance.

    They get `OCTOPUS_URL`, `OCTOPUS_API_KEY` and `OCTOPUS_SPACE` (the default space's id, empty before 2019.1) and
    nothing that would lead them to the main instance, as far as the harness can tell.
    """
    context.guard()
    outcomes: dict[str, ScriptOutcome] = {}
    for script in scripts:
        context.report(f"running the script {script.name}")
        environment = {
            **os.environ,
            "OCTOPUS_URL": context.client.url,
            "OCTOPUS_API_KEY": api_key.reveal(),
            "OCTOPUS_SPACE": context.space,
        }
        outcomes[script.name] = _run(script, environment)
    return outcomes


def check_scripts(
    context: LiveContext, scripts: Sequence[Script], before: Mapping[str, ScriptOutcome], api_key: Secret
) -> LiveResult:
    """Run them again and compare how they end. Output that differs is shown, and counts only with another exit code."""

    def body(notes: Notes) -> None:
        after = run_scripts(context, scripts, api_key)
        for name, now in after.items():
            was = before.get(name)
            if was is None:
                notes.uncovered.append(f"script {name}: it was not run before the upgrade")
            elif was.exit_code != now.exit_code:
                notes.find(
                    f"script {name}", "a script of yours ends otherwise than before the upgrade",
                    before=[f"exit code {was.exit_code}", *was.output],
                    after=[f"exit code {now.exit_code}", *now.output],
                )  # fmt: skip
            else:
                notes.covered.append(f"script {name}: exit code {now.exit_code} as before")
        if not scripts:
            notes.uncovered.append("no scripts of your own are configured")

    return run_check("INTEG", context, body)


def _run(script: Script, environment: Mapping[str, str]) -> ScriptOutcome:
    try:
        done = subprocess.run(
            script.command, env=environment, capture_output=True, text=True, timeout=script.timeout, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return ScriptOutcome(None, (f"it did not end within {script.timeout:g} s",))
    except OSError as error:
        return ScriptOutcome(None, (f"it could not be started: {error.strerror}",))
    lines = [steadied(redact(line)) for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return ScriptOutcome(done.returncode, tuple(lines[-KEPT:]))
