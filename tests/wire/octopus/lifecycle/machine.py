"""An Octopus Server stand-in as an administrator handles it: installations, instances, commands, a running server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from standins.octopus.command.instances import (
    CONNECTION_STRING,
    HOME,
    LISTEN_PREFIXES,
    MASTER_KEY,
    NODE_NAME,
    InstanceConfiguration,
)
from standins.octopus.crypto import MasterKey
from standins.octopus.schema.database import Database

ROOT: Final = Path(__file__).parents[4]
ADMIN_KEY: Final = "API-ADMINADMINADMINADMINADMINADMI"
_LISTENING: Final = "Listening for HTTP requests on "


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Running:
    url: str
    process: subprocess.Popen[str]
    log: Path

    def get(self, path: str, key: str | None = ADMIN_KEY) -> Any:
        request = urllib.request.Request(self.url + path, headers={"X-Octopus-ApiKey": key} if key else {})  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            return json.load(reply)


class Instance:
    """One instance; which version serves it is chosen with each command, as by the installation on a host."""

    def __init__(self, folder: Path, connection_string: str, node: str = "node-1") -> None:
        self.folder = folder
        self.connection_string = connection_string
        self.configuration = folder / "home" / "OctopusServer.config"
        self.master_key = MasterKey.generate()
        values = {
            HOME: str(folder / "home"),
            CONNECTION_STRING: connection_string,
            MASTER_KEY: self.master_key.text(),
            NODE_NAME: node,
            LISTEN_PREFIXES: "http://localhost:0/",
        }
        InstanceConfiguration(self.configuration, values).save()

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def installation(self, version: str) -> Path:
        install = self.folder / f"install-{version}"
        install.mkdir(exist_ok=True)
        (install / "release.json").write_text(json.dumps({"Version": version}))
        return install

    def run(self, version: str, command: str, *options: str, environment: Mapping[str, str] | None = None) -> Result:
        finished = subprocess.run(
            [*self._program(version), command, "--config", str(self.configuration), *options],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )
        return Result(finished.returncode, finished.stdout, finished.stderr)

    def create(self, version: str) -> None:
        """A database of this version with an administrator."""
        for command, *options in (
            ["database", "--create"],
            ["admin", "--username=admin", "--password=Passw0rd!1", f"--apiKey={ADMIN_KEY}"],
            ["license", "--free"],
        ):
            result = self.run(version, command, *options)
            assert result.code == 0, result.output + result.errors

    def upgrade(self, version: str, *options: str) -> Result:
        return self.run(version, "database", "--upgrade", *options)

    @contextmanager
    def serve(self, version: str, *options: str) -> Generator[Running]:
        log = self.folder / "server.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [
                    *self._program(version),
                    "run",
                    "--config",
                    str(self.configuration),
                    "--noninteractive",
                    "--exit-with-stdin",
                    *options,
                ],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=ROOT,
            )
        try:
            yield Running(wait_for_url(lambda: process.poll() is None, log), process, log)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _program(self, version: str) -> list[str]:
        return [sys.executable, "-m", "standins.octopus", "--install-folder", str(self.installation(version))]

    @contextmanager
    def database(self) -> Generator[Database]:
        database = Database(self.connection_string)
        try:
            yield database
        finally:
            database.close()

    def kill_upgrade(self, version: str, at: str) -> None:
        """SIGKILL as soon as the upgrade says ``at``."""
        process = subprocess.Popen(
            [*self._program(version), "database", "--upgrade", "--config", str(self.configuration)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if at in line:
                process.kill()
                break
        process.wait()
        process.stdout.close()


def wait_for_url(is_running: Callable[[], bool], log: Path) -> str:
    """The address in the log of a server that becomes ready."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        text = log.read_text() if log.exists() else ""
        if "Web server is ready to process requests" in text:
            return text.split(_LISTENING)[1].split()[0].rstrip("/")
        if not is_running():
            break
        time.sleep(0.02)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")
