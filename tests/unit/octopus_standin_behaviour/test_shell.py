"""Scripts as child processes: functions, service messages, streams, what they may see."""

from __future__ import annotations

import base64
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from standins.octopus.behaviour.shell import ScriptResult, run_bash


def run(body: str, folder: Path, values: dict[str, str] | None = None) -> tuple[ScriptResult, list[tuple[str, str]]]:
    said: list[tuple[str, str]] = []
    result = run_bash(
        body,
        values or {},
        folder,
        lambda code, text: said.append((code, text)),
        cancelled=threading.Event(),
    )
    return result, said


def test_lines_have_the_category_of_their_stream(tmp_path: Path) -> None:
    calls = ["write_verbose quiet", "write_highlight loud", 'write_warning "be careful"']
    body = "\n".join(["echo plain", "echo trouble >&2", *calls, "echo again"])

    result, said = run(body, tmp_path)

    assert result.exit_code == 0
    assert sorted(said) == sorted(
        [
            ("INF", "plain"),
            ("ERR", "trouble"),
            ("VBS", "quiet"),
            ("HGT", "loud"),
            ("WRN", "be careful"),
            ("INF", "again"),
        ]
    )


def test_outputs_artifacts_and_failures_come_back(tmp_path: Path) -> None:
    body = (
        'set_octopusvariable "Plain" "a b"\nset_octopusvariable "Secret" "s" -sensitive\n'
        'echo x > f.txt\nnew_octopusartifact f.txt "named.txt"\nfail_step "on purpose"'
    )

    result, said = run(body, tmp_path)

    assert result.exit_code == 255
    assert result.message == "on purpose"
    assert result.outputs == {"Plain": ("a b", False), "Secret": ("s", True)}
    assert result.artifacts == [(tmp_path / "f.txt", "named.txt")]
    assert said == []


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_any_value_reaches_the_script_as_it_is(value: str, tmp_path: Path) -> None:
    _, said = run("get_octopusvariable \"My [odd] 'name'\" | base64 -w0", tmp_path, {"My [Odd] 'Name'": value})

    assert base64.b64decode("".join(text for _, text in said)).decode() == value


def test_the_servers_own_environment_stays_with_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_KEY", "the-servers-own")

    _, said = run("env", tmp_path)

    assert "the-servers-own" not in " ".join(text for _, text in said)


def test_values_lie_in_a_file_of_the_owner_alone(tmp_path: Path) -> None:
    _, said = run(
        'stat -c "%a %n" values.bash; tr "\\0" " " < /proc/$$/cmdline; echo', tmp_path, {"Secret": "topsecret"}
    )

    texts = [text for _, text in said]
    assert texts[0] == "600 values.bash"
    assert "topsecret" not in texts[1]


def test_a_cancelled_script_takes_its_children_along(tmp_path: Path) -> None:
    cancelled = threading.Event()
    said: list[str] = []

    def hear(code: str, text: str) -> None:
        del code
        said.append(text)
        cancelled.set()

    began = time.monotonic()
    result = run_bash("sleep 300 & echo $!; wait", {}, tmp_path, hear, cancelled=cancelled)

    assert result.cancelled
    assert time.monotonic() - began < 20
    deadline = time.monotonic() + 5
    while _alive(int(said[0])) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(int(said[0]))


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process}/stat").read_text().split(")")[1].split()[0]
