"""How the settings say that a machine is reached."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tidegate.providers.hosts.reach import OnThisMachine, OverSsh, Reach
from tidegate.settings import ReachSettings


@contextmanager
def reached(wanted: ReachSettings) -> Generator[Reach]:
    """The machine of these settings; over SSH one connection serves the whole block, where the client can do that."""
    if not wanted.address:
        yield OnThisMachine()
        return
    if os.name == "nt":  # Windows's client has no shared connections
        yield OverSsh(wanted.address, ssh_options(wanted))
        return
    with tempfile.TemporaryDirectory(prefix="tidegate-ssh-") as folder:  # a socket's path must be short
        reach = OverSsh(wanted.address, ssh_options(wanted), Path(folder) / "%C")
        try:
            yield reach
        finally:
            reach.close()


def ssh_options(wanted: ReachSettings) -> tuple[str, ...]:
    """For `ssh` and `sftp` alike, which name some of their own options differently."""
    options: list[str] = []
    if wanted.ssh_config:
        options += ["-F", str(wanted.ssh_config)]
    if wanted.user:
        options += ["-o", f"User={wanted.user}"]
    if wanted.port:
        options += ["-o", f"Port={wanted.port}"]
    if wanted.identity_file:
        options += ["-o", f"IdentityFile={_quoted(wanted.identity_file)}", "-o", "IdentitiesOnly=yes"]
    if wanted.known_hosts:
        options += ["-o", f"UserKnownHostsFile={_quoted(wanted.known_hosts)}", "-o", "GlobalKnownHostsFile=none"]
    return tuple(options)


def _quoted(path: Path) -> str:
    """As a line of the client's configuration names a file; a percent sign would begin a token."""
    return '"' + str(path).replace("%", "%%") + '"'
