"""Whether a rehearsal on a host can be started at all: asked before anything is."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, final

from tidegate.errors import HarnessError, SettingsError, TidegateError, UsageError
from tidegate.providers.hosts.guard import machine_of, main_machine_seen, why_main_s
from tidegate.providers.hosts.ownership import PREFIX
from tidegate.providers.hosts.reach import Reach
from tidegate.providers.hosts.reaching import reached
from tidegate.providers.hosts.sql_server import clone_address
from tidegate.providers.hosts.systems import System, read_facts, system_of
from tidegate.rehearsal.guard import assert_folders_are_not_main, same_url
from tidegate.rehearsal.instances import ServerFolders
from tidegate.settings import Settings
from tidegate.settings.hosts import HostSettings, ReachSettings
from tidegate.sqlserver.connection import SqlServer

_GIB: Final = 1024**3
_SHORT: Final = 60.0
#: RESTORE of a database that does not exist yet takes this permission (Microsoft: RESTORE statements, "Permissions").
_MAY_CREATE: Final = "SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'CREATE ANY DATABASE')"

Look = tuple[str, Callable[[], str]]


def check_host(settings: Settings) -> None:
    """Raise :class:`UsageError` for whatever is missing; nothing is left where it was looked."""
    for _, look in looks(settings):
        look()


def looks(settings: Settings) -> Iterator[Look]:
    """A name and a look for each thing that a rehearsal on a host needs. A look returns a sentence about what it saw or
    raises :class:`UsageError`; each rests on those before it."""
    wanted = settings.host
    yield "host settings", lambda: _wanted(settings)
    if wanted is None:
        return
    yield "host, way there", lambda: check_way(wanted)
    with reached(wanted) as reach:
        seen = _Seen(wanted, reach)
        yield "host", seen.answers
        yield "host, room", seen.has_room
        yield "host, not main's", lambda: seen.is_not_main(settings)
        yield "host, server folders", seen.shares_folders
        yield "host, SQL Server", lambda: _sql_server(settings, wanted)
        yield "host, backups", lambda: _writable(wanted.sql_server.backups.local, "[host.sql_server.backups] here")


def check_way(wanted: ReachSettings, section: str = "[host]") -> str:
    """What must be on this machine to get to that one; ``section`` is where the settings name it."""
    if not wanted.address:
        return "it is this machine"
    for program in ("ssh", "sftp"):
        if shutil.which(program) is None:
            raise UsageError(
                f"{program} is not installed on this machine", next_step="install the OpenSSH client (openssh-client)"
            )
    for name in ("identity_file", "known_hosts", "ssh_config"):
        file: Path | None = getattr(wanted, name)
        if file is not None:
            _readable(f"{section} {name}", file)
    return f"by ssh to {wanted.address}"


def ask_facts(reach: Reach, system: System, folder: str) -> Mapping[str, Sequence[str]]:
    """What the machine says about itself; raises :class:`UsageError` when it cannot be reached, or is another kind of
    machine than ``system``."""
    try:
        result = reach.run("looking at the host", system.facts(folder), timeout=_SHORT)
    except HarnessError as error:
        raise UsageError(error.what, where=error.where, next_step=error.next_step) from None
    facts = read_facts(result.output)
    if [name.lower() for name in facts.get("system", ())] != [system.name]:
        found = ", ".join(facts.get("system", ())) or result.output.strip()[-300:] or "nothing"
        raise UsageError(
            f"the host is no {system.name.capitalize()} machine: asked what it is, it says {found}",
            where=reach.where,
            next_step='correct "system" (linux or windows), or name another address',
        )
    if missing := facts.get("missing"):
        raise UsageError(
            f"the host lacks {', '.join(missing)}", where=reach.where, next_step="install what is missing on the host"
        )
    return facts


def require_administrator(facts: Mapping[str, Sequence[str]], where: str, *, on: str = "the host") -> None:
    """Raise :class:`UsageError` when the user may not install there."""
    if facts.get("ordinary"):
        raise UsageError(
            f"the user has no administrator's rights on {on}: the MSI and the service need them",
            where=where,
            next_step="let an administrator log in by ssh, or run sshd's sessions elevated",
        )


def require_writable(
    facts: Mapping[str, Sequence[str]], where: str, *, on: str = "the host", setting: str = "[host] folder"
) -> None:
    """Raise :class:`UsageError` when the user may not write where the facts were asked about."""
    if closed := facts.get("closed"):
        raise UsageError(
            f"{closed[0]} cannot be written to on {on}",
            where=where,
            next_step=f"give the user the right, or name another {setting}",
        )


def described_machine(facts: Mapping[str, Sequence[str]], reach: Reach, system: System) -> str:
    return f"{reach.where} is {next(iter(facts.get('machine', ())), 'a machine without a name')}, {system.name}"


@final
class _Seen:
    """The host, asked once."""

    def __init__(self, wanted: HostSettings, reach: Reach) -> None:
        self._wanted = wanted
        self._reach = reach
        self._system = system_of(wanted.system)
        self._facts: Mapping[str, Sequence[str]] = {}

    def answers(self) -> str:
        self._facts = ask_facts(self._reach, self._system, self._wanted.folder)
        require_administrator(self._facts, self._reach.where)
        others = [name for name in self._facts.get("instance", ()) if not name.startswith(PREFIX)]
        if self._system.name == "windows" and others:
            raise UsageError(
                f"Octopus Server is on this host already ({', '.join(others)}), and all instances of a Windows machine "
                "share the binaries that a rehearsal replaces",
                where=self._reach.where,
                next_step="name a machine without Octopus Server",
            )
        return described_machine(self._facts, self._reach, self._system)

    def has_room(self) -> str:
        require_writable(self._facts, f"{self._reach.where}: {self._wanted.folder}")
        free = int(next(iter(self._facts.get("free", ())), "0"))
        if free < self._wanted.free_disk * _GIB:
            raise UsageError(
                f"the host has {free / _GIB:.1f} GiB free, [host] free_disk wants {self._wanted.free_disk}",
                where=f"{self._reach.where}: {self._wanted.folder}",
                next_step="make room, name another folder, or lower free_disk",
            )
        return f"{self._wanted.folder} can be written to and has {free / _GIB:.1f} GiB free"

    def is_not_main(self, settings: Settings) -> str:
        main, wanted = settings.main, self._wanted
        if main is None:
            return "the main instance is a sample of this run"
        machine = machine_of(self._facts, local=not wanted.address)
        why = why_main_s(machine, main_machine_seen(main))
        if not why and same_url(main.url, wanted.url):
            why = "[host] url is the main instance's"
        if why:
            raise UsageError(
                f"the host is the main instance's machine: {why}",
                where=self._reach.where,
                next_step="point [host] to a machine of its own: nothing of a rehearsal may touch the main instance's",
            )
        share = wanted.server_folders.local
        try:
            assert_folders_are_not_main(ServerFolders(**main.folders.model_dump()), ServerFolders(share, share, share))
        except TidegateError as error:
            raise UsageError(error.what, where=error.where, next_step="name another [host.server_folders]") from None
        return f"{machine.name} is not the machine of {main.url}"

    def shares_folders(self) -> str:
        """A file that is written here must be found there."""
        share = self._wanted.server_folders
        _writable(share.local, "[host.server_folders] here")
        word = secrets.token_hex(16)
        probe = share.local / f".{PREFIX}{word}"
        probe.write_text(word, encoding="ascii")
        try:
            there = self._system.path(share.on_host, probe.name)
            found = self._reach.run("looking for a file", self._system.text(there), timeout=_SHORT).output.strip()
        finally:
            probe.unlink()
        if found != word:
            raise UsageError(
                f"{share.local} here and {share.on_host} on the host are not the same folder",
                where="[host.server_folders]",
                next_step="share or mount the folder, and name it as each machine names it",
            )
        return f"{share.local} here is {share.on_host} there"


def _wanted(settings: Settings) -> str:
    if settings.host is None:
        raise SettingsError(
            '[test_instance] provider = "host" needs the section [host]',
            next_step="docs/hosts.md shows a complete one",
        )
    if settings.test_instance.sql_server == "container":
        raise SettingsError(
            'a host cannot reach a SQL Server in a container of this machine: [test_instance] sql_server = "container"',
            next_step="leave it out, and name a SQL Server in [host.sql_server]",
        )
    if settings.host.system == "windows" and settings.test_instance.nodes > 1:
        raise SettingsError(
            "several nodes on one Windows machine share their binaries: they cannot be upgraded one after the other",
            where="[test_instance] nodes",
            next_step="rehearse with one node, or on Linux, or in containers",
        )
    return f"the test instance is to be in {settings.host.folder}"


def _sql_server(settings: Settings, wanted: HostSettings) -> str:
    address = clone_address(wanted.sql_server, settings.sql_server)
    try:
        with SqlServer(address) as server:
            allowed = server.value(_MAY_CREATE)
    except TidegateError as error:
        raise UsageError(
            f"the clone's SQL Server cannot be used: {error.what}",
            where=f"[host.sql_server] {address.server}",
            next_step=error.next_step or "correct server, user or password",
        ) from None
    if allowed == 0:
        raise UsageError(
            f"{address.user} may not create databases on {address.server}",
            where="[host.sql_server]",
            next_step=f"ALTER SERVER ROLE dbcreator ADD MEMBER [{address.user}]",
        )
    return f"{address.user} may create databases on {address.server}"


def _writable(folder: Path, setting: str) -> str:
    probe = folder / f".{PREFIX}{secrets.token_hex(8)}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written to here: {error.strerror}",
            where=setting,
            next_step="make or mount the folder, and give this user the right",
        ) from None
    return f"{folder} can be written to"


def _readable(setting: str, file: Path) -> None:
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}",
            where=setting,
            next_step="name a file that this user may read",
        ) from None
