"""The main instance's own container: replaced by one with another image, and put aside until that is settled.

A new version is a new container with the same name, volumes, environment, ports and networks (Octopus docs,
installation/octopus-server-linux-container: stop, run the new tag with the same volumes and master key). The container
before it keeps everything it has and waits under another name: going back is giving it its name again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import Any, Final, cast, final

import docker.errors

from tidegate.errors import HarnessError, MainInstanceProtected, ProvisioningFailed, TimedOut
from tidegate.log_ends import last_lines
from tidegate.octopus.start_up import StartingServer, is_listening, wait_until_up
from tidegate.providers.containers.engine import Engine, border
from tidegate.providers.containers.main_record import addresses_of, main_record
from tidegate.providers.containers.successor import networks_of, successor
from tidegate.providers.contract import CommandResult
from tidegate.providers.standing import StandingHost
from tidegate.rehearsal.instances import MainInstance, ServerFolders
from tidegate.secrets import redact
from tidegate.settings.model import ContainerSettings, MainInContainerSettings
from tidegate.versions import Version
from tidegate.waiting import wait_until

#: On containers that a cut-over made: which cut-over.
CUT_OVER: Final = "tidegate.cut-over"
_PROGRAM: Final = "/Octopus/Octopus.Server"
_INSTANCE: Final = "OctopusServer"
_RECORD: Final = "main-container.json"
_STOPPING: Final = 60  # seconds until a server that was asked to stop is made to
_NEVER: Final = {"Name": "no", "MaximumRetryCount": 0}


@final
class MainContainer(StandingHost):
    """A `TestHost` over the container in which the main instance runs. Every call proves again that it is that one."""

    def __init__(
        self,
        engine: Engine,
        wanted: MainInContainerSettings,
        images: ContainerSettings,
        main: MainInstance,
        folder: Path,
        *,
        follows: bool = False,
    ) -> None:
        """``folder`` is the cut-over's: what was proven is remembered there, for an attempt after a crash. A node that
        ``follows`` another one is found at its own address, not at the main instance's. Raises :class:`HarnessError`
        when the container that the settings name is not the main instance's."""
        client = cast("Any", engine.client)
        self._file = folder / (f"main-container-{wanted.container}.json" if follows else _RECORD)
        record = main_record(self._file, client, wanted, main)
        super().__init__(record.name)
        self._engine = engine
        self._client = client
        self._images = images
        self._main = main
        self._folder = folder
        self._cut_over = folder.name
        self._record = record
        self._follows = follows
        self._installed[record.version] = record.digest

    # ------------------------------------------------------------------ what a TestHost tells

    @property
    def folders(self) -> ServerFolders:
        return self._main.folders

    @property
    def server_paths(self) -> ServerFolders:
        inside = [Path(PurePosixPath(one)) for one in ("/repository", "/artifacts", "/taskLogs")]
        return ServerFolders(*inside)

    @property
    def node_name(self) -> str:
        return self._record.node_name

    @property
    def url(self) -> str:
        """The main instance's; of a node that follows its own, which Docker may have changed."""
        if not self._follows:
            return self._main.url
        now = addresses_of(self._required().attrs)
        return self._record.address if self._record.address in now else now[-1]

    def offered(self, version: Version) -> str:
        """The digest of this version's image, which is pulled where it is not there yet."""
        return self._engine.provide_image(self._images.octopus_image_of(version), lambda _: None)

    # ------------------------------------------------------------------ what a TestHost does

    def fetch(self, version: Version) -> None:
        self.offered(version)

    def install(self, version: Version) -> None:
        """Puts a stopped container with this version's image in place, or the one that was put aside."""
        current, aside = self._current(), self._aside()
        if aside is None and current is not None:
            if str(version) == self._record.version and current.id == self._record.identifier:
                return  # it was never replaced
            with border("putting the container aside"):
                current.rename(self._aside_name)
            current, aside = None, current
        if aside is None:
            raise ProvisioningFailed(f"the container {self._record.name} is gone, and none was put aside")
        with border(f"putting {version} in place"):
            if current is not None:
                current.remove(force=True, v=False)  # its volumes are the main instance's
            if str(version) == self._record.version and aside.id == self._record.identifier:
                aside.rename(self._record.name)
                self._installed[str(version)] = self._record.digest
                return
            digest = self.offered(version)
            self._create(aside, self._images.octopus_image_of(version))
            self._installed[str(version)] = digest

    def octopus_server(self, command: str, options: Sequence[str] = (), *, timeout: float = 600) -> CommandResult:
        """Inside the running container (Octopus docs run `show-master-key` so)."""
        container, started = self._required(), monotonic()
        api = self._client.api
        patience, api.timeout = api.timeout, timeout
        try:
            with border(f"Octopus.Server {command}"):
                ended = container.exec_run([_PROGRAM, command, "--instance", _INSTANCE, *options])
        except (ProvisioningFailed, TimeoutError) as error:
            if isinstance(error, ProvisioningFailed) and "timed out" not in error.what.lower():
                raise
            raise TimedOut(
                f"Octopus.Server {command} did not end within {timeout:g} s", where=self._record.name
            ) from None
        finally:
            api.timeout = patience
        output = redact(ended.output.decode("utf-8", "replace"))
        return CommandResult(f"Octopus.Server {command}", ended.exit_code, output, monotonic() - started)

    def upgrade_database(self, *, timeout: float = 3600) -> CommandResult:
        """The start of the new container, until it is done with the database or has ended."""
        started = monotonic()
        self._run()
        try:
            wait_until(
                lambda: self._exit_code() is not None or is_listening(self.server_log()),
                timeout=timeout,
                what=f"the container {self._record.name} to upgrade the database",
                poll=0.2,
                describe=lambda: last_lines(self.server_log()),
            )
        except TimedOut as error:
            self.stop()
            raise TimedOut(error.what, output=self.server_log(), where=self._record.name) from None
        code, output = self._exit_code(), self.server_log()
        return CommandResult("the start of the new image", code or 0, output, monotonic() - started)

    def start(self, *, timeout: float = 300) -> str:
        """Starts the container unless it runs; the URL is the one the main instance has always had."""
        self._run()

        def ended() -> str | None:
            return None if (code := self._exit_code()) is None else f"with exit code {code} while starting"

        starting = StartingServer(self.server_log, ended, self._record.name, poll=0.2)
        return wait_until_up(starting, lambda _: self.url, timeout=timeout)

    def stop(self) -> None:
        """Stops it, and sees to it that the engine does not start it again by itself."""
        current = self._current()
        if current is None:
            return
        with border(f"stopping the container {self._record.name}"):
            current.update(restart_policy=_NEVER)
            current.stop(timeout=_STOPPING)

    def server_log(self) -> str:
        """What it has said since it was last started."""
        current = self._current()
        if current is None:
            return ""
        started = _moment(current.attrs["State"]["StartedAt"])
        if started <= 0:
            return ""  # it was made, and never started
        with border(f"the log of {self._record.name}"):
            output: bytes = current.logs(since=started)
        return redact(output.decode("utf-8", "replace"))

    def log_files(self) -> Sequence[Path]:
        file = self._folder / f"octopus-server-{self._record.name}.log"
        file.write_text(self.server_log(), encoding="utf-8")
        return [file]

    def settled(self) -> None:
        """The cut-over has reached its end: what was put aside is removed, its volumes stay."""
        aside = self._aside()
        if aside is not None and self._current() is not None:
            with border("removing the container that was put aside"):
                aside.remove(v=False)

    # ------------------------------------------------------------------ which container

    @property
    def _aside_name(self) -> str:
        return f"{self._record.name}-aside-{self._cut_over}"

    def _current(self) -> Any:
        """The container in the main instance's place, as it is now, or None. It is the one that was proven, or one that
        this cut-over made of it."""
        return self._ours(self._record.name)

    def _aside(self) -> Any:
        return self._ours(self._aside_name)

    def _ours(self, name: str) -> Any:
        with border(f"the container {name}"):
            try:
                found = self._client.containers.get(name)
            except docker.errors.NotFound:
                return None
        if found.id != self._record.identifier and found.labels.get(CUT_OVER) != self._cut_over:
            raise MainInstanceProtected(
                f"the container {name} is neither the one that was proven to be the main instance's nor one that this "
                "cut-over made",
                where=str(self._file),
                next_step="find out who replaced it; nothing was done to it",
            )
        return found

    def _required(self) -> Any:
        current = self._current()
        if current is None:
            raise HarnessError("there is no container in the main instance's place", where=self._record.name)
        return current

    # ------------------------------------------------------------------ means

    def _create(self, model: Any, image: str) -> None:
        attributes: dict[str, Any] = model.attrs
        own: dict[str, Any] = self._client.images.get(attributes["Image"]).attrs
        body = successor(attributes, own, image, {CUT_OVER: self._cut_over})
        body["HostConfig"]["RestartPolicy"] = _NEVER  # until it is started
        made = self._client.api.create_container_from_config(body, self._record.name)
        joined = set(body["NetworkingConfig"]["EndpointsConfig"])
        for network, how in networks_of(attributes).items():
            if network not in joined:
                self._client.networks.get(network).connect(made["Id"], aliases=how["Aliases"] or None)

    def _run(self) -> None:
        current = self._required()
        with border(f"starting the container {self._record.name}"):
            current.update(restart_policy=self._record.restart)
            if current.attrs["State"]["Status"] != "running":
                current.start()

    def _exit_code(self) -> int | None:
        state: dict[str, Any] = self._required().attrs["State"]
        return None if state["Status"] in {"created", "running", "restarting", "paused"} else int(state["ExitCode"])


def _moment(text: str) -> float:
    """Docker's time stamps have nanoseconds."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp() + float(f"0.{fraction or 0}")
